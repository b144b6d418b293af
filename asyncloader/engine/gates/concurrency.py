"""The concurrency gate: how many of the writers work, where that number is found by the load (`--workers auto`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.in_flight import InFlightRegistry
from asyncloader.pacing.concurrency import ConcurrencyLimit
from asyncloader.values.errors import ServiceError, ServiceUnavailable
from asyncloader.wire.response import BatchWriteResult


class ConcurrencyGate:
    """Measures latencies, and is where writers wait that are not needed: those with the highest numbers.

    So there are never more connections than were needed at some moment.
    """

    def __init__(self, in_flight: InFlightRegistry, now: Callable[[], float]) -> None:
        self._limit = ConcurrencyLimit(now())
        self._in_flight = in_flight
        self._now = now
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._is_closed = False

    @property
    def limit(self) -> int:
        """How many requests may be in flight."""
        return self._limit.limit

    async def until_needed(self, number: int) -> None:
        """Wait until the writer with this number, from 0 on, is needed."""
        while number >= self._limit.limit and not self._is_closed:
            waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
            await waiting

    def try_acquire(self, batch: Batch) -> bool:
        """Always: the writer that holds the batch is needed."""
        return True

    async def acquire(self, batch: Batch) -> list[ItemRange]:
        """Nothing waits here."""
        return []

    def on_response(self, batch: Batch, result: BatchWriteResult, sent_at: float) -> None:
        """A slow response says that more requests in flight would only wait longer."""
        now = self._now()
        self._limit.answered(now - sent_at, self._in_flight.requests, now)
        self._wake(self._limit.limit)

    def on_error(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """A response that never came says so, too; a refusal says nothing."""
        if isinstance(error, ServiceUnavailable):
            self._limit.timed_out(self._now())

    def close(self) -> None:
        """No writer waits any more: all of them are to end."""
        self._is_closed = True
        self._wake(max(self._waiting, default=-1) + 1)

    def _wake(self, limit: int) -> None:
        if not self._waiting or min(self._waiting) >= limit:
            return
        for number in [number for number in self._waiting if number < limit]:
            waiting = self._waiting.pop(number)
            if not waiting.done():
                waiting.set_result(None)
