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
from asyncloader.values.settings import RetrySettings


class RetryQueue:
    """Item ranges to send at or after a moment of a clock in seconds; the reader waits while more than `limit` items do."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
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
        return self._heap[0][0] if self._heap else None

    def add(self, ranges: list[ItemRange], due: float) -> None:
        """Hold `ranges` until `due`."""
        self.items += sum(map(len, ranges))
        heapq.heappush(self._heap, (due, next(self._ties), ranges))

    def take_due(self, now: float, hold: Callable[[list[ItemRange]], list[ItemRange]] | None = None) -> list[Batch]:
        """All that is due by `now`, as full batches; `hold` may keep items back and returns the others."""
        batches: list[Batch] = []
        mixed: list[ItemRange] = []
        while self._heap and self._heap[0][0] <= now:
            ranges = heapq.heappop(self._heap)[2]
            self.items -= sum(map(len, ranges))
            if ranges[0].bisecting:
                batches.append(Batch(ranges))
            else:
                mixed += ranges if hold is None else hold(ranges)
        return [*batches, *merge(mixed)]


_BUSY_EXPONENT = 4
"""While the load advances a refused item waits for its turn, not for the service to recover."""


def retry_delay_s(ranges: list[ItemRange], retry: RetrySettings, random: Callable[[], float]) -> float:
    """Seconds until these ranges are due, by their history; `random` returns 0 to 1."""
    exponent = max(
        min(item_range.tries - 1, _BUSY_EXPONENT)
        if item_range.stalled == 0
        else max(item_range.tries - 1, item_range.stalled)
        for item_range in ranges
    )
    return random() * min(retry.cap_s, retry.base_s * 2.0 ** min(exponent, 60))


def note_attempt(item_range: ItemRange, advance: int) -> None:
    """The range is being sent while the load has settled `advance` items."""
    if item_range.tries and item_range.advance == advance:
        item_range.stalled += 1
    else:
        item_range.stalled = 0
    if item_range.first_advance < 0:
        item_range.first_advance = advance
    item_range.tries += 1
    item_range.advance = advance


def is_exhausted(item_range: ItemRange, advance: int, retry: RetrySettings) -> bool:
    """Whether the range has come back as often as it may while nothing else advanced."""
    return item_range.advance == advance and item_range.stalled + 1 >= retry.attempts
