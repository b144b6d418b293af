"""One split's unbroken prefix of settled records: blocks are settled in any order, the prefix grows only in theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.engine.reading.input import Input
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position, Split
from asyncloader.values.report import Counts


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The result of a block, or of its first records: how many records are settled, their counts and their rejects.

    `block` is kept only where what it holds is still needed: while it is in flight, or when it has rejects.
    """

    number: int
    end: Position
    records: int
    counts: Counts
    bad: tuple[BadRow, ...]
    block: Block | None
    is_part: bool


def block_result(entry: InFlightBlock, records: int | None = None, end: Position | None = None) -> BlockResult:
    """The result of a block, or of its first `records` records, which end at `end`."""
    encoded = entry.encoded
    block = encoded.block
    is_part = records is not None
    if records is None or end is None:
        records, end = encoded.rows_read, Position(block.source, block.end, block.end_line)
    refused = [BadRow(encoded.record(item), reason) for item, reason in entry.rejected]
    bad = sorted((row for row in (*encoded.bad, *refused) if row.record < records), key=lambda row: row.record)
    replaced = range(len(encoded), len(encoded) + encoded.superseded)
    superseded = sum(encoded.record(item) < records for item in replaced if item not in entry.reinstated)
    counts = Counts(
        rows_read=records,
        items_written=records - len(bad) - superseded - (0 if is_part else entry.unsettled),
        rows_rejected=len(bad),
        rows_superseded=superseded,
    )
    return BlockResult(block.number, end, records, counts, tuple(bad), block if bad or is_part else None, is_part)


class SplitProgress:
    """The blocks of one split that are in flight or settled, and how far everything before is on disk.

    `ready` returns what may be written next; `written` is called, in a thread, once it is, and `forget` drops it.
    """

    def __init__(self, split: Split) -> None:
        self.split = split
        self._unsettled: dict[int, InFlightBlock] = {}
        self._settled: dict[int, BlockResult] = {}
        self._next = 0
        self._written_before = 0
        self._part_done: BlockResult | None = None
        self._part_starts: tuple[int, Sequence[tuple[int, int]]] = (-1, [])

    def __len__(self) -> int:
        """How many blocks lie behind the prefix."""
        return len(self._unsettled) + len(self._settled)

    def start_block(self, entry: InFlightBlock) -> None:
        """A block is submitted; called in the order of the split."""
        self._unsettled[entry.encoded.block.number] = entry

    def settle_block(self, entry: InFlightBlock) -> BlockResult:
        """All items of a block are settled; returns its result."""
        number = entry.encoded.block.number
        del self._unsettled[number]
        result = self._settled[number] = block_result(entry)
        return result

    def ready(self, inputs: Sequence[Input]) -> list[BlockResult]:
        """What is settled next in order; else the settled part of the next block, if there is more of it than is on disk."""
        ready: list[BlockResult] = []
        while (result := self._settled.get(self._next + len(ready))) is not None:
            ready.append(result)
        if not ready and (entry := self._unsettled.get(self._next)) is not None:
            # A slow table: no block has been settled for a while, but much of this one may be done.
            ready = self._part(entry, inputs)
        return ready

    def behind(self) -> list[BlockResult]:
        """All that lies behind the prefix as it is now, in order."""
        behind = {**self._settled, **{number: block_result(entry) for number, entry in self._unsettled.items()}}
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
        end, rows = ready[-1].end, sum(self.new_counts(result).rows_read for result in ready)
        return self.split.moved_to(Position(end.source, end.offset, end.line, self.split.position.rows + rows))

    def written(self, ready: list[BlockResult]) -> None:
        """These are on disk, and so is the checkpoint behind them."""
        self.split = self.after(ready)
        if ready:
            last = ready[-1]
            self._part_done = last if last.is_part else None
            self._written_before = last.number + (0 if last.is_part else 1)

    def forget(self) -> None:
        """Drop what has been written."""
        for number in range(self._next, self._written_before):
            del self._settled[number]
        self._next = self._written_before

    def _part(self, entry: InFlightBlock, inputs: Sequence[Input]) -> list[BlockResult]:
        records = entry.settled_records()
        done = self._part_done
        if entry.is_settled or records <= (done.records if done is not None else 0):
            return []
        block = entry.encoded.block
        if self._part_starts[0] != block.number:
            self._part_starts = (block.number, inputs[block.source].record_starts(block))
        return [block_result(entry, records, Position(block.source, *self._part_starts[1][records]))]
