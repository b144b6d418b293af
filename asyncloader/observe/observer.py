"""What observes a load or a writer, and how several do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypedDict

from asyncloader.values.hooks import BatchSent, OnBatch, OnReject, OnRetry, Rejection, Retry


class Observer(Protocol):
    """Is called with every event that there is a hook for."""

    def on_reject(self, rejection: Rejection, /) -> None: ...

    def on_retry(self, retry: Retry, /) -> None: ...

    def on_batch(self, batch: BatchSent, /) -> None: ...


class Hooked(TypedDict):
    """The hooks by the names that `BatchWriter` and `load` have for them."""

    on_reject: OnReject
    on_retry: OnRetry
    on_batch: OnBatch


def hooks(*observers: Observer) -> Hooked:
    """The hooks that tell all of these, one after the other; an error in one does not keep the others from being called.

    Errors of several are raised together, so that they are logged.
    """

    def all_of(callbacks: list[Callable[[Any], None]]) -> Callable[[Any], None]:
        def hook(event: Any) -> None:
            errors: list[Exception] = []
            for callback in callbacks:
                try:
                    callback(event)
                except Exception as error:  # the others must be called all the same
                    errors.append(error)
            if errors:
                raise errors[0] if len(errors) == 1 else ExceptionGroup("several observers failed", errors)

        return callbacks[0] if len(callbacks) == 1 else hook

    return Hooked(
        on_reject=all_of([observer.on_reject for observer in observers]),
        on_retry=all_of([observer.on_retry for observer in observers]),
        on_batch=all_of([observer.on_batch for observer in observers]),
    )
