"""The congestion gate: where requests time out for their length, fewer bytes are in flight at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.in_flight import InFlightRegistry
from asyncloader.pacing.congestion_window import SLOW_S, CongestionWindow
from asyncloader.values.errors import ServiceError, ServiceUnavailable
from asyncloader.wire.response import BatchWriteResult

SAMPLE = 64
"""One of this many quick responses is measured, for what is usual: most loads never meet congestion, and must not pay."""
NEARLY = 0.9
"""The part of the time-out after which a request without a response has timed out."""


class CongestionGate:
    """Lets everything through until its window has a limit; then requests are cut to their share of it and wait for room."""

    def __init__(self, timeout_s: float, in_flight: InFlightRegistry, now: Callable[[], float]) -> None:
        self._window = CongestionWindow(timeout_s)
        self._timeout_s = timeout_s
        self._in_flight = in_flight
        self._now = now
        self._acquired: dict[int, float] = {}
        """The bytes of requests that were let through while there was a limit."""
        self._acquired_bytes = 0.0
        self._responses = 0
        self._changed = asyncio.Event()
        self._is_closed = False

    def try_acquire(self, batch: Batch) -> bool:
        """Whether there is no limit."""
        return self._window.limit_bytes is None

    async def acquire(self, batch: Batch) -> list[ItemRange]:
        """Wait until there is room for the batch; returns the items that were cut off because it was too long."""
        others: list[ItemRange] = []
        while (limit := self._window.limit_bytes) is not None and not self._is_closed:
            others += batch.keep_within_bytes(self._window.request_bytes or limit)
            size = float(batch.wire_bytes)
            if self._is_idle or self._acquired_bytes + size <= limit:
                self._acquired[id(batch)] = size
                self._acquired_bytes += size
                break
            self._changed.clear()
            await self._changed.wait()
        return others

    def on_response(self, batch: Batch, result: BatchWriteResult, sent_at: float) -> None:
        """Tell the window of it, if it can matter."""
        now = self._now()
        self._responses += 1
        if self._window.limit_bytes is not None or now - sent_at >= SLOW_S or self._responses % SAMPLE == 0:
            self._window.answered(float(batch.wire_bytes), self._bytes_in_flight(batch), sent_at, now)
        self._release(batch)

    def on_error(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Tell the window of a request that has timed out; other failures say nothing about the network."""
        now = self._now()
        if isinstance(error, ServiceUnavailable) and now - sent_at >= NEARLY * self._timeout_s:
            self._window.timed_out(self._bytes_in_flight(batch), sent_at, now)
        self._release(batch)

    def close(self) -> None:
        """Nothing more will be sent: whoever waits is let go."""
        self._is_closed = True
        self._changed.set()

    @property
    def _is_idle(self) -> bool:
        return not self._acquired and not self._in_flight.requests

    def _bytes_in_flight(self, batch: Batch) -> float:
        """Exact where there is a limit; else as if all requests were as long as this one."""
        if self._window.limit_bytes is not None:
            return self._acquired_bytes
        return float(batch.wire_bytes * self._in_flight.requests)

    def _release(self, batch: Batch) -> None:
        if self._acquired:
            self._acquired_bytes -= self._acquired.pop(id(batch), 0.0)
            self._changed.set()
        elif self._window.limit_bytes is not None:
            self._changed.set()
