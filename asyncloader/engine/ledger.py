"""The ledger: which blocks have landed, in the order of the file, and what of them stands on disk.

Blocks land in any order; their rejects are written and the watermark moves only along the unbroken prefix of landed
blocks. So the reject file is in the order of the file, and whatever lies behind the watermark can be done again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from asyncloader.blocks.piece import Piece
from asyncloader.decode.columns import BadRow
from asyncloader.engine.input import Input
from asyncloader.finish import in_thread
from asyncloader.records.rejects import Reject, RejectFile
from asyncloader.records.watermark import Place, Watermark
from asyncloader.schedule.flight import Flight
from asyncloader.values.report import Counts


@dataclass(frozen=True, slots=True)
class Account:
    """What is settled of a block, from its first record on: how many records, their counts and their rejects.

    `block` is kept only where what it holds is still needed: while it is under way, or when it has rejects.
    """

    number: int
    end: Place
    records: int
    counts: Counts
    bad: tuple[BadRow, ...]
    block: Piece | None
    is_part: bool


class Log(Protocol):
    """Keeps watermarks; called in a thread, may block. Raises `OSError`."""

    def write(self, mark: Watermark) -> None: ...


class Ledger:
    """Keeps account of blocks; `run` is a task that brings rejects and watermarks to disk, `settle` does it a last time.

    `totals` gives the counts since the load's first start; the rows among them are known better here.
    """

    PAUSE_S = 0.2
    """Between two watermarks, unless somebody waits for them or there are rejects to write."""

    def __init__(
        self,
        inputs: Sequence[Input],
        rejects: RejectFile,
        log: Log,
        start: Watermark,
        totals: Callable[[], Counts],
    ) -> None:
        self._inputs = inputs
        self._rejects = rejects
        self._log = log
        self._totals = totals
        self._aloft: dict[int, Flight] = {}
        self._landed: dict[int, Account] = {}
        self._next = 0
        self._written_before = 0
        self._part_done: Account | None = None
        self._part_begins: tuple[int, Sequence[tuple[int, int]]] = (-1, [])
        self._mark = start
        self._changed = asyncio.Event()
        self._advanced = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writing = asyncio.Lock()

    async def until_span_below(self, limit: int) -> None:
        """Wait until there are fewer than `limit` blocks between the watermark and the newest one."""
        while len(self._aloft) + len(self._landed) >= limit:
            self._hurry.set()
            self._advanced.clear()
            await self._advanced.wait()

    @property
    def watermark(self) -> Watermark:
        """How far everything is done and on disk."""
        return self._mark

    def launch(self, flight: Flight) -> None:
        """A block takes flight; called in the order of the file."""
        self._aloft[flight.encoded.block.number] = flight

    def landed(self, flight: Flight) -> None:
        """A block has landed."""
        block = flight.encoded.block
        del self._aloft[block.number]
        landed = self._landed[block.number] = account(flight)
        self._changed.set()
        if landed.bad:
            # What it holds is kept until its rejects are written.
            self._hurry.set()

    async def run(self) -> None:
        """Follow the landings; raises `OSError` when the disk does not take what must be written."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.PAUSE_S):
                    await self._changed.wait()
            self._changed.clear()
            await self.advance()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.PAUSE_S):
                    await self._hurry.wait()
            self._hurry.clear()

    async def advance(self) -> None:
        """Bring to disk the unbroken prefix of what is settled: landed blocks, and the settled part of the next."""
        async with self._writing:
            ready: list[Account] = []
            while (each := self._landed.get(self._next + len(ready))) is not None:
                ready.append(each)
            if not ready and (flight := self._aloft.get(self._next)) is not None:
                # A slow table: no block has landed for a while, but much of this one may be done.
                ready = self._part(flight)
            if not ready:
                return
            try:
                await in_thread(self._write, ready)
            finally:
                # Also when cancelled: the thread has ended, and what it wrote must not be written again.
                for number in range(self._next, self._written_before):
                    del self._landed[number]
                self._next = self._written_before
                self._advanced.set()

    async def settle(self) -> None:
        """The end, in good order or not: also write the rejects that lie behind the watermark, for people to read."""
        await self.advance()
        behind = {**self._landed, **{number: account(flight) for number, flight in self._aloft.items()}}
        async with self._writing:
            rejects = [reject for number in sorted(behind) for reject in self._explain(behind[number])]
            await in_thread(self._rejects.append, rejects)

    def _part(self, flight: Flight) -> list[Account]:
        """The settled part of the head block, if there is more of it than is on disk."""
        records = flight.settled_records()
        done = self._part_done
        if flight.landed or records <= (done.records if done is not None else 0):
            return []
        block = flight.encoded.block
        if self._part_begins[0] != block.number:
            self._part_begins = (block.number, self._inputs[block.source].begins(block))
        return [account(flight, records, Place(block.source, *self._part_begins[1][records]))]

    def _write(self, ready: list[Account]) -> None:
        self._rejects.append([reject for each in ready for reject in self._explain(each)])
        counts, place = self._mark.counts, self._mark.place
        for each in ready:
            new = each.counts
            if self._part_done is not None and self._part_done.number == each.number:
                new = new - self._part_done.counts
            counts = counts + new
            place = Place(each.end.source, each.end.offset, each.end.line, place.rows + new.rows_read)
        counts = replace(
            self._totals(),
            rows_read=counts.rows_read,
            items_written=counts.items_written,
            rows_rejected=counts.rows_rejected,
            rows_superseded=counts.rows_superseded,
            rows_filtered=counts.rows_filtered,
        )
        mark = Watermark(place, counts, self._rejects.size_bytes)
        self._log.write(mark)
        self._mark = mark
        last = ready[-1]
        self._part_done = last if last.is_part else None
        self._written_before = last.number + (0 if last.is_part else 1)

    def _explain(self, settled: Account) -> list[Reject]:
        """The rejects of a block that are not on disk yet, with their lines and cells, which only now are looked up."""
        done = self._part_done
        known = done.records if done is not None and done.number == settled.number else 0
        bad = [row for row in settled.bad if row.record >= known]
        if not bad or settled.block is None:
            return []
        return self._inputs[settled.block.source].rejects(settled.block, bad)


def account(flight: Flight, records: int | None = None, end: Place | None = None) -> Account:
    """What to keep of a block, or of its first `records` records, which end at `end`."""
    encoded = flight.encoded
    block = encoded.block
    is_part = records is not None
    if records is None or end is None:
        records, end = encoded.rows_read, Place(block.source, block.end, block.end_line)
    refused = [BadRow(encoded.record(item), reason) for item, reason in flight.rejected]
    bad = sorted((row for row in (*encoded.bad, *refused) if row.record < records), key=lambda row: row.record)
    spares = range(len(encoded), len(encoded) + encoded.superseded)
    superseded = sum(encoded.record(item) < records for item in spares if item not in flight.revived)
    counts = Counts(
        rows_read=records,
        items_written=records - len(bad) - superseded - (0 if is_part else flight.unsettled),
        rows_rejected=len(bad),
        rows_superseded=superseded,
    )
    return Account(block.number, end, records, counts, tuple(bad), block if bad or is_part else None, is_part)
