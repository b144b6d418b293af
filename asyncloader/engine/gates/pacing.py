"""The turnstile: requests go out one after the other, at the pace that the pacer gives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.hot_key_queues import HotKeyQueues
from asyncloader.encode.keys import ItemKey, key_of
from asyncloader.pacing.hot_keys import HotKeyDetector
from asyncloader.pacing.limits import OWN_CAP, Limits
from asyncloader.pacing.pacer import Pacer
from asyncloader.pacing.throttle_causes import HOT_KEYS, ThrottleCauses, is_key_range
from asyncloader.values.errors import ServiceError, Throttled
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Table
from asyncloader.wire.response import BatchWriteResult

log = logging.getLogger("asyncloader")

LOOK_S = 0.25
"""How often an open turnstile notes what passes."""
HELD, MUCH_REFUSED = 0.2, 0.03
"""A cap limits a load that waited for it in such a part of the time, unless so much was refused all the same."""


class PacingGate:
    """All writers pass here before they send. Only one waits for its moment, so a new rate holds from the next one on.

    Items of hot keys step aside into their sidings. Where nothing limits the load but itself the turnstile stands open,
    so that a request costs no pacing, and shuts at the first refusal.
    """

    def __init__(self, pacer: Pacer, table: Table, now: Callable[[], float]) -> None:
        self._pacer = pacer
        self._key = table.key
        self._now = now
        self._began = now()
        self._turn = asyncio.Lock()
        self._refusals = ThrottleCauses(table)
        self.heat = HotKeyDetector(self._began)
        self.sidings = HotKeyQueues(self.heat)
        self.is_shut = False
        self.is_open = False
        self._held_s = self._passed = 0.0
        self._looked_at = self._passed_wcu = self._passing_rate = 0.0

    def lets(self, batch: Batch) -> bool:
        """Let the batch out at once, if the turnstile stands open."""
        return self.is_open

    async def wait(self, batch: Batch) -> list[ItemRange]:
        """Wait until the batch may be sent; gives the items that are not to be sent now, which may be all of them."""
        others = list[ItemRange]()
        if self.sidings:
            batch.runs, others = self.sidings.part(batch.runs)
            if not batch.runs:
                return others
        async with self._turn:
            if self.is_shut:
                return []
            pacer = self._pacer
            if len(batch) > 1 and batch.wcu > pacer.batch_wcu:
                others += batch.keep_within(pacer.batch_wcu)
            wait_s = pacer.reserve(batch.wcu, self._now())
            if wait_s > 0:
                self._held_s += wait_s
                await asyncio.sleep(wait_s)
                pacer.sent(self._now())
            return others

    def answered(self, batch: Batch, answer: BatchWriteResult, sent_at: float) -> None:
        """Tell the pacer what was refused, and the heat which keys were."""
        items, refused = len(batch), len(answer.unprocessed)
        self._passed += items - refused
        self.heat.note_passed(items - refused)
        if self.is_open and not refused:
            self._look(answer.consumed_wcu, sent_at)
            return
        predicted = batch.wcu
        accepted = predicted * (1 - refused / items)
        self._pacer.learn_cost(accepted, answer.consumed_wcu, answer.by_index)
        if refused or self.sidings:
            self._divide(batch, answer, sent_at)
        else:
            self._judge(sent_at, predicted, 0.0)

    def failed(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Tell the pacer of a refusal for lack of capacity; other failures say nothing about it."""
        if not isinstance(error, Throttled):
            return
        items = len(batch)
        for reason, resource in zip(error.reasons, error.resources, strict=False):
            self._note(self._refusals.told(reason, resource), items)
        if not error.reasons:
            self._note(self._refusals.guessed(self._pacer.limit), items)
        if not is_key_range(error.reasons):
            self._judge(sent_at, batch.wcu, batch.wcu)
            return
        now, partitions = self._now(), [run.flight.item_key(item)[0] for run, item in batch.items()]
        self._warm(self.heat.note_range(partitions, now), now)
        for (run, item), partition in zip(batch.items(), partitions, strict=True):
            wcu = run.flight.wcu(item, item + 1)
            self.sidings.judge(partition, sent_at, wcu, wcu, now)
        if self.heat.is_everywhere and not self.sidings:
            self._judge(sent_at, batch.wcu, batch.wcu)

    def shut(self) -> None:
        """Nobody waits any more: nothing will be sent."""
        self.is_shut = True

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
        """The table is described anew; true if that changes anything."""
        is_new = limits != self._pacer.limits
        self._pacer.relimit(limits)
        return is_new

    @property
    def limited_by(self) -> CapacityLimit | None:
        """What held the load back most, so far."""
        refused = sum(self._refusals.items.values())
        held = self._held_s > HELD * (self._now() - self._began)
        cap = self._pacer.limit
        if cap is not None and held and refused <= MUCH_REFUSED * (refused + self._passed):
            return cap
        return self._refusals.top

    def _divide(self, batch: Batch, answer: BatchWriteResult, sent_at: float) -> None:
        """Hot keys answer for what was refused of them; the rest was refused for lack of the table's capacity."""
        now, returned = self._now(), self._returned(answer)
        sent: list[str] = []
        refused: list[str] = []
        costs: dict[str, list[int]] = {}
        for run, item in batch.items():
            key, wcu = run.flight.item_key(item), run.flight.wcu(item, item + 1)
            cost = costs.setdefault(key[0], [0, 0, 0])
            cost[0] += wcu
            sent.append(key[0])
            if key in returned:
                cost[1] += wcu
                cost[2] += 1
                refused.append(key[0])
        if refused:
            self._warm(self.heat.note(sent, refused, now), now)
        wcu, short, hot_items, cold_items = 0, 0, 0, 0
        for partition, (cost_wcu, refused_wcu, items) in costs.items():
            if self.sidings.judge(partition, sent_at, cost_wcu, refused_wcu, now):
                wcu += cost_wcu - refused_wcu
                hot_items += items
            else:
                wcu += cost_wcu
                short += refused_wcu
                cold_items += items
        if hot_items:
            self._note(HOT_KEYS, hot_items)
        if cold_items:
            self._note(self._refusals.guessed(self._pacer.limit), cold_items)
        self._judge(sent_at, wcu, short)

    def _returned(self, answer: BatchWriteResult) -> set[ItemKey]:
        try:
            return {key_of(item, self._key) for item in answer.unprocessed}
        except (KeyError, TypeError, ValueError):
            return set()  # the engine sends all of it again

    def _warm(self, keys: list[str], now: float) -> None:
        if keys:
            self.sidings.open(keys, now)
            self._pacer.pardon(now)

    def _note(self, limit: CapacityLimit, items: int) -> None:
        if self._refusals.note(limit, items) and limit.what not in ("table", HOT_KEYS.what):
            log.warning("writes are limited by %s", limit)

    def _judge(self, sent_at: float, predicted_wcu: float, refused_wcu: float) -> None:
        now, pacer = self._now(), self._pacer
        if self.is_open:
            self.is_open = False
            pacer.rejoin(max(self._passing_rate, pacer.limits.start_wcu), now)
        pacer.judge(sent_at, predicted_wcu, refused_wcu, now)
        if pacer.is_free and not self.sidings:
            self.is_open = True
            self._looked_at, self._passed_wcu, self._passing_rate = now, 0.0, pacer.rate

    def _look(self, wcu: float, now: float) -> None:
        self._passed_wcu += wcu
        if now - self._looked_at >= LOOK_S:
            self._passing_rate = self._passed_wcu / (now - self._looked_at)
            self._looked_at, self._passed_wcu = now, 0.0
