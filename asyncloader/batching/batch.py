"""Batches: up to 25 items and 16 MB that are sent in one BatchWriteItem request, as views into what is in flight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from asyncloader.batching.in_flight import InFlight
from asyncloader.encode.keys import ItemKey
from asyncloader.values.dynamodb import BATCH_ITEMS, REQUEST_LIMIT_BYTES

PAYLOAD_LIMIT_BYTES = REQUEST_LIMIT_BYTES - 4096
"""What the items may take; the rest of a request is its envelope."""


@dataclass(slots=True)
class ItemRange:
    """Consecutive items of one block or put batch that share their history.

    `tries` is how often they have been sent, `stalled` how many attempts in a row came back while the whole load did
    not advance, `advance` how far the load was when they were last sent, `first_advance` when they first were.
    `bisecting` marks items of a request that was refused for what one of its items holds, `paced` items of a hot key
    whose turn has come.
    """

    entry: InFlight
    first: int
    stop: int
    tries: int = 0
    stalled: int = 0
    advance: int = -1
    first_advance: int = -1
    bisecting: bool = False
    paced: bool = False

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def wire_bytes(self) -> int:
        """The length of these items' JSON."""
        return self.entry.wire_bytes(self.first, self.stop)

    def part(self, first: int, stop: int) -> ItemRange:
        """Some of these items, with the same history."""
        history = (self.tries, self.stalled, self.advance, self.first_advance, self.bisecting, self.paced)
        return ItemRange(self.entry, first, stop, *history)


@dataclass(slots=True)
class Batch:
    """The items of one request."""

    ranges: list[ItemRange]

    def __len__(self) -> int:
        if len(self.ranges) == 1:  # nearly every batch of a load
            item_range = self.ranges[0]
            return item_range.stop - item_range.first
        return sum(map(len, self.ranges))

    @property
    def payload(self) -> list[bytes | memoryview]:
        """The items' JSON in parts."""
        return [item_range.entry.payload(item_range.first, item_range.stop) for item_range in self.ranges]

    def items(self) -> Iterator[tuple[ItemRange, int]]:
        """Every item with the range that it is in."""
        for item_range in self.ranges:
            for item in range(item_range.first, item_range.stop):
                yield item_range, item

    @property
    def wcu(self) -> int:
        """What the items cost by their sizes, in WCU; indexes not counted."""
        return sum(item_range.entry.wcu(item_range.first, item_range.stop) for item_range in self.ranges)

    @property
    def first_wcu(self) -> int:
        """What the first item costs."""
        item_range = self.ranges[0]
        return item_range.entry.wcu(item_range.first, item_range.first + 1)

    def keep_within(self, wcu: float) -> list[ItemRange]:
        """Keep as many items as cost no more than `wcu`, but one at least; returns the others."""
        kept: list[ItemRange] = []
        others: list[ItemRange] = []
        for item_range in self.ranges:
            stop = item_range.first
            while stop < item_range.stop and not others:
                cost = item_range.entry.wcu(stop, stop + 1)
                if cost > wcu and (kept or stop > item_range.first):
                    break
                wcu -= cost
                stop += 1
            if stop > item_range.first:
                kept.append(item_range.part(item_range.first, stop))
            if stop < item_range.stop:
                others.append(item_range.part(stop, item_range.stop))
        self.ranges = kept
        return others

    @property
    def wire_bytes(self) -> int:
        """The length of the items' JSON."""
        return sum(item_range.wire_bytes for item_range in self.ranges)

    def keep_within_bytes(self, limit_bytes: float) -> list[ItemRange]:
        """Keep as many items as have JSON of no more than `limit_bytes`, but one at least; returns the others."""
        kept: list[ItemRange] = []
        others: list[ItemRange] = []
        left = int(limit_bytes)
        for item_range in self.ranges:
            fits = 0 if others else max(item_range.entry.fitting(item_range.first, item_range.stop, max(left, 0)), 0)
            stop = item_range.first + min(fits if kept or others else max(fits, 1), len(item_range))
            if stop > item_range.first:
                kept.append(item_range.part(item_range.first, stop))
                left -= kept[-1].wire_bytes
            if stop < item_range.stop:
                others.append(item_range.part(stop, item_range.stop))
        self.ranges = kept
        return others

    def halves(self) -> list[Batch]:
        """The same items in two batches, each marked as being bisected."""
        middle, halves, taken = len(self) // 2, ([], []), 0  # type: tuple[int, tuple[list[ItemRange], list[ItemRange]], int]
        for item_range in self.ranges:
            cut = min(max(middle - taken, 0), len(item_range))
            for half, (first, stop) in zip(
                halves,
                ((item_range.first, item_range.first + cut), (item_range.first + cut, item_range.stop)),
                strict=True,
            ):
                if stop > first:
                    part = item_range.part(first, stop)
                    part.bisecting = True
                    half.append(part)
            taken += len(item_range)
        return [Batch(half) for half in halves if half]


def merge(ranges: Iterable[ItemRange]) -> Iterator[Batch]:
    """Ranges, in this order, as batches as full as the limits allow."""
    batch: list[ItemRange] = []
    room, bytes_left = BATCH_ITEMS, PAYLOAD_LIMIT_BYTES
    for item_range in ranges:
        while len(item_range):
            fits = min(item_range.entry.fitting(item_range.first, item_range.stop, bytes_left), room)
            if fits <= 0 and batch:
                yield Batch(batch)
                batch, room, bytes_left = [], BATCH_ITEMS, PAYLOAD_LIMIT_BYTES
                continue
            part = item_range.part(item_range.first, item_range.first + max(fits, 1))
            batch.append(part)
            room, bytes_left = room - len(part), bytes_left - part.wire_bytes
            item_range = item_range.part(part.stop, item_range.stop)
    if batch:
        yield Batch(batch)


def split_unprocessed(batch: Batch, returned: Collection[ItemKey]) -> tuple[list[ItemRange], list[ItemRange]] | None:
    """The ranges that were stored and those that were not, or None where something came back that was not sent."""
    positions = [
        (item_range, item) for item_range, item in batch.items() if item_range.entry.item_key(item) in returned
    ]
    if not returned or len(positions) != len(returned):
        return None
    stored: list[ItemRange] = []
    again: list[ItemRange] = []
    for item_range in batch.ranges:
        first = item_range.first
        for item in [item for of_range, item in positions if of_range is item_range]:
            if item > first:
                stored.append(item_range.part(first, item))
            if again and again[-1].entry is item_range.entry and again[-1].stop == item > item_range.first:
                again[-1].stop += 1
            else:
                again.append(item_range.part(item, item + 1))
            first = item + 1
        if item_range.stop > first:
            stored.append(item_range.part(first, item_range.stop))
    return stored, again
