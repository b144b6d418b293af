"""The ledger: which blocks have landed, in the order of the file, and what of them stands on disk.

Blocks land in any order; their rejects are written and the watermark moves only along the unbroken prefix of landed
blocks. So the reject file is in the order of the file, and whatever lies behind the watermark can be done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from asyncloader.blocks.cut import Block
from asyncloader.blocks.grammar import count_lines
from asyncloader.decode.columns import BadRow
from asyncloader.engine.reader import Input
from asyncloader.engine.threads import in_thread
from asyncloader.plan.flight import Flight
from asyncloader.records.rejects import Reject, RejectFile
from asyncloader.records.watermark import Place, Watermark
from asyncloader.values.report import Counts


@dataclass(frozen=True, slots=True)
class Landed:
    """What is left to know of a landed block: its end, its counts, its rejects. Its text only where it has rejects."""

    end: Place
    counts: Counts
    bad: tuple[BadRow, ...]
    block: Block | None


class Log(Protocol):
    """Keeps watermarks; called in a thread, may block. Raises `OSError`."""

    def write(self, mark: Watermark) -> None: ...


class Ledger:
    """Keeps account of blocks; `run` is a task that brings rejects and watermarks to disk, `settle` does it a last time.

    `totals` gives the counts since the load's first start; the rows among them are known better here.
    """

    PAUSE_S = 0.2
    """Between two watermarks, unless there are rejects to write."""

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
        self._landed: dict[int, Landed] = {}
        self._next = 0
        self._mark = start
        self._changed = asyncio.Event()
        self._advanced = asyncio.Event()
        self._writing = asyncio.Lock()

    async def until_span_below(self, limit: int) -> None:
        """Wait until there are fewer than `limit` blocks between the watermark and the newest one."""
        while len(self._aloft) + len(self._landed) >= limit:
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
        self._landed[block.number] = summary(flight)
        self._changed.set()

    async def run(self) -> None:
        """Follow the landings; raises `OSError` when the disk does not take what must be written."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.advance()
            if not any(each.bad for each in self._landed.values()):
                await asyncio.sleep(self.PAUSE_S)

    async def advance(self) -> None:
        """Bring the unbroken prefix of landed blocks to disk."""
        async with self._writing:
            ready: list[Landed] = []
            while (each := self._landed.get(self._next + len(ready))) is not None:
                ready.append(each)
            if not ready:
                return
            await in_thread(self._write, ready)
            for number in range(self._next, self._next + len(ready)):
                del self._landed[number]
            self._next += len(ready)
            self._advanced.set()

    async def settle(self) -> None:
        """The end, in good order or not: also write the rejects that lie behind the watermark, for people to read."""
        await self.advance()
        behind = {**self._landed, **{number: summary(flight) for number, flight in self._aloft.items()}}
        async with self._writing:
            rejects = [reject for number in sorted(behind) for reject in self._explain(behind[number])]
            await in_thread(self._rejects.append, rejects)

    def _write(self, ready: list[Landed]) -> None:
        self._rejects.append([reject for each in ready for reject in self._explain(each)])
        counts, place = self._mark.counts, self._mark.place
        for each in ready:
            counts, rows = counts + each.counts, place.rows + each.counts.rows_read
            place = Place(each.end.source, each.end.offset, each.end.line, rows)
        totals = self._totals()
        counts = replace(
            totals,
            rows_read=counts.rows_read,
            items_written=counts.items_written,
            rows_rejected=counts.rows_rejected,
            rows_superseded=counts.rows_superseded,
            rows_filtered=counts.rows_filtered,
        )
        mark = Watermark(place, counts, self._rejects.size_bytes)
        self._log.write(mark)
        self._mark = mark

    def _explain(self, landed: Landed) -> list[Reject]:
        """The rejects of one block with their lines and cells, which only now are looked up."""
        if landed.block is None:
            return []
        block, owner = landed.block, self._inputs[landed.block.source]
        records = owner.decoder.records(block)
        rejects: list[Reject] = []
        for bad in landed.bad:
            record = records[bad.record]
            text = block.data[record.start : record.end]
            cells = None if bad.ragged else owner.decoder.cells(text)
            rejects.append(
                Reject(
                    source=owner.file.name,
                    line=record.line,
                    reason=str(bad),
                    cells=dict(zip(owner.header.columns, cells, strict=True)) if cells else {},
                    raw="" if cells else text.decode(errors="backslashreplace"),
                )
            )
        return rejects


def summary(flight: Flight) -> Landed:
    """What to keep of a block."""
    encoded = flight.encoded
    block = encoded.block
    refused = [BadRow(encoded.record(item), reason) for item, reason in flight.rejected]
    bad = sorted([*encoded.bad, *refused], key=lambda row: row.record)
    return Landed(
        end=Place(block.source, block.end, block.line + count_lines(block.data)),
        counts=Counts(
            rows_read=encoded.rows_read,
            items_written=flight.written,
            rows_rejected=flight.rows_rejected,
            rows_superseded=flight.superseded,
        ),
        bad=tuple(bad),
        block=block if bad else None,
    )
