"""The crew: how many of the writers work, where that is found out and not told (`--workers auto`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.pacing.concurrency import ConcurrencyLimit
from asyncloader.values.errors import ServiceError, ServiceUnavailable
from asyncloader.wire.response import BatchWriteResult


class ConcurrencyGate:
    """A gate that hears latencies, and the place where writers rest that are not needed: those with the highest numbers.

    So there are never more connections than were needed at some moment.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._concurrency = ConcurrencyLimit(now())
        self._now = now
        self._in_flight = 0
        self._resting: dict[int, asyncio.Future[None]] = {}
        self._dismissed = False

    @property
    def limit(self) -> int:
        """How many requests may be in flight."""
        return self._concurrency.limit

    async def turn(self, number: int) -> None:
        """Wait until the writer of this number, from 0 on, is needed."""
        while number >= self._concurrency.limit and not self._dismissed:
            rest = self._resting[number] = asyncio.get_running_loop().create_future()
            await rest

    def dismiss(self) -> None:
        """Nobody rests any more: the writers are to end."""
        self._dismissed = True
        self._wake(max(self._resting, default=-1) + 1)

    def lets(self, batch: Batch) -> bool:
        """The request goes out: its writer has had its turn."""
        self._in_flight += 1
        return True

    async def wait(self, batch: Batch) -> list[ItemRange]:
        """Nothing waits here."""
        return []

    def answered(self, batch: Batch, answer: BatchWriteResult, sent_at: float) -> None:
        """An answer that came slowly says that more in flight would only wait longer."""
        now = self._now()
        self._concurrency.answered(now - sent_at, self._in_flight, now)
        self._in_flight -= 1
        self._wake(self._concurrency.limit)

    def failed(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """An answer that never came says so, too; a refusal says nothing."""
        self._in_flight -= 1
        if isinstance(error, ServiceUnavailable):
            self._concurrency.timed_out(self._now())

    def shut(self) -> None:
        """Nobody waits any more: nothing will be sent."""
        self.dismiss()

    def _wake(self, limit: int) -> None:
        if not self._resting or min(self._resting) >= limit:
            return
        for number in [number for number in self._resting if number < limit]:
            rest = self._resting.pop(number)
            if not rest.done():
                rest.set_result(None)
