"""The ledger: which blocks have landed, in the order of their splits, and what of them stands on disk.

Blocks land in any order; their rejects are written and the watermark moves only along each split's unbroken prefix of
landed blocks. So the rejects of a split are in the order of the file, and whatever lies behind the watermark can be
done again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.cancellation import in_thread
from asyncloader.engine.loading.split_progress import BlockResult, SplitProgress
from asyncloader.engine.reading.input import Input
from asyncloader.records.checkpoint import Checkpoint, Split
from asyncloader.records.rejects import Reject, RejectFile
from asyncloader.values.report import Counts


class CheckpointStore(Protocol):
    """Keeps watermarks; called in a thread, may block. Raises `OSError`."""

    def write(self, mark: Checkpoint) -> None: ...


class Checkpointer:
    """Keeps account of blocks; `run` is a task that brings rejects and watermarks to disk, `settle` does it a last time.

    `totals` gives the counts since the load's first start; the rows among them are known better here. `on_reject`
    hears of every reject once it is written, in the event loop.
    """

    PAUSE_S = 0.2
    """Between two watermarks, unless somebody waits for them or there are rejects to write."""

    def __init__(
        self,
        inputs: Sequence[Input],
        rejects: RejectFile,
        log: CheckpointStore,
        start: Checkpoint,
        totals: Callable[[], Counts],
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        self._inputs = inputs
        self._rejects = rejects
        self._log = log
        self._totals = totals
        self._on_reject = on_reject
        self._untold: list[Reject] = []
        self._prefixes = [SplitProgress(split) for split in start.splits]
        self._mark = start
        self._changed = asyncio.Event()
        self._advanced = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writing = asyncio.Lock()

    async def until_span_below(self, limit: int) -> None:
        """Wait until there are fewer than `limit` blocks between the watermark and the newest ones."""
        while sum(map(len, self._prefixes)) >= limit:
            self._hurry.set()
            self._advanced.clear()
            await self._advanced.wait()

    @property
    def watermark(self) -> Checkpoint:
        """How far everything is done and on disk."""
        return self._mark

    def launch(self, flight: InFlightBlock) -> None:
        """A block takes flight; called in the order of its split."""
        self._prefixes[flight.split].launch(flight)

    def landed(self, flight: InFlightBlock) -> None:
        """A block has landed."""
        landed = self._prefixes[flight.split].landed(flight)
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
            ready = [prefix.ready(self._inputs) for prefix in self._prefixes]
            if not any(ready):
                return
            try:
                await in_thread(self._write, ready)
            finally:
                # Also when cancelled: the thread has ended, and what it wrote must not be written again.
                for prefix in self._prefixes:
                    prefix.forget()
                self._advanced.set()
                self._tell()

    async def settle(self) -> None:
        """The end, in good order or not: also write the rejects that lie behind the watermark, for people to read."""
        await self.advance()
        async with self._writing:
            try:
                await in_thread(self._append, [prefix.behind() for prefix in self._prefixes])
            finally:
                self._tell()

    def _tell(self) -> None:
        """Tell of the rejects that a thread, which has ended, has written."""
        untold, self._untold = self._untold, []
        if self._on_reject is not None:
            for reject in untold:
                self._on_reject(reject)

    def _write(self, ready: list[list[BlockResult]]) -> None:
        """One list for each split: their rejects, then one watermark for all of them."""
        self._append(ready)
        splits, counts = list[Split](), self._mark.counts
        for prefix, accounts in zip(self._prefixes, ready, strict=True):
            splits.append(prefix.after(accounts))
            for each in accounts:
                counts = counts + prefix.new_counts(each)
        counts = replace(
            self._totals(),
            rows_read=counts.rows_read,
            items_written=counts.items_written,
            rows_rejected=counts.rows_rejected,
            rows_superseded=counts.rows_superseded,
            rows_filtered=counts.rows_filtered,
        )
        mark = Checkpoint(tuple(splits), counts, self._rejects.size_bytes)
        self._log.write(mark)
        self._mark = mark
        for prefix, accounts in zip(self._prefixes, ready, strict=True):
            prefix.written(accounts)

    def _append(self, accounts: list[list[BlockResult]]) -> None:
        rejects = [
            reject
            for prefix, each in zip(self._prefixes, accounts, strict=True)
            for settled in each
            for reject in self._explain(prefix, settled)
        ]
        self._rejects.append(rejects)
        if self._on_reject is not None:
            self._untold += rejects

    def _explain(self, prefix: SplitProgress, settled: BlockResult) -> list[Reject]:
        """The rejects of a block that are not on disk yet, with their lines and cells, which only now are looked up."""
        bad = prefix.new_bad(settled)
        if not bad or settled.block is None:
            return []
        return self._inputs[settled.block.source].rejects(settled.block, bad)
