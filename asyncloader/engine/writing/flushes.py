"""Flushes of a writer: each waits until every put batch that was open or submitted before it is settled."""

from __future__ import annotations

import asyncio


class Flushes:
    """Those who wait in `flush`, each for the batches up to a number; batches are numbered in the order of their puts."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def __bool__(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    async def wait(self, number: int) -> None:
        """Wait until batch `number` and all before it are settled; raises what `fail` is given. May be cancelled."""
        flushed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (number, flushed)
        self._waiting.append(waiting)
        try:
            await flushed
        finally:
            self._waiting.remove(waiting)

    def settle(self, oldest: int | None) -> None:
        """`oldest` is the first batch that is not settled yet; None if there is none."""
        for number, flushed in self._waiting:
            if (oldest is None or oldest > number) and not flushed.done():
                flushed.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Nothing more will be settled: whoever waits gets `error`."""
        for _, flushed in self._waiting:
            if not flushed.done():
                flushed.set_exception(error)
