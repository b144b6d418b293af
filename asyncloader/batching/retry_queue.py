"""Items that must be sent again: when, how often, and until then a queue by due time.

The delay is full jitter between 0 and a bound that doubles; attempts count only while the whole load does not advance
(see `RetrySettings`). What is due comes out merged into full batches; items that are being bisected stay by themselves.
The queue holds at most the items of the blocks in flight; the reader pauses long before that, while it holds more than
`limit` items.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from asyncloader.batching.batch import Batch, ItemRange, merge
from asyncloader.batching.hot_key_queues import HotKeyQueues
from asyncloader.values.settings import RetrySettings


class RetryQueue:
    """Batches to send at or after a moment of a clock in seconds."""

    def __init__(self, limit: int, sidings: HotKeyQueues | None = None) -> None:
        self.limit = limit
        self._sidings = sidings
        self.items = 0
        self._heap: list[tuple[float, int, list[ItemRange]]] = []
        self._ties = itertools.count()

    @property
    def is_full(self) -> bool:
        """Whether the reader should wait."""
        return self.items > self.limit

    @property
    def next_due(self) -> float | None:
        """When the next items are due."""
        own = self._heap[0][0] if self._heap else None
        hot = self._sidings.next_due if self._sidings else None
        return hot if own is None else own if hot is None else min(own, hot)

    def add(self, runs: list[ItemRange], due: float) -> None:
        """Hold `runs` until `due`; of what may go at once, items of hot keys until their siding lets them go."""
        if due <= 0.0 and self._sidings and not (runs := self._sidings.hold(runs)):
            return
        self.items += sum(map(len, runs))
        heapq.heappush(self._heap, (due, next(self._ties), runs))

    def take_due(self, now: float) -> list[Batch]:
        """All that is due by `now`, as full batches."""
        batches: list[Batch] = []
        mixed: list[ItemRange] = []
        while self._heap and self._heap[0][0] <= now:
            runs = heapq.heappop(self._heap)[2]
            self.items -= sum(map(len, runs))
            if runs[0].suspect:
                batches.append(Batch(runs))
            else:
                # A hot key's item that was refused has waited like any other, and now waits for its turn.
                mixed += self._sidings.hold(runs) if self._sidings else runs
        if self._sidings:
            batches += self._sidings.take_due(now)
        return [*batches, *merge(mixed)]


_BUSY_EXPONENT = 4
"""While the load advances a refused item waits for its turn, not for the service to recover."""


def delay_s(runs: list[ItemRange], retry: RetrySettings, random: Callable[[], float]) -> float:
    """Seconds until these runs are due, by their history; `random` gives 0 to 1."""
    exponent = max(
        min(run.tries - 1, _BUSY_EXPONENT) if run.stalled == 0 else max(run.tries - 1, run.stalled) for run in runs
    )
    return random() * min(retry.cap_s, retry.base_s * 2.0 ** min(exponent, 60))


def note_attempt(run: ItemRange, advance: int) -> None:
    """The run is being sent while the load has settled `advance` items."""
    if run.tries and run.advance == advance:
        run.stalled += 1
    else:
        run.stalled = 0
    if run.first_advance < 0:
        run.first_advance = advance
    run.tries += 1
    run.advance = advance


def is_spent(run: ItemRange, advance: int, retry: RetrySettings) -> bool:
    """Whether the run has come back as often as it may while nothing else advanced."""
    return run.advance == advance and run.stalled + 1 >= retry.attempts
