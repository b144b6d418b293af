"""Batches: up to 25 items and 16 MB that go out in one BatchWriteItem request, as views into their blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncloader.schedule.flight import Flight
from asyncloader.values.settings import BATCH_ITEMS, REQUEST_LIMIT_BYTES

PAYLOAD_LIMIT_BYTES = REQUEST_LIMIT_BYTES - 4096
"""What the items may take; the rest of a request is its envelope."""


@dataclass(slots=True)
class Run:
    """Consecutive items of one flight that share their history.

    `tries` is how often they have been sent, `stalled` how many attempts in a row came back while the whole load did
    not advance, `advance` how far the load was when they were last sent, `first_advance` when they first were.
    `suspect` marks items of a request that was refused for what one of its items holds.
    """

    flight: Flight
    first: int
    stop: int
    tries: int = 0
    stalled: int = 0
    advance: int = -1
    first_advance: int = -1
    suspect: bool = False

    def __len__(self) -> int:
        return self.stop - self.first

    @property
    def wire_bytes(self) -> int:
        """The length of these items' JSON."""
        offsets = self.flight.encoded.offsets
        return int(offsets[self.stop] - offsets[self.first])

    def part(self, first: int, stop: int) -> Run:
        """Some of these items, with the same history."""
        return Run(self.flight, first, stop, self.tries, self.stalled, self.advance, self.first_advance, self.suspect)


@dataclass(slots=True)
class Batch:
    """The items of one request."""

    runs: list[Run]

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    @property
    def payload(self) -> list[memoryview]:
        """The items' JSON in parts."""
        return [run.flight.encoded.payload(run.first, run.stop) for run in self.runs]

    def items(self) -> Iterator[tuple[Run, int]]:
        """Every item with the run that it is in."""
        for run in self.runs:
            for item in range(run.first, run.stop):
                yield run, item

    @property
    def wcu(self) -> int:
        """What the items cost by their sizes, in WCU; indexes not counted."""
        return sum(run.flight.encoded.wcu(run.first, run.stop) for run in self.runs)

    @property
    def first_wcu(self) -> int:
        """What the first item costs."""
        run = self.runs[0]
        return run.flight.encoded.wcu(run.first, run.first + 1)

    def keep_within(self, wcu: float) -> list[Run]:
        """Keep as many items as cost no more than that, but one at least; gives the others."""
        kept: list[Run] = []
        others: list[Run] = []
        for run in self.runs:
            stop = run.first
            while stop < run.stop and not others:
                cost = run.flight.encoded.wcu(stop, stop + 1)
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

    def halves(self) -> list[Batch]:
        """The same items in two batches, each marked as suspect."""
        middle, halves, taken = len(self) // 2, ([], []), 0  # type: tuple[int, tuple[list[Run], list[Run]], int]
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


def fresh_batches(flight: Flight, waits: npt.NDArray[np.bool_] | None = None) -> Iterator[Batch]:
    """The batches of a block that takes flight, without the items that wait."""
    items = len(flight.encoded)
    if waits is None:
        offsets = flight.encoded.offsets
        if items and int(np.diff(offsets[: items + 1]).max()) * BATCH_ITEMS <= PAYLOAD_LIMIT_BYTES:
            for first in range(0, items, BATCH_ITEMS):
                yield Batch([Run(flight, first, min(first + BATCH_ITEMS, items))])
            return
        free = np.arange(items)
    else:
        free = np.flatnonzero(~waits)
    yield from merge(runs_of(flight, free))


def mixed_batches(fresh: Sequence[tuple[Flight, npt.NDArray[np.bool_] | None]]) -> Iterator[Batch]:
    """The batches of blocks that take flight together: each batch, and so each moment, has an equal part of every block."""
    if len(fresh) == 1:
        yield from fresh_batches(*fresh[0])
        return
    free = [
        (flight, np.arange(len(flight.encoded)) if waits is None else np.flatnonzero(~waits)) for flight, waits in fresh
    ]
    parts = max(-(-sum(len(items) for _, items in free) // BATCH_ITEMS), 1)
    yield from merge(
        run
        for part in range(parts)
        for flight, items in free
        for run in runs_of(flight, items[part * len(items) // parts : (part + 1) * len(items) // parts])
    )


def runs_of(flight: Flight, items: npt.NDArray[np.int64]) -> Iterator[Run]:
    """Ascending items as runs of consecutive ones."""
    if not len(items):
        return
    breaks = np.flatnonzero(np.diff(items) != 1) + 1
    for group in np.split(items, breaks):
        yield Run(flight, int(group[0]), int(group[-1]) + 1)


def merge(runs: Iterable[Run]) -> Iterator[Batch]:
    """Runs, in this order, as batches as full as the limits allow."""
    batch: list[Run] = []
    room, bytes_left = BATCH_ITEMS, PAYLOAD_LIMIT_BYTES
    for run in runs:
        while len(run):
            fits = _fitting(run, room, bytes_left)
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


def _fitting(run: Run, room: int, bytes_left: int) -> int:
    offsets = run.flight.encoded.offsets[run.first : run.stop + 1]
    by_bytes = int(np.searchsorted(offsets, offsets[0] + bytes_left, side="right")) - 1
    return min(len(run), room, by_bytes)
