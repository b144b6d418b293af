"""Room for pending items, by number and by bytes: producers wait in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from asyncloader.values.errors import AsyncLoaderError

TURN = 256
"""So many items are let in before others in the loop have their turn: about two milliseconds."""


class PendingLimit:
    """What is taken is given back when an item has found its fate. Nobody passes those who wait already.

    A single item longer than `limit_bytes` is let in when nothing else is pending. `on_full` is called when somebody
    starts to wait.
    """

    def __init__(self, limit_items: int, limit_bytes: int, on_full: Callable[[], None] = lambda: None) -> None:
        self._on_full = on_full
        self._limit_items = limit_items
        self._limit_bytes = limit_bytes
        self._waiters: deque[tuple[asyncio.Future[None], int]] = deque()
        self._turn_ends_at = TURN
        self._taken = 0
        self.items = 0
        self.bytes = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiters)

    def try_take(self, size_bytes: int, *, politely: bool = True) -> bool:
        """Take room for one item, if there is some and nobody waits for it; politely: and the turn is not over."""
        items, size = self.items, self.bytes + size_bytes
        if self._waiters or items >= self._limit_items or (size > self._limit_bytes and items):
            return False
        if politely:
            self._taken += 1
            if self._taken > self._turn_ends_at:
                return False
        self.items = items + 1
        self.bytes = size
        return True

    async def take(self, size_bytes: int) -> None:
        """Wait for room for one item; whoever is cancelled here, or hears an error, has taken none."""
        if self._taken > self._turn_ends_at:
            await asyncio.sleep(0)
            self._turn_ends_at = self._taken + TURN
            if self.try_take(size_bytes):
                return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (granted, size_bytes)
        self._waiters.append(place)
        self._on_full()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self.give_back(1, size_bytes)
            else:
                if place in self._waiters:
                    self._waiters.remove(place)
                self._admit()
            raise

    def give_back(self, items: int, size_bytes: int) -> None:
        """So much is free again; lets in those who wait, first come first served."""
        self.items -= items
        self.bytes -= size_bytes
        if self._waiters:
            self._admit()

    def fail(self, error: AsyncLoaderError) -> None:
        """Nobody will be let in any more."""
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
                # Taken for it at once, so that nobody else comes between.
                self.items += 1
                self.bytes += size_bytes
                granted.set_result(None)
