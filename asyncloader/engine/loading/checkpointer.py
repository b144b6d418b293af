"""The checkpointer: which blocks are settled, in the order of their splits, and what of that is on disk.

Blocks are settled in any order; their rejects are written and the watermark moves only along each split's unbroken prefix
of settled blocks. So the rejects of a split are in the order of the file, and whatever lies behind the watermark can be
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
    """Keeps checkpoints; called in a thread, may block. Raises `OSError`."""

    def write(self, checkpoint: Checkpoint) -> None: ...


class Checkpointer:
    """Tracks blocks; `run` is a task that brings rejects and checkpoints to disk, `finish` does it a last time.

    `totals` gives the counts since the load's first start; the rows among them are known better here. `on_reject`
    is called with every reject once it is written, in the event loop.
    """

    PAUSE_S = 0.2
    """Between two checkpoints, unless somebody waits for them or there are rejects to write."""

    def __init__(
        self,
        inputs: Sequence[Input],
        rejects: RejectFile,
        store: CheckpointStore,
        start: Checkpoint,
        totals: Callable[[], Counts],
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        self._inputs = inputs
        self._rejects = rejects
        self._store = store
        self._totals = totals
        self._on_reject = on_reject
        self._unreported: list[Reject] = []
        self._splits = [SplitProgress(split) for split in start.splits]
        self._checkpoint = start
        self._changed = asyncio.Event()
        self._advanced = asyncio.Event()
        self._hurry = asyncio.Event()
        self._writing = asyncio.Lock()

    async def until_span_below(self, limit: int) -> None:
        """Wait until there are fewer than `limit` blocks between the watermark and the newest ones."""
        while sum(map(len, self._splits)) >= limit:
            self._hurry.set()
            self._advanced.clear()
            await self._advanced.wait()

    @property
    def checkpoint(self) -> Checkpoint:
        """How far everything is done and on disk: the watermark."""
        return self._checkpoint

    def start_block(self, block: InFlightBlock) -> None:
        """A block is submitted; called in the order of its split."""
        self._splits[block.split].start_block(block)

    def settle_block(self, block: InFlightBlock) -> None:
        """All items of a block are settled."""
        result = self._splits[block.split].settle_block(block)
        self._changed.set()
        if result.bad:
            # What it holds is kept until its rejects are written.
            self._hurry.set()

    async def run(self) -> None:
        """Follow what is settled; raises `OSError` when the disk does not take what must be written."""
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
        """Bring to disk the unbroken prefix of what is settled: whole blocks, and the settled part of the next."""
        async with self._writing:
            ready = [split.ready(self._inputs) for split in self._splits]
            if not any(ready):
                return
            try:
                await in_thread(self._write, ready)
            finally:
                # Also when cancelled: the thread has ended, and what it wrote must not be written again.
                for split in self._splits:
                    split.forget()
                self._advanced.set()
                self._report_rejects()

    async def finish(self) -> None:
        """The end, in good order or not: also write the rejects that lie behind the watermark, for people to read."""
        await self.advance()
        async with self._writing:
            try:
                await in_thread(self._append, [split.behind() for split in self._splits])
            finally:
                self._report_rejects()

    def _report_rejects(self) -> None:
        """Call `on_reject` for what a thread, which has ended, has written."""
        unreported, self._unreported = self._unreported, []
        if self._on_reject is not None:
            for reject in unreported:
                self._on_reject(reject)

    def _write(self, ready: list[list[BlockResult]]) -> None:
        """One list for each split: their rejects, then one checkpoint for all of them."""
        self._append(ready)
        splits, counts = list[Split](), self._checkpoint.counts
        for split, results in zip(self._splits, ready, strict=True):
            splits.append(split.after(results))
            for result in results:
                counts = counts + split.new_counts(result)
        counts = replace(
            self._totals(),
            rows_read=counts.rows_read,
            items_written=counts.items_written,
            rows_rejected=counts.rows_rejected,
            rows_superseded=counts.rows_superseded,
            rows_filtered=counts.rows_filtered,
        )
        checkpoint = Checkpoint(tuple(splits), counts, self._rejects.size_bytes)
        self._store.write(checkpoint)
        self._checkpoint = checkpoint
        for split, results in zip(self._splits, ready, strict=True):
            split.written(results)

    def _append(self, results: list[list[BlockResult]]) -> None:
        rejects = [
            reject
            for split, split_results in zip(self._splits, results, strict=True)
            for result in split_results
            for reject in self._explain(split, result)
        ]
        self._rejects.append(rejects)
        if self._on_reject is not None:
            self._unreported += rejects

    def _explain(self, split: SplitProgress, result: BlockResult) -> list[Reject]:
        """The rejects of a block that are not on disk yet, with their lines and cells, which only now are looked up."""
        bad = split.new_bad(result)
        if not bad or result.block is None:
            return []
        return self._inputs[result.block.source].rejects(result.block, bad)
