"""The turnstile: requests go out one after the other, at the pace that the pacer gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from asyncloader.schedule.batch import Batch, Run
from asyncloader.schedule.pace import Pacer
from asyncloader.values.errors import ServiceError, Throttled
from asyncloader.wire.answer import Answer


class Turnstile:
    """All writers pass here before they send. Only one waits for its moment, so a new rate holds from the next one on."""

    def __init__(self, pacer: Pacer, now: Callable[[], float]) -> None:
        self._pacer = pacer
        self._now = now
        self._turn = asyncio.Lock()
        self.is_shut = False

    async def wait(self, batch: Batch) -> list[Run]:
        """Wait until the batch may be sent; gives the items that were cut off because they would have cost too much."""
        async with self._turn:
            if self.is_shut:
                return []
            pacer, others = self._pacer, list[Run]()
            if len(batch) > 1 and batch.wcu > pacer.batch_wcu:
                others = batch.keep_within(pacer.batch_wcu)
            wait_s = pacer.reserve(batch.wcu, self._now())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            return others

    def answered(self, batch: Batch, answer: Answer, sent_at: float) -> None:
        """Tell the pacer what was refused; of a mixture by share, since what came back is known only by its keys."""
        predicted = batch.wcu
        refused = predicted * len(answer.unprocessed) / len(batch)
        self._pacer.learn_cost(predicted - refused, answer.consumed_wcu)
        self._pacer.judge(sent_at, predicted, refused, self._now())

    def failed(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Tell the pacer of a refusal for lack of capacity; other failures say nothing about it."""
        if isinstance(error, Throttled):
            self._pacer.judge(sent_at, batch.wcu, batch.wcu, self._now())

    def shut(self) -> None:
        """Nobody waits any more: nothing will be sent."""
        self.is_shut = True
