"""Batches: up to 25 items and 16 MB that go out in one BatchWriteItem request, as views into their cargo."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from asyncloader.batching.in_flight import InFlight
from asyncloader.encode.keys import ItemKey
from asyncloader.values.settings import BATCH_ITEMS, REQUEST_LIMIT_BYTES

PAYLOAD_LIMIT_BYTES = REQUEST_LIMIT_BYTES - 4096
"""What the items may take; the rest of a request is its envelope."""


@dataclass(slots=True)
class ItemRange:
    """Consecutive items of one cargo that share their history.

    `tries` is how often they have been sent, `stalled` how many attempts in a row came back while the whole load did
    not advance, `advance` how far the load was when they were last sent, `first_advance` when they first were.
    `suspect` marks items of a request that was refused for what one of its items holds, `paced` items of a hot key
    whose turn has come.
    """

    flight: InFlight
    first: int
    stop: int
    tries: int = 0
    stalled: int = 0
    advance: int = -1
    first_advance: int = -1
    suspect: bool = False
    paced: bool = False

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def wire_bytes(self) -> int:
        """The length of these items' JSON."""
        return self.flight.wire_bytes(self.first, self.stop)

    def part(self, first: int, stop: int) -> ItemRange:
        """Some of these items, with the same history."""
        history = (self.tries, self.stalled, self.advance, self.first_advance, self.suspect, self.paced)
        return ItemRange(self.flight, first, stop, *history)


@dataclass(slots=True)
class Batch:
    """The items of one request."""

    runs: list[ItemRange]

    def __len__(self) -> int:
        if len(self.runs) == 1:  # nearly every batch of a load
            run = self.runs[0]
            return run.stop - run.first
        return sum(map(len, self.runs))

    @property
    def payload(self) -> list[bytes | memoryview]:
        """The items' JSON in parts."""
        return [run.flight.payload(run.first, run.stop) for run in self.runs]

    def items(self) -> Iterator[tuple[ItemRange, int]]:
        """Every item with the run that it is in."""
        for run in self.runs:
            for item in range(run.first, run.stop):
                yield run, item

    @property
    def wcu(self) -> int:
        """What the items cost by their sizes, in WCU; indexes not counted."""
        return sum(run.flight.wcu(run.first, run.stop) for run in self.runs)

    @property
    def first_wcu(self) -> int:
        """What the first item costs."""
        run = self.runs[0]
        return run.flight.wcu(run.first, run.first + 1)

    def keep_within(self, wcu: float) -> list[ItemRange]:
        """Keep as many items as cost no more than that, but one at least; gives the others."""
        kept: list[ItemRange] = []
        others: list[ItemRange] = []
        for run in self.runs:
            stop = run.first
            while stop < run.stop and not others:
                cost = run.flight.wcu(stop, stop + 1)
                if cost > wcu and (kept or stop > run.first):
                    break
                wcu -= cost
                stop += 1
            if stop > run.first:
                kept.append(run.part(run.first, stop))
            if stop < run.stop:
                others.append(run.part(stop, run.stop))
        self.runs = kept
        return others

    @property
    def wire_bytes(self) -> int:
        """The length of the items' JSON."""
        return sum(run.wire_bytes for run in self.runs)

    def keep_within_bytes(self, limit_bytes: float) -> list[ItemRange]:
        """Keep as many items as have JSON of no more than that, but one at least; gives the others."""
        kept: list[ItemRange] = []
        others: list[ItemRange] = []
        left = int(limit_bytes)
        for run in self.runs:
            fits = 0 if others else max(run.flight.fitting(run.first, run.stop, max(left, 0)), 0)
            stop = run.first + min(fits if kept or others else max(fits, 1), len(run))
            if stop > run.first:
                kept.append(run.part(run.first, stop))
                left -= kept[-1].wire_bytes
            if stop < run.stop:
                others.append(run.part(stop, run.stop))
        self.runs = kept
        return others

    def halves(self) -> list[Batch]:
        """The same items in two batches, each marked as suspect."""
        middle, halves, taken = len(self) // 2, ([], []), 0  # type: tuple[int, tuple[list[ItemRange], list[ItemRange]], int]
        for run in self.runs:
            cut = min(max(middle - taken, 0), len(run))
            for half, (first, stop) in zip(
                halves, ((run.first, run.first + cut), (run.first + cut, run.stop)), strict=True
            ):
                if stop > first:
                    part = run.part(first, stop)
                    part.suspect = True
                    half.append(part)
            taken += len(run)
        return [Batch(half) for half in halves if half]


def merge(runs: Iterable[ItemRange]) -> Iterator[Batch]:
    """Runs, in this order, as batches as full as the limits allow."""
    batch: list[ItemRange] = []
    room, bytes_left = BATCH_ITEMS, PAYLOAD_LIMIT_BYTES
    for run in runs:
        while len(run):
            fits = min(run.flight.fitting(run.first, run.stop, bytes_left), room)
            if fits <= 0 and batch:
                yield Batch(batch)
                batch, room, bytes_left = [], BATCH_ITEMS, PAYLOAD_LIMIT_BYTES
                continue
            part = run.part(run.first, run.first + max(fits, 1))
            batch.append(part)
            room, bytes_left = room - len(part), bytes_left - part.wire_bytes
            run = run.part(part.stop, run.stop)
    if batch:
        yield Batch(batch)


def split_unprocessed(batch: Batch, returned: Collection[ItemKey]) -> tuple[list[ItemRange], list[ItemRange]] | None:
    """The runs that were stored and those that were not, or None where something came back that was not sent."""
    places = [(run, item) for run, item in batch.items() if run.flight.item_key(item) in returned]
    if not returned or len(places) != len(returned):
        return None
    stored: list[ItemRange] = []
    again: list[ItemRange] = []
    for run in batch.runs:
        first = run.first
        for item in [item for each, item in places if each is run]:
            if item > first:
                stored.append(run.part(first, item))
            if again and again[-1].flight is run.flight and again[-1].stop == item > run.first:
                again[-1].stop += 1
            else:
                again.append(run.part(item, item + 1))
            first = item + 1
        if run.stop > first:
            stored.append(run.part(first, run.stop))
    return stored, again
