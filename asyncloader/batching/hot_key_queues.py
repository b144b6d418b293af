"""Hot partition keys: which keys are hot, the items that wait for them, and the pace of each. Their one owner.

What happens to a hot key's item: the task that sends its batch diverts it here before anything is sent; it waits in
the queue of its key until it is due by the key's own pace; then it is sent in a request of its key alone. What is refused
of it changes the pace of its key and no other. All queues together hold at most the items of the blocks in flight, so
the reader does not pause for them. Pure: the clock is passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.encode.keys import ItemKey
from asyncloader.pacing.hot_keys import HotKeyDetector
from asyncloader.pacing.limits import Limits
from asyncloader.pacing.pacer import Pacer
from asyncloader.values.dynamodb import BATCH_ITEMS, PARTITION_WCU
from asyncloader.values.report import HotKey

AT_ONCE_S = 0.1
"""A queue releases the items of this time at once, so that its requests are not too many."""
QUIET_S = 20.0
"""A key that was not refused for this time, and has nothing left in its queue, is hot no more."""


class _Queue:
    """One key's items, the next of which are due at `due`."""

    __slots__ = ("due", "items", "pacer", "refused_at", "waiting")

    def __init__(self, now: float) -> None:
        self.pacer = Pacer(Limits(PARTITION_WCU), now)
        self.waiting: deque[ItemRange] = deque()
        self.items = 0
        self.due = now
        self.refused_at = now

    def take(self, now: float) -> list[ItemRange]:
        """What may go now; after that the next ones are due when the key's rate has room for them."""
        if not self.waiting or self.due > now:
            return []
        limit, wcu, taken = max(self.pacer.rate * AT_ONCE_S, 1.0), 0, list[ItemRange]()
        while self.waiting and len(taken) < BATCH_ITEMS and (wcu < limit or not taken):
            item_range = self.waiting.popleft()
            wcu += item_range.entry.wcu(item_range.first, item_range.stop)
            item_range.paced = True
            taken.append(item_range)
        self.items -= len(taken)
        self.pacer.reserve(wcu, now)
        self.due = now + wcu / self.pacer.rate
        return taken


@dataclass(slots=True)
class TableShare:
    """What of a request is attributed to the table itself, after the part of the hot keys.

    `wcu` is the predicted cost and `refused_wcu` what of it was refused; `hot_items` and `other_items` count the refused
    items. `is_new` says that this request made a key hot.
    """

    wcu: int = 0
    refused_wcu: int = 0
    hot_items: int = 0
    other_items: int = 0
    is_new: bool = False


