"""The limit on pending items, by number and by bytes: producers wait in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from asyncloader.values.errors import AsyncLoaderError

TURN = 256
"""This many items are accepted before other tasks of the loop have their turn: about two milliseconds."""


class PendingLimit:
    """An item is counted from the put until it is settled. Nobody passes those who wait already.

    A single item longer than `limit_bytes` is accepted when nothing else is pending. `on_full` is called when somebody
    starts to wait.
    """

    def __init__(self, limit_items: int, limit_bytes: int, on_full: Callable[[], None] = lambda: None) -> None:
        self._on_full = on_full
        self._limit_items = limit_items
        self._limit_bytes = limit_bytes
        self._waiters: deque[tuple[asyncio.Future[None], int]] = deque()
        self._turn_ends_at = TURN
        self._accepted = 0
        self.items = 0
        self.bytes = 0

    @property
    def waiting(self) -> int:
        """How many producers wait."""
        return len(self._waiters)

    def try_acquire(self, size_bytes: int, *, politely: bool = True) -> bool:
        """Count one item, if there is room and nobody waits; with `politely` only while the turn is not over."""
        items, size = self.items, self.bytes + size_bytes
        if self._waiters or items >= self._limit_items or (size > self._limit_bytes and items):
            return False
        if politely:
            self._accepted += 1
            if self._accepted > self._turn_ends_at:
                return False
        self.items = items + 1
        self.bytes = size
        return True

    async def acquire(self, size_bytes: int) -> None:
        """Wait until one item is counted; whoever is cancelled here, or gets an error, has none counted."""
        if self._accepted > self._turn_ends_at:
            await asyncio.sleep(0)
            self._turn_ends_at = self._accepted + TURN
            if self.try_acquire(size_bytes):
                return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (granted, size_bytes)
        self._waiters.append(waiter)
        self._on_full()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self.release(1, size_bytes)
            else:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                self._admit()
            raise

    def release(self, items: int, size_bytes: int) -> None:
        """`items` items of `size_bytes` are settled; producers that wait go on, first come first served."""
        self.items -= items
        self.bytes -= size_bytes
        if self._waiters:
            self._admit()

    def fail(self, error: AsyncLoaderError) -> None:
        """Nothing is accepted any more: whoever waits gets `error`."""
        while self._waiters:
            granted, _ = self._waiters.popleft()
            if not granted.done():
                granted.set_exception(error)

    def _fits(self, size_bytes: int) -> bool:
        if self.items >= self._limit_items:
            return False
        return self.bytes + size_bytes <= self._limit_bytes or self.items == 0

    def _admit(self) -> None:
        while self._waiters and (self._waiters[0][0].done() or self._fits(self._waiters[0][1])):
            granted, size_bytes = self._waiters.popleft()
            if not granted.done():
                # Counted at once, so that nobody else comes between.
                self.items += 1
                self.bytes += size_bytes
                granted.set_result(None)
