"""The port of what every request passes before it is sent: pace, budget, bytes and requests in flight."""

from __future__ import annotations

from typing import Protocol

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.values.errors import ServiceError
from asyncloader.wire.response import BatchWriteResult


class Gate(Protocol):
    """Decides when a request may be sent, and learns from what became of it; `sent_at` is in seconds of the engine's clock.

    The engine counts a request as in flight while `on_response` or `on_error` is called with it.
    """

    def try_acquire(self, batch: Batch) -> bool:
        """Whether the batch may be sent at once; if not, `acquire` has to be awaited."""
        ...

    async def acquire(self, batch: Batch) -> list[ItemRange]:
        """Wait until the batch may be sent; returns the items that were cut off from it. Raises `StopEngine`."""
        ...

    def on_response(self, batch: Batch, result: BatchWriteResult, sent_at: float) -> None:
        """The request was accepted, though items may have been handed back."""
        ...

    def on_error(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Nothing of the request was acknowledged."""
        ...

    def close(self) -> None:
        """Nothing more will be sent: whoever waits is let go."""
        ...
