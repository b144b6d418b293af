"""The narrows: where requests time out for their length, fewer bytes go at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.pacing.congestion_window import SLOW_S, CongestionWindow
from asyncloader.values.errors import ServiceError, ServiceUnavailable
from asyncloader.wire.response import BatchWriteResult

SAMPLE = 64
"""One in so many quick answers is looked at, for what is usual: most loads never meet the narrows, and must not pay."""
NEARLY = 0.9
"""The part of the time-out after which a request without an answer has timed out."""


class CongestionGate:
    """A gate that is open until its window has a limit; then requests are cut to their share of it and wait for room."""

    def __init__(self, timeout_s: float, now: Callable[[], float]) -> None:
        self._window = CongestionWindow(timeout_s)
        self._timeout_s = timeout_s
        self._now = now
        self._in_flight = 0
        self._bytes = 0.0
        self._sizes: dict[int, float] = {}
        """Of the requests that went out while there was a limit."""
        self._answers = 0
        self._changed = asyncio.Event()
        self._is_shut = False

    def lets(self, batch: Batch) -> bool:
        """Let the batch out at once, if there is no limit."""
        if self._window.limit_bytes is not None:
            return False
        self._in_flight += 1
        return True

    async def wait(self, batch: Batch) -> list[ItemRange]:
        """Wait until there is room for the batch; gives the items that were cut off because it was too long."""
        others: list[ItemRange] = []
        while (limit := self._window.limit_bytes) is not None and not self._is_shut:
            others += batch.keep_within_bytes(self._window.request_bytes or limit)
            size = float(batch.wire_bytes)
            if not self._in_flight or self._bytes + size <= limit:
                self._sizes[id(batch)] = size
                self._bytes += size
                break
            self._changed.clear()
            await self._changed.wait()
        self._in_flight += 1
        return others

    def answered(self, batch: Batch, answer: BatchWriteResult, sent_at: float) -> None:
        """Tell the window of it, if it can matter."""
        now = self._now()
        self._answers += 1
        if self._window.limit_bytes is not None or now - sent_at >= SLOW_S or self._answers % SAMPLE == 0:
            self._window.answered(float(batch.wire_bytes), self._bytes_in_flight(batch), sent_at, now)
        self._leave(batch)

    def failed(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Tell the window of a request that has timed out; other failures say nothing about the way."""
        now = self._now()
        if isinstance(error, ServiceUnavailable) and now - sent_at >= NEARLY * self._timeout_s:
            self._window.timed_out(self._bytes_in_flight(batch), sent_at, now)
        self._leave(batch)

    def shut(self) -> None:
        """Nobody waits any more: nothing will be sent."""
        self._is_shut = True
        self._changed.set()

    def _bytes_in_flight(self, batch: Batch) -> float:
        """Exact where there is a limit; else as if all requests were as long as this one."""
        return self._bytes if self._window.limit_bytes is not None else float(batch.wire_bytes * self._in_flight)

    def _leave(self, batch: Batch) -> None:
        self._in_flight -= 1
        if self._sizes:
            self._bytes -= self._sizes.pop(id(batch), 0.0)
            self._changed.set()
        elif self._window.limit_bytes is not None:
            self._changed.set()
