"""Scripts: which fault, if any, meets which request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random

from .batch import Batch
from .faults import Fault

Decision = Fault | Sequence[Fault] | None
Script = Callable[[Batch], Decision] | Iterable[Decision] | None
"""A function of the request, or decisions that are used up one a request, after which nothing fails."""


class RandomFaults:
    """Faults by chance: each request meets one of `weights` (None is none), at most `at_most` of them in all.

    For example `RandomFaults(7, {None: 6, Throttle(): 2, ResetAfterWrite(): 1}, at_most=50)`.
    """

    def __init__(self, seed: int, weights: Mapping[Fault | None, float], *, at_most: int | None = None) -> None:
        self._chance = Random(seed)
        self._choices = list(weights)
        self._weights = list(weights.values())
        self._remaining = at_most

    def __call__(self, batch: Batch) -> Fault | None:
        """The fault of the next request."""
        if self._remaining == 0:
            return None
        (fault,) = self._chance.choices(self._choices, self._weights)
        if fault is not None and self._remaining is not None:
            self._remaining -= 1
        return fault


def decider(script: Script) -> Callable[[Batch], Sequence[Fault]]:
    """The script as a function from a request to all its faults."""
    if script is None:
        return lambda batch: ()
    if callable(script):
        return lambda batch, decide=script: _listed(decide(batch))  # type: ignore[misc]
    decisions: Iterator[Decision] = iter(script)
    return lambda batch: _listed(next(decisions, None))


def _listed(decision: Decision) -> Sequence[Fault]:
    if decision is None:
        return ()
    return (decision,) if isinstance(decision, Fault) else decision
