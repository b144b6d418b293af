"""One lane's unbroken prefix of settled records: its blocks land in any order, it grows only in theirs."""

from __future__ import annotations

from collections.abc import Sequence

from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.engine.loading.account import Account, account
from asyncloader.engine.reading.input import Input
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position, Split
from asyncloader.values.report import Counts


class Prefix:
    """The blocks of one lane that are under way or have landed, and how far everything before is on disk.

    `ready` gives what may be written next; `written` hears, in a thread, that it has been, and `forget` lets go of it.
    """

    def __init__(self, lane: Split) -> None:
        self.lane = lane
        self._aloft: dict[int, InFlightBlock] = {}
        self._landed: dict[int, Account] = {}
        self._next = 0
        self._written_before = 0
        self._part_done: Account | None = None
        self._part_begins: tuple[int, Sequence[tuple[int, int]]] = (-1, [])

    def __len__(self) -> int:
        """How many blocks lie behind the prefix."""
        return len(self._aloft) + len(self._landed)

    def launch(self, flight: InFlightBlock) -> None:
        """A block takes flight; called in the order of the lane."""
        self._aloft[flight.encoded.block.number] = flight

    def landed(self, flight: InFlightBlock) -> Account:
        """A block has landed; gives what is kept of it."""
        number = flight.encoded.block.number
        del self._aloft[number]
        landed = self._landed[number] = account(flight)
        return landed

    def ready(self, inputs: Sequence[Input]) -> list[Account]:
        """What has landed next in order; else the settled part of the next block, if there is more of it than is on disk."""
        ready: list[Account] = []
        while (each := self._landed.get(self._next + len(ready))) is not None:
            ready.append(each)
        if not ready and (flight := self._aloft.get(self._next)) is not None:
            # A slow table: no block has landed for a while, but much of this one may be done.
            ready = self._part(flight, inputs)
        return ready

    def behind(self) -> list[Account]:
        """All that lies behind the prefix as it is now, in order."""
        behind = {**self._landed, **{number: account(flight) for number, flight in self._aloft.items()}}
        return [behind[number] for number in sorted(behind)]

    def new_counts(self, settled: Account) -> Counts:
        """The counts of a block that are not on disk yet."""
        done = self._part_done
        return settled.counts - done.counts if done is not None and done.number == settled.number else settled.counts

    def new_bad(self, settled: Account) -> list[BadRow]:
        """The bad rows of a block that are not on disk yet."""
        done = self._part_done
        known = done.records if done is not None and done.number == settled.number else 0
        return [row for row in settled.bad if row.record >= known]

    def after(self, ready: list[Account]) -> Split:
        """The lane as it is once `ready` is on disk."""
        if not ready:
            return self.lane
        end, rows = ready[-1].end, sum(self.new_counts(each).rows_read for each in ready)
        return self.lane.moved_to(Position(end.source, end.offset, end.line, self.lane.place.rows + rows))

    def written(self, ready: list[Account]) -> None:
        """These are on disk, and so is the watermark behind them."""
        self.lane = self.after(ready)
        if ready:
            last = ready[-1]
            self._part_done = last if last.is_part else None
            self._written_before = last.number + (0 if last.is_part else 1)

    def forget(self) -> None:
        """Let go of what has been written."""
        for number in range(self._next, self._written_before):
            del self._landed[number]
        self._next = self._written_before

    def _part(self, flight: InFlightBlock, inputs: Sequence[Input]) -> list[Account]:
        records = flight.settled_records()
        done = self._part_done
        if flight.landed or records <= (done.records if done is not None else 0):
            return []
        block = flight.encoded.block
        if self._part_begins[0] != block.number:
            self._part_begins = (block.number, inputs[block.source].record_starts(block))
        return [account(flight, records, Position(block.source, *self._part_begins[1][records]))]
