"""One split's unbroken prefix of settled records: its blocks land in any order, it grows only in theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.engine.reading.input import Input
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position, Split
from asyncloader.values.report import Counts


class SplitProgress:
    """The blocks of one split that are under way or have landed, and how far everything before is on disk.

    `ready` gives what may be written next; `written` hears, in a thread, that it has been, and `forget` lets go of it.
    """

    def __init__(self, split: Split) -> None:
        self.split = split
        self._aloft: dict[int, InFlightBlock] = {}
        self._landed: dict[int, BlockResult] = {}
        self._next = 0
        self._written_before = 0
        self._part_done: BlockResult | None = None
        self._part_begins: tuple[int, Sequence[tuple[int, int]]] = (-1, [])

    def __len__(self) -> int:
        """How many blocks lie behind the prefix."""
        return len(self._aloft) + len(self._landed)

    def launch(self, flight: InFlightBlock) -> None:
        """A block takes flight; called in the order of the split."""
        self._aloft[flight.encoded.block.number] = flight

    def landed(self, flight: InFlightBlock) -> BlockResult:
        """A block has landed; gives what is kept of it."""
        number = flight.encoded.block.number
        del self._aloft[number]
        landed = self._landed[number] = block_result(flight)
        return landed

    def ready(self, inputs: Sequence[Input]) -> list[BlockResult]:
        """What has landed next in order; else the settled part of the next block, if there is more of it than is on disk."""
        ready: list[BlockResult] = []
        while (each := self._landed.get(self._next + len(ready))) is not None:
            ready.append(each)
        if not ready and (flight := self._aloft.get(self._next)) is not None:
            # A slow table: no block has landed for a while, but much of this one may be done.
            ready = self._part(flight, inputs)
        return ready

    def behind(self) -> list[BlockResult]:
        """All that lies behind the prefix as it is now, in order."""
        behind = {**self._landed, **{number: block_result(flight) for number, flight in self._aloft.items()}}
        return [behind[number] for number in sorted(behind)]

    def new_counts(self, settled: BlockResult) -> Counts:
        """The counts of a block that are not on disk yet."""
        done = self._part_done
        return settled.counts - done.counts if done is not None and done.number == settled.number else settled.counts

    def new_bad(self, settled: BlockResult) -> list[BadRow]:
        """The bad rows of a block that are not on disk yet."""
        done = self._part_done
        known = done.records if done is not None and done.number == settled.number else 0
        return [row for row in settled.bad if row.record >= known]

    def after(self, ready: list[BlockResult]) -> Split:
        """The split as it is once `ready` is on disk."""
        if not ready:
            return self.split
        end, rows = ready[-1].end, sum(self.new_counts(each).rows_read for each in ready)
        return self.split.moved_to(Position(end.source, end.offset, end.line, self.split.position.rows + rows))

    def written(self, ready: list[BlockResult]) -> None:
        """These are on disk, and so is the watermark behind them."""
        self.split = self.after(ready)
        if ready:
            last = ready[-1]
            self._part_done = last if last.is_part else None
            self._written_before = last.number + (0 if last.is_part else 1)

    def forget(self) -> None:
        """Let go of what has been written."""
        for number in range(self._next, self._written_before):
            del self._landed[number]
        self._next = self._written_before

    def _part(self, flight: InFlightBlock, inputs: Sequence[Input]) -> list[BlockResult]:
        records = flight.settled_records()
        done = self._part_done
        if flight.landed or records <= (done.records if done is not None else 0):
            return []
        block = flight.encoded.block
        if self._part_begins[0] != block.number:
            self._part_begins = (block.number, inputs[block.source].record_starts(block))
        return [block_result(flight, records, Position(block.source, *self._part_begins[1][records]))]


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What is settled of a block, from its first record on: how many records, their counts and their rejects.

    `block` is kept only where what it holds is still needed: while it is under way, or when it has rejects.
    """

    number: int
    end: Position
    records: int
    counts: Counts
    bad: tuple[BadRow, ...]
    block: Block | None
    is_part: bool


def block_result(flight: InFlightBlock, records: int | None = None, end: Position | None = None) -> BlockResult:
    """What to keep of a block, or of its first `records` records, which end at `end`."""
    encoded = flight.encoded
    block = encoded.block
    is_part = records is not None
    if records is None or end is None:
        records, end = encoded.rows_read, Position(block.source, block.end, block.end_line)
    refused = [BadRow(encoded.record(item), reason) for item, reason in flight.rejected]
    bad = sorted((row for row in (*encoded.bad, *refused) if row.record < records), key=lambda row: row.record)
    replaced = range(len(encoded), len(encoded) + encoded.superseded)
    superseded = sum(encoded.record(item) < records for item in replaced if item not in flight.revived)
    counts = Counts(
        rows_read=records,
        items_written=records - len(bad) - superseded - (0 if is_part else flight.unsettled),
        rows_rejected=len(bad),
        rows_superseded=superseded,
    )
    return BlockResult(block.number, end, records, counts, tuple(bad), block if bad or is_part else None, is_part)