class HotKeyQueues:
    """The hot keys of one engine: detects them, holds their items, paces each. Times are seconds of one clock."""

    def __init__(self, now: float) -> None:
        self.items = 0
        self.detector = HotKeyDetector(now)
        self._queues: dict[str, _Queue] = {}

    def __bool__(self) -> bool:
        """Whether any key is hot."""
        return bool(self._queues)

    def top(self) -> tuple[HotKey, ...]:
        """The keys that are or were hot, the most refused first."""
        return self.detector.top()

    # Before requests are sent.

    def divert(self, batch: Batch) -> bool:
        """Take the items of hot keys out of a batch, which may leave it empty; returns whether there were any.

        Those whose turn it is stay.
        """
        batch.ranges, hot = self._divide(batch.ranges)
        self._enqueue(hot)
        return bool(hot)

    def hold(self, ranges: list[ItemRange]) -> list[ItemRange]:
        """Let the items of hot keys wait for their turn, also those that had one before; returns the others."""
        for item_range in ranges:
            item_range.paced = False
        others, hot = self._divide(ranges)
        self._enqueue(hot)
        return others

    def take_due(self, now: float) -> list[Batch]:
        """What is due by `now`, each key's items in requests of its own."""
        batches: list[Batch] = []
        for key, queue in list(self._queues.items()):
            while taken := queue.take(now):
                self.items -= len(taken)
                batches.append(Batch(taken))
            if not queue.items and now - queue.refused_at > QUIET_S:
                del self._queues[key]
                self.detector.clear(key)
        return batches

    @property
    def next_due(self) -> float | None:
        """When the next items are due."""
        return min((queue.due for queue in self._queues.values() if queue.items), default=None)

    # After requests have ended.

    def on_passed(self, items: int) -> None:
        """`items` items were accepted."""
        self.detector.note_passed(items)

    def on_response(self, batch: Batch, unprocessed: Collection[ItemKey], sent_at: float, now: float) -> TableShare:
        """A request was accepted but for the items with these keys: what hot keys cost is attributed to them."""
        sent: list[str] = []
        refused: list[str] = []
        costs: dict[str, list[int]] = {}
        for item_range, item in batch.items():
            key, wcu = item_range.entry.item_key(item), item_range.entry.wcu(item, item + 1)
            cost = costs.setdefault(key[0], [0, 0, 0])
            cost[0] += wcu
            sent.append(key[0])
            if key in unprocessed:
                cost[1] += wcu
                cost[2] += 1
                refused.append(key[0])
        share = TableShare()
        if refused:
            share.is_new = self._add(self.detector.note(sent, refused, now), now)
        for partition, (wcu, refused_wcu, items) in costs.items():
            if self._judge(partition, sent_at, wcu, refused_wcu, now):
                share.wcu += wcu - refused_wcu
                share.hot_items += items
            else:
                share.wcu += wcu
                share.refused_wcu += refused_wcu
                share.other_items += items
        return share

    def on_key_range_error(self, batch: Batch, sent_at: float, now: float) -> TableShare:
        """A request was refused whole for its key range: it is attributed to its keys alone, while other keys pass."""
        partitions = [partition_of(item_range, item) for item_range, item in batch.items()]
        share = TableShare(is_new=self._add(self.detector.note_range(partitions, now), now))
        for (item_range, item), partition in zip(batch.items(), partitions, strict=True):
            wcu = item_range.entry.wcu(item, item + 1)
            self._judge(partition, sent_at, wcu, wcu, now)
        if self.detector.is_everywhere and not self:
            share.wcu = share.refused_wcu = batch.wcu
        return share

    def _add(self, keys: list[str], now: float) -> bool:
        """These keys are hot from now on."""
        for key in keys:
            self._queues[key] = _Queue(now)
        return bool(keys)

    def _divide(self, ranges: list[ItemRange]) -> tuple[list[ItemRange], list[ItemRange]]:
        """Ranges without hot keys, whose turn it is, or that are being bisected; and single items of hot keys."""
        others: list[ItemRange] = []
        hot: list[ItemRange] = []
        for item_range in ranges:
            if item_range.paced or item_range.bisecting or not self._queues:
                others.append(item_range)
                continue
            first = item_range.first
            for item in range(item_range.first, item_range.stop):
                if partition_of(item_range, item) in self._queues:
                    if item > first:
                        others.append(item_range.part(first, item))
                    hot.append(item_range.part(item, item + 1))
                    first = item + 1
            if first < item_range.stop:
                others.append(item_range if first == item_range.first else item_range.part(first, item_range.stop))
        return others, hot

    def _enqueue(self, hot: list[ItemRange]) -> None:
        for item_range in hot:
            queue = self._queues[partition_of(item_range, item_range.first)]
            # Those that have been sent before go first, so that none waits forever.
            queue.waiting.appendleft(item_range) if item_range.tries else queue.waiting.append(item_range)
            queue.items += 1
        self.items += len(hot)

    def _judge(self, key: str, sent_at: float, wcu: float, refused_wcu: float, now: float) -> bool:
        """Tell a hot key's pacer what became of its items in one request; False if the key is not hot."""
        queue = self._queues.get(key)
        if queue is None:
            return False
        if refused_wcu:
            queue.refused_at = now
        queue.pacer.judge(sent_at, wcu, refused_wcu, now)
        return True


def partition_of(item_range: ItemRange, item: int) -> str:
    """The canonical text of an item's partition key."""
    return item_range.entry.item_key(item)[0]
