"""The pacing gate: requests are sent one after the other, at the rate that the pacer allows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.hot_key_queues import HotKeyQueues
from asyncloader.encode.keys import ItemKey, key_of
from asyncloader.pacing.limits import OWN_CAP, Limits
from asyncloader.pacing.pacer import Pacer
from asyncloader.pacing.throttle_causes import HOT_KEYS, ThrottleCauses, is_key_range
from asyncloader.values.errors import ServiceError, Throttled
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Table
from asyncloader.wire.response import BatchWriteResult

log = logging.getLogger("asyncloader")

MEASURE_S = 0.25
"""How often an unpaced gate measures the rate of what passes."""


class PacingState(Enum):
    """PACED: requests wait for their turn. UNPACED: nothing limits the load but itself. CLOSED: nothing more is sent."""

    PACED = auto()
    UNPACED = auto()
    CLOSED = auto()


class PacingGate:
    """All writers pass here before they send. Only one waits for its turn, so a new rate holds from the next one on.

    Where nothing limits the load but itself the gate is unpaced, so that a request costs no pacing, until the first
    refusal. `hot_keys` answer for what is refused of them, so the table is not taken to be short for their sake.
    """

    def __init__(self, pacer: Pacer, table: Table, hot_keys: HotKeyQueues, now: Callable[[], float]) -> None:
        self.state = PacingState.PACED
        self._pacer = pacer
        self._key = table.key
        self._hot_keys = hot_keys
        self._now = now
        self._began = now()
        self._turn = asyncio.Lock()
        self._causes = ThrottleCauses(table)
        self._measured_at = self._passed_wcu = self._passing_rate = 0.0

    def try_acquire(self, batch: Batch) -> bool:
        """Whether the gate is unpaced."""
        return self.state is PacingState.UNPACED

    async def acquire(self, batch: Batch) -> list[ItemRange]:
        """Wait until it is the batch's turn; returns the items that were cut off because they cost too much at once."""
        others = list[ItemRange]()
        async with self._turn:
            if self.state is PacingState.CLOSED:
                return others
            pacer = self._pacer
            if len(batch) > 1 and batch.wcu > pacer.batch_wcu:
                others = batch.keep_within(pacer.batch_wcu)
            wait_s = pacer.reserve(batch.wcu, self._now())
            if wait_s > 0:
                self._causes.waited_s += wait_s
                await asyncio.sleep(wait_s)
                pacer.sent(self._now())
            return others

    def on_response(self, batch: Batch, result: BatchWriteResult, sent_at: float) -> None:
        """Tell the pacer what was refused for lack of the table's capacity, and the hot keys what was for theirs."""
        items, refused = len(batch), len(result.unprocessed)
        self._causes.passed_items += items - refused
        self._hot_keys.on_passed(items - refused)
        if self.state is PacingState.UNPACED and not refused:
            self._measure(result.consumed_wcu, sent_at)
            return
        predicted = batch.wcu
        self._pacer.learn_cost(predicted * (1 - refused / items), result.consumed_wcu, result.by_index)
        if not refused and not self._hot_keys:
            self._judge(sent_at, predicted, 0.0)
            return
        now = self._now()
        share = self._hot_keys.on_response(batch, self._unprocessed_keys(result), sent_at, now)
        if share.is_new:
            self._pacer.pardon(now)
        if share.hot_items:
            self._note(HOT_KEYS, share.hot_items)
        if share.other_items:
            self._note(self._causes.inferred(self._pacer.limit), share.other_items)
        self._judge(sent_at, share.wcu, share.refused_wcu)

    def on_error(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Tell the pacer of a refusal for lack of capacity; other failures say nothing about it."""
        if not isinstance(error, Throttled):
            return
        items = len(batch)
        for reason, resource in zip(error.reasons, error.resources, strict=False):
            self._note(self._causes.named(reason, resource), items)
        if not error.reasons:
            self._note(self._causes.inferred(self._pacer.limit), items)
        if not is_key_range(error.reasons):
            self._judge(sent_at, batch.wcu, batch.wcu)
            return
        now = self._now()
        share = self._hot_keys.on_key_range_error(batch, sent_at, now)
        if share.is_new:
            self._pacer.pardon(now)
        if share.refused_wcu:
            self._judge(sent_at, share.wcu, share.refused_wcu)

    def close(self) -> None:
        """Nothing more will be sent: whoever gets its turn from now on passes at once."""
        self.state = PacingState.CLOSED

    @property
    def is_described(self) -> bool:
        """Whether the table's description sets the pace."""
        limit = self._pacer.limit
        return limit is not None and limit.what != OWN_CAP

    @property
    def pace(self) -> str:
        """The rate that is kept now, in words."""
        return f"{self._pacer.rate:,.0f} WCU/s ({self._pacer.limit})"

    def relimit(self, limits: Limits) -> bool:
        """The table is described anew; returns whether that changes anything."""
        is_new = limits != self._pacer.limits
        self._pacer.relimit(limits)
        return is_new

    @property
    def limited_by(self) -> CapacityLimit | None:
        """What has held the load back most so far."""
        return self._causes.limited_by(self._pacer.limit, self._now() - self._began)

    def _unprocessed_keys(self, result: BatchWriteResult) -> set[ItemKey]:
        try:
            return {key_of(item, self._key) for item in result.unprocessed}
        except (KeyError, TypeError, ValueError):
            return set()  # the engine sends all of it again

    def _note(self, limit: CapacityLimit, items: int) -> None:
        if self._causes.note(limit, items) and limit.what not in ("table", HOT_KEYS.what):
            log.warning("writes are limited by %s", limit)

    def _judge(self, sent_at: float, predicted_wcu: float, refused_wcu: float) -> None:
        now, pacer = self._now(), self._pacer
        if self.state is PacingState.UNPACED:
            self.state = PacingState.PACED
            pacer.rejoin(max(self._passing_rate, pacer.limits.start_wcu), now)
        pacer.judge(sent_at, predicted_wcu, refused_wcu, now)
        if self.state is PacingState.PACED and pacer.is_free and not self._hot_keys:
            self.state = PacingState.UNPACED
            self._measured_at, self._passed_wcu, self._passing_rate = now, 0.0, pacer.rate

    def _measure(self, wcu: float, now: float) -> None:
        self._passed_wcu += wcu
        if now - self._measured_at >= MEASURE_S:
            self._passing_rate = self._passed_wcu / (now - self._measured_at)
            self._measured_at, self._passed_wcu = now, 0.0
