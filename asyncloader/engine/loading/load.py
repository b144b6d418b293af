"""One load: sources into a table. Owns the reader, the engine, the ledger and the orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from asyncloader.batching.block_batches import interleaved_batches
from asyncloader.batching.block_in_flight import InFlightBlock, KeyConflicts
from asyncloader.cancellation import in_thread
from asyncloader.encode.block import EncodedBlock
from asyncloader.engine.engine import Engine
from asyncloader.engine.gates.budget import BudgetGate, budget_gate
from asyncloader.engine.gates.concurrency import ConcurrencyGate
from asyncloader.engine.gates.pacing import PacingGate
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.loading.capacity import CapacityChange, refuse_on_demand
from asyncloader.engine.loading.checkpointer import Checkpointer
from asyncloader.engine.loading.final_error import final_error, too_many_rejects
from asyncloader.engine.loading.load_files import LoadFiles
from asyncloader.engine.loading.messenger import Messenger
from asyncloader.engine.reading.ahead import read_ahead
from asyncloader.engine.reading.input import Input
from asyncloader.engine.reading.progress import ReadProgress
from asyncloader.engine.reading.reader import SplitBlocks, bind, inspect
from asyncloader.engine.reading.splits import SplitFinder, divisible
from asyncloader.engine.stop import StopEngine
from asyncloader.pacing.limits import describe_pace
from asyncloader.pacing.pacer import pacer_for
from asyncloader.records.checkpoint import UNSPLIT, Checkpoint, Split
from asyncloader.sources.resolve import SourceLike, resolve_sources
from asyncloader.table.throughput import ThroughputUpdater
from asyncloader.values.budget import written_duration
from asyncloader.values.errors import AsyncLoaderError, BudgetSpent, LoadFailed
from asyncloader.values.report import Counts, Report
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings
from asyncloader.wire.transport import TransportFactory

SPAN_PER_BLOCK = 16
"""A single slow item may let this many times the blocks in flight land behind it, which a resume would send again."""


class Load:
    """A load from its first look at the sources to its report.

    `prepare` looks at the sources, `run` writes; `counts` (of this run), `settled_bytes` and `total_bytes` may be
    watched meanwhile, and `interrupt` ends it in good order. `resume_command` is what a message tells people to type.
    """

    def __init__(
        self,
        sources: Iterable[SourceLike],
        settings: LoadSettings,
        *,
        resume_command: str = "the same call with resume=True",
        voice: Messenger | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.settings = settings
        self.sources = resolve_sources(sources)
        self.inputs: list[Input] = []
        self.counts = Counts()
        self.earlier = Counts()
        self.engine: Engine | None = None
        self.writes = asyncio.Event()  # set when the writers start; what came before may have taken a while
        self._resume_command = resume_command
        self._voice = voice or Messenger()
        self._switch: CapacityChange | None = None
        self._hooks = hooks or Hooks()
        self._papers: LoadFiles | None = None
        self._table_name = ""
        self._sharding: dict[str, Any] | None = None
        self._flights = KeyConflicts()
        self._began = time.monotonic()
        self._reached = ReadProgress((), ())
        self._resumed = self._interrupted = self._read_everything = False
        self._failure: BaseException | None = None

    @property
    def total_bytes(self) -> int | None:
        """The size of all sources as stored, if it is known."""
        sizes = [each.size_bytes for each in self.sources]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def settled_bytes(self) -> int:
        """How much of the sources as stored is done: what was read, less the share of rows that are still under way."""
        counts = self.counts
        share = counts.rows_settled / counts.rows_read if counts.rows_read else 0.0
        return round(self._reached.at_start + (self._reached.bytes - self._reached.at_start) * share)

    @property
    def moved_aside(self) -> Path | None:
        """Where an earlier load's reject file is kept now, if one was in the way."""
        return None if self._papers is None else self._papers.moved_aside

    async def prepare(self) -> None:
        """Look at every source; raises `SourceError`, and `UsageError` for what does not go with `--spread`."""
        self.inputs = await inspect(self.sources, self.settings.dialect)
        if self.settings.spread.splits > 1:
            divisible(self.inputs)

    @property
    def is_under_way(self) -> bool:
        """Whether there is something that `interrupt` would end in good order."""
        return self.engine is not None or self._switch is not None

    @property
    def set_back_by_hand(self) -> str:
        """The command that sets back the table's capacity, while it is raised; else an empty text."""
        return "" if self._switch is None else self._switch.by_hand

    def interrupt(self) -> None:
        """End in good order: what is in flight is answered and counted, then `run` raises `LoadInterrupted`."""
        self._interrupted = True
        if self._switch is not None:
            self._switch.give_up()
        if self.engine is not None:
            self.engine.halt()

    async def run(
        self, gateway: TransportFactory, table: Table, endpoint: str, throughput: ThroughputUpdater | None = None
    ) -> Report:
        """Write everything; raises `UsageError` before the first write, `LoadFailed` or `LoadInterrupted` after it.

        `throughput` is what changes the table's capacity; without it nothing is raised nor set back.
        """
        self._table_name = table.name
        refuse_on_demand(table, self.settings.change.raise_wcu)
        shard_key = self.settings.spread.shard_key
        self._sharding = None if shard_key is None else shard_key.told(table)
        bind(self.inputs, table, self.settings)
        papers = self._papers = await in_thread(LoadFiles, self.settings, self.sources, self.inputs, table, endpoint)
        try:
            found = await in_thread(papers.find_start, self._resume_command)
            self._resumed = found is not None
            start = found or Checkpoint(await self._find_splits(papers))
            self.earlier = start.counts
            if throughput is not None:
                self._switch = CapacityChange(throughput, self.settings.change, papers, self._voice)
            region = throughput.region if throughput else None
            guard = budget_gate(self.settings.budget, start.counts.consumed_wcu, table, region)
            if guard is not None and guard.is_spent:
                self._failure = guard.spent()
            else:
                await in_thread(papers.take_up, found)
                work = self._write(gateway, table, guard, start)
                await (work if self._switch is None else self._switch.watch_over(work))
            return self._end(None if self._switch is None else await self._switch.off())
        finally:
            papers.close()

    def report(self, *, complete: bool) -> Report:
        """The result so far."""
        return Report(
            table=self._table_name,
            sources=tuple(each.name for each in self.sources),
            counts=self.earlier + self.counts,
            this_run=self.counts,
            elapsed_s=time.monotonic() - self._began,
            rejects_file=None if self._papers is None else self._papers.rejects_file,
            complete=complete,
            limited_by=None if self.turnstile is None else self.turnstile.limited_by,
            hot_keys=() if self.turnstile is None else self.turnstile.heat.top(),
            shard_key=self._sharding,
        )

    async def _find_splits(self, papers: LoadFiles) -> tuple[Split, ...]:
        """Where to read: from the begin, or with `--spread` in several places once the sources have been looked through."""
        if self.settings.spread.splits == 1:
            return UNSPLIT
        return await SplitFinder(self.inputs, self.settings, (papers.journal.path or Path()).parent).find()

    @property
    def turnstile(self) -> PacingGate | None:
        """What paces this load, once it writes."""
        return None if self.engine is None else self.engine.turnstile

    # The tasks.

    async def _write(
        self, gateway: TransportFactory, table: Table, guard: BudgetGate | None, start: Checkpoint
    ) -> None:
        papers = self._papers
        assert papers is not None
        if self._switch is not None:
            try:
                table = await self._switch.on(start) or table
            except AsyncLoaderError as error:
                self._failure = error
                return
        if pace := describe_pace(table, self.settings.pacing):
            self._voice.say(f"{table.name}: {pace}")
        engine = self.engine = Engine(
            gateway,
            table,
            workers=self.settings.workers,
            retry=self.settings.retry,
            counts=self.counts,
            on_reject=self._judge_rejects,
            pacer=pacer_for(table, self.settings.pacing, workers=self.settings.workers, now=time.monotonic()),
            guard=guard,
            hooks=self._hooks,
            crew=ConcurrencyGate(time.monotonic) if self.settings.auto_workers else None,
        )
        totals, told = lambda: self.earlier + self.counts, self._hooks.teller(table)
        ledger = Checkpointer(self.inputs, papers.rejects, papers.journal, start, totals, told)
        self._flights = KeyConflicts(ledger.landed)
        self.writes.set()
        if self._interrupted:
            engine.halt()
        await self._run_tasks(engine, ledger, start)
        await self._settle(ledger)

    async def _run_tasks(self, engine: Engine, ledger: Checkpointer, start: Checkpoint) -> None:
        """Reader, engine and ledger side by side. A failure of one halts the engine, which still hears the answers."""
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(self._guard(engine, ledger.run()), name="ledger")
            feeding = tasks.create_task(self._guard(engine, self._feed(engine, ledger, start)), name="reader")
            timing = tasks.create_task(self._stop_in_time(engine), name="time limit")
            try:
                await engine.run()
            except StopEngine as stop:
                self._failure = self._failure or stop.cause
            finally:
                feeding.cancel()
                keeping.cancel()
                timing.cancel()

    async def _stop_in_time(self, engine: Engine) -> None:
        """End in good order when this run has lasted as long as it may."""
        seconds = self.settings.budget.seconds
        if seconds is None:
            return
        await asyncio.sleep(self._began + seconds - time.monotonic())
        self._failure = self._failure or BudgetSpent(f"stopped by --stop-after {written_duration(seconds)}")
        engine.halt()

    async def _guard(self, engine: Engine, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except (AsyncLoaderError, OSError) as error:
            self._failure = self._failure or error
            engine.halt()
        except StopEngine as stop:
            self._failure = self._failure or stop.cause
            engine.halt()

    async def _feed(self, engine: Engine, ledger: Checkpointer, start: Checkpoint) -> None:
        """Lets encoded rounds take flight, each split in the order of the file, while the next ones are read."""
        settings, splits = self.settings, start.splits
        reached = self._reached = ReadProgress(splits, [each.size_bytes or 0 for each in self.sources])
        async with contextlib.aclosing(read_ahead(self.inputs, settings, splits, reached.begin)) as rounds:
            async for blocks, encoding in rounds:
                # A round is as long as one block of a load in a single split: the same bytes are in flight.
                await engine.until_below(settings.blocks_in_flight * len(splits))
                await ledger.until_span_below(settings.blocks_in_flight * SPAN_PER_BLOCK * len(splits))
                await self._launch(engine, ledger, start, blocks, encoding)
        self._read_everything = True
        self._judge_rejects(at_end=True)
        await engine.close()

    async def _launch(
        self,
        engine: Engine,
        ledger: Checkpointer,
        start: Checkpoint,
        blocks: SplitBlocks,
        encoding: list[asyncio.Task[EncodedBlock]],
    ) -> None:
        counts, papers, flights = self.counts, self._papers, list[InFlightBlock]()
        assert papers is not None
        for (split, _), encoded in zip(blocks, [await each for each in encoding], strict=True):
            counts.rows_read += encoded.rows_read
            counts.rows_rejected += len(encoded.bad)
            counts.rows_superseded += encoded.superseded
            flights.append(InFlightBlock(encoded, split))
            ledger.launch(flights[-1])
        # Together with the rows among them, of which `settled_bytes` takes the share that is done.
        self._reached.add(blocks)
        self._judge_rejects()
        if any(len(flight.encoded) for flight in flights) and not papers.begun:
            # On disk before the first write: from here on a crash leaves something to resume.
            await in_thread(papers.begin, start)
        await engine.submit(flights, interleaved_batches([(flight, self._flights.admit(flight)) for flight in flights]))

    def _judge_rejects(self, *, at_end: bool = False) -> None:
        """Raises `StopEngine` when more rows are rejected than the user allows."""
        if error := too_many_rejects(self.settings.max_rejects, self.earlier, self.counts, at_end=at_end):
            raise StopEngine(error)

    # The end.

    async def _settle(self, ledger: Checkpointer) -> None:
        """Bring the last rejects and the last watermark to disk."""
        if isinstance(self._failure, OSError):
            return
        try:
            await ledger.settle()
        except OSError as error:
            self._failure = self._failure or error

    def _end(self, trouble: str | None) -> Report:
        """The report of a complete load, or the reason why it is not; `trouble` says that capacity is not set back."""
        counts, papers = self.counts, self._papers
        assert papers is not None
        done = self._read_everything and counts.rows_read == counts.rows_settled
        written = self._resumed or (self.engine is not None and self.engine.may_have_written)
        begun = written or trouble is not None
        error = final_error(self._failure, done=done, begun=begun, trouble=trouble, path=papers.rejects.path)
        if error is None or not begun:
            # Complete, or nothing was written: there is nothing to resume.
            papers.journal.close(complete=True)
        if error is None:
            return self.report(complete=True)
        if isinstance(error, LoadFailed):
            error.report = self.report(complete=done and self._failure is None)
            error.resume = self._resume_command if begun and papers.journal.path is not None else None
        raise error
