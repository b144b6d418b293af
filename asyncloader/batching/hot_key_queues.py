"""Sidings: the items of each hot partition key wait by themselves, at a pace of their own.

A siding gives out its items a request at a time; what is refused of them changes the siding's pace and nobody else's. All
sidings together hold at most the items of what is in flight (`blocks_in_flight` blocks of a file): the reader does not
wait for them before that. Pure: the clock is passed in.
"""

from __future__ import annotations

from collections import deque

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.pacing.hot_keys import HotKeyDetector
from asyncloader.pacing.limits import Limits
from asyncloader.pacing.pacer import Pacer
from asyncloader.values.settings import BATCH_ITEMS

START_WCU = 1_000.0
"""What one partition key takes (DYNAMODB.md, Partition limits)."""
AT_ONCE_S = 0.1
"""A siding gives out so much time's worth at once, so that its requests are not too many."""
COOL_S = 20.0
"""A siding that was not refused for so long, and has nothing left, is closed."""


class HotKeyQueue:
    """One key's items, the next of which go at `due`."""

    __slots__ = ("due", "items", "pacer", "refused_at", "waiting")

    def __init__(self, now: float) -> None:
        self.pacer = Pacer(Limits(START_WCU), now)
        self.waiting: deque[ItemRange] = deque()
        self.items = 0
        self.due = now
        self.refused_at = now

    def take(self, now: float) -> list[ItemRange]:
        """What may go now; after that the next ones are due when these have paid for their place."""
        if not self.waiting or self.due > now:
            return []
        most, wcu, taken = max(self.pacer.rate * AT_ONCE_S, 1.0), 0, list[ItemRange]()
        while self.waiting and len(taken) < BATCH_ITEMS and (wcu < most or not taken):
            run = self.waiting.popleft()
            wcu += run.flight.wcu(run.first, run.stop)
            run.paced = True
            taken.append(run)
        self.items -= len(taken)
        self.pacer.reserve(wcu, now)
        self.due = now + wcu / self.pacer.rate
        return taken


class HotKeyQueues:
    """Every hot key has a siding; which keys are hot is for the heat to say."""

    def __init__(self, heat: HotKeyDetector) -> None:
        self.heat = heat
        self.items = 0
        self._sidings: dict[str, HotKeyQueue] = {}

    def __bool__(self) -> bool:
        """Whether any key is hot."""
        return bool(self._sidings)

    def open(self, keys: list[str], now: float) -> None:
        """These keys are hot from now on."""
        for key in keys:
            self._sidings[key] = HotKeyQueue(now)

    def part(self, runs: list[ItemRange]) -> tuple[list[ItemRange], list[ItemRange]]:
        """Divide runs into those that sidings have nothing to say to, and single items of hot keys that must wait in theirs."""
        free: list[ItemRange] = []
        hot: list[ItemRange] = []
        for run in runs:
            if run.paced or run.suspect or not self._sidings:
                free.append(run)
                continue
            first = run.first
            for item in range(run.first, run.stop):
                if partition_of(run, item) in self._sidings:
                    if item > first:
                        free.append(run.part(first, item))
                    hot.append(run.part(item, item + 1))
                    first = item + 1
            if first < run.stop:
                free.append(run if first == run.first else run.part(first, run.stop))
        return free, hot

    def hold(self, runs: list[ItemRange]) -> list[ItemRange]:
        """Let the items of hot keys wait in their sidings; gives the others."""
        for run in runs:
            run.paced = False
        free, hot = self.part(runs)
        for run in hot:
            siding = self._sidings[partition_of(run, run.first)]
            # Those that have been sent before go first, so that none waits for ever.
            siding.waiting.appendleft(run) if run.tries else siding.waiting.append(run)
            siding.items += 1
        self.items += len(hot)
        return free

    def take_due(self, now: float) -> list[Batch]:
        """What may go by now, each siding's in a request of its own."""
        batches: list[Batch] = []
        for key, siding in list(self._sidings.items()):
            while taken := siding.take(now):
                self.items -= len(taken)
                batches.append(Batch(taken))
            if not siding.items and now - siding.refused_at > COOL_S:
                del self._sidings[key]
                self.heat.cool(key)
        return batches

    @property
    def next_due(self) -> float | None:
        """When the next items are due."""
        return min((siding.due for siding in self._sidings.values() if siding.items), default=None)

    def judge(self, key: str, sent_at: float, wcu: float, refused_wcu: float, now: float) -> bool:
        """What became of a hot key's items in one request; false if the key has no siding."""
        siding = self._sidings.get(key)
        if siding is None:
            return False
        if refused_wcu:
            siding.refused_at = now
        siding.pacer.judge(sent_at, wcu, refused_wcu, now)
        return True


def partition_of(run: ItemRange, item: int) -> str:
    """The canonical text of an item's partition key."""
    return run.flight.item_key(item)[0]
