"""The run of a load: reader, engine, checkpointer and time limit side by side, from the first block to the last response.

The order of events for a block: it is read ahead and encoded; it waits until there is room among the blocks in flight;
its rows are counted; the journal is begun before the very first write; its batches are submitted to the engine; once all
its items are settled the checkpointer moves the watermark past it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from asyncloader.batching.block_batches import interleaved_batches
from asyncloader.batching.block_in_flight import InFlightBlock, KeyConflicts
from asyncloader.cancellation import in_thread
from asyncloader.encode.block import EncodedBlock
from asyncloader.engine.engine import Engine
from asyncloader.engine.gates.budget import BudgetGate
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.loading.checkpointer import Checkpointer
from asyncloader.engine.loading.final_error import too_many_rejects
from asyncloader.engine.loading.load_files import LoadFiles
from asyncloader.engine.reading.ahead import read_ahead
from asyncloader.engine.reading.input import Input
from asyncloader.engine.reading.progress import ReadProgress
from asyncloader.engine.reading.reader import SplitBlocks
from asyncloader.engine.stop import StopEngine
from asyncloader.pacing.pacer import pacer_for
from asyncloader.records.checkpoint import Checkpoint
from asyncloader.values.budget import written_duration
from asyncloader.values.errors import AsyncLoaderError, BudgetSpent
from asyncloader.values.report import Counts
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings
from asyncloader.wire.transport import TransportFactory

SPAN_PER_BLOCK = 16
"""Blocks between the watermark and the newest one, as a multiple of the blocks in flight; a resume sends these again."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """What a run starts from: where to go on, the counts of this run (kept up to date) and of earlier ones, and since when."""

    checkpoint: Checkpoint
    counts: Counts
    earlier: Counts
    began: float


class LoadRun:
    """Writes the rows of all inputs; `run` returns when everything is settled, or when something ends it early.

    `failure` is the first thing that ended it, and `read_everything` says that the sources were read to their end.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        settings: LoadSettings,
        files: LoadFiles,
        table: Table,
        transports: TransportFactory,
        start: RunStart,
        *,
        budget: BudgetGate | None,
        hooks: Hooks,
    ) -> None:
        self.failure: BaseException | None = None
        self.read_everything = False
        self._inputs = inputs
        self._settings = settings
        self._files = files
        self._start = start
        self._counts, self._earlier = start.counts, start.earlier
        self.engine = Engine(
            transports,
            table,
            workers=settings.workers,
            retry=settings.retry,
            counts=start.counts,
            on_reject=self._check_rejects,
            pacer=pacer_for(table, settings.pacing, workers=settings.workers, now=time.monotonic()),
            budget=budget,
            auto_workers=settings.auto_workers,
            hooks=hooks,
        )
        self._checkpointer = Checkpointer(
            inputs,
            files.rejects,
            files.journal,
            start.checkpoint,
            totals=lambda: start.earlier + start.counts,
            on_reject=hooks.reject_callback(table),
        )
        self._conflicts = KeyConflicts(self.engine.in_flight, self._checkpointer.settle_block)
        splits = start.checkpoint.splits
        self._progress = ReadProgress(splits, [source.size_bytes or 0 for source in inputs])

    @property
    def settled_bytes(self) -> int:
        """How much of the sources as stored is done: what was read, less the share of rows that are still in flight."""
        counts, progress = self._counts, self._progress
        share = counts.rows_settled / counts.rows_read if counts.rows_read else 0.0
        return round(progress.at_start + (progress.bytes - progress.at_start) * share)

    async def run(self) -> None:
        """Run the tasks. A failure of one halts the engine, which still receives the responses to what it has sent."""
        engine = self.engine
        async with asyncio.TaskGroup() as tasks:
            others = [
                tasks.create_task(self._halting(self._checkpointer.run()), name="checkpointer"),
                tasks.create_task(self._halting(self._feed()), name="reader"),
                tasks.create_task(self._stop_in_time(), name="time limit"),
            ]
            try:
                await engine.run()
            except StopEngine as stop:
                self.failure = self.failure or stop.cause
            finally:
                for task in others:
                    task.cancel()
        await self._finish_files()

    async def _halting(self, work: Coroutine[object, object, None]) -> None:
        """Do the work; a failure of it halts the engine."""
        try:
            await work
        except (AsyncLoaderError, OSError) as error:
            self._halt(error)
        except StopEngine as stop:
            self._halt(stop.cause)

    def _halt(self, failure: BaseException) -> None:
        self.failure = self.failure or failure
        self.engine.halt()

    async def _stop_in_time(self) -> None:
        """End in good order when this run has lasted as long as it may."""
        seconds = self._settings.budget.seconds
        if seconds is not None:
            await asyncio.sleep(self._start.began + seconds - time.monotonic())
            self._halt(BudgetSpent(f"stopped by --stop-after {written_duration(seconds)}"))

    async def _feed(self) -> None:
        """Submit encoded blocks, each split in the order of the file, while the next ones are read."""
        settings, splits = self._settings, self._start.checkpoint.splits
        async with contextlib.aclosing(read_ahead(self._inputs, settings, splits, self._progress.begin)) as ahead:
            async for blocks, encoding in ahead:
                # One block of every split together is as long as a block of a load in one split: the same bytes in flight.
                await self.engine.until_in_flight_below(settings.blocks_in_flight * len(splits))
                await self._checkpointer.until_span_below(settings.blocks_in_flight * SPAN_PER_BLOCK * len(splits))
                await self._submit(blocks, [await task for task in encoding])
        self.read_everything = True
        self._check_rejects(at_end=True)
        await self.engine.close()

    async def _submit(self, blocks: SplitBlocks, encoded_blocks: list[EncodedBlock]) -> None:
        counts, entries = self._counts, list[InFlightBlock]()
        for (split, _), encoded in zip(blocks, encoded_blocks, strict=True):
            counts.rows_read += encoded.rows_read
            counts.rows_rejected += len(encoded.bad)
            counts.rows_superseded += encoded.superseded
            entries.append(InFlightBlock(encoded, split))
            self._checkpointer.start_block(entries[-1])
        # Together with the rows among them, of which `settled_bytes` takes the share that is done.
        self._progress.add(blocks)
        self._check_rejects()
        if any(len(entry.encoded) for entry in entries) and not self._files.is_begun:
            # On disk before the first write: from here on a crash leaves something to resume.
            await in_thread(self._files.begin, self._start.checkpoint)
        batches = interleaved_batches([(entry, self._conflicts.add(entry)) for entry in entries])
        await self.engine.submit(entries, batches)

    def _check_rejects(self, *, at_end: bool = False) -> None:
        """Raises `StopEngine` when more rows are rejected than the user allows."""
        if error := too_many_rejects(self._settings.max_rejects, self._earlier, self._counts, at_end=at_end):
            raise StopEngine(error)

    async def _finish_files(self) -> None:
        """Bring the last rejects and the last checkpoint to disk."""
        if isinstance(self.failure, OSError):
            return
        try:
            await self._checkpointer.finish()
        except OSError as error:
            self.failure = self.failure or error
