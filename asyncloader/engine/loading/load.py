"""One load: sources into a table, from the first look at the sources to the report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asyncloader.cancellation import in_thread
from asyncloader.engine.gates.budget import BudgetGate, budget_gate
from asyncloader.engine.gates.pacing import PacingGate
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.loading.capacity import CapacityChange, refuse_on_demand
from asyncloader.engine.loading.final_error import final_error
from asyncloader.engine.loading.load_files import LoadFiles
from asyncloader.engine.loading.messenger import Messenger
from asyncloader.engine.loading.run import LoadRun, RunStart
from asyncloader.engine.reading.input import Input
from asyncloader.engine.reading.reader import bind, inspect
from asyncloader.engine.reading.splits import SplitFinder, splittable
from asyncloader.pacing.limits import describe_pace
from asyncloader.records.checkpoint import UNSPLIT, Checkpoint, Split
from asyncloader.sources.resolve import SourceLike, resolve_sources
from asyncloader.table.throughput import ThroughputUpdater
from asyncloader.values.errors import AsyncLoaderError, LoadFailed
from asyncloader.values.report import Counts, HotKey, Report
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings
from asyncloader.wire.transport import TransportFactory


class Load:
    """A load that may be watched while it runs, and ended in good order.

    `prepare` looks at the sources, `run` writes; `counts` (of this run), `settled_bytes` and `total_bytes` may be
    read meanwhile, and `interrupt` ends it. `resume_command` is what a message tells people to type.
    """

    def __init__(
        self,
        sources: Iterable[SourceLike],
        settings: LoadSettings,
        *,
        resume_command: str = "the same call with resume=True",
        messenger: Messenger | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.settings = settings
        self.sources = resolve_sources(sources)
        self.inputs: list[Input] = []
        self.counts = Counts()
        self.earlier = Counts()
        self.started = asyncio.Event()
        """Set when the writers start; what came before may have taken a while."""
        self._resume_command = resume_command
        self._messenger = messenger or Messenger()
        self._hooks = hooks or Hooks()
        self._files: LoadFiles | None = None
        self._capacity: CapacityChange | None = None
        self._run: LoadRun | None = None
        self._table_name = ""
        self._sharding: dict[str, Any] | None = None
        self._began = time.monotonic()
        self._resumed = self._interrupted = False
        self._failure: BaseException | None = None

    async def prepare(self) -> None:
        """Look at every source; raises `SourceError`, and `UsageError` for what does not go with `--spread`."""
        self.inputs = await inspect(self.sources, self.settings.dialect)
        if self.settings.spread.splits > 1:
            splittable(self.inputs)

    async def run(
        self,
        transports: TransportFactory,
        table: Table,
        endpoint: str,
        throughput: ThroughputUpdater | None = None,
    ) -> Report:
        """Write everything; raises `UsageError` before the first write, `LoadFailed` or `LoadInterrupted` after it.

        `endpoint` is what the journal knows the service by. `throughput` changes the table's capacity; without it
        nothing is raised or restored.
        """
        settings = self.settings
        self._table_name = table.name
        refuse_on_demand(table, settings.change.raise_wcu)
        shard_key = settings.spread.shard_key
        self._sharding = None if shard_key is None else shard_key.explain(table)
        bind(self.inputs, table, settings)
        files = self._files = await in_thread(LoadFiles, settings, self.sources, self.inputs, table, endpoint)
        try:
            resumed = await in_thread(files.find_start, self._resume_command)
            self._resumed = resumed is not None
            start = resumed or Checkpoint(await self._find_splits(files))
            self.earlier = start.counts
            if throughput is not None:
                self._capacity = CapacityChange(throughput, settings.change, files, self._messenger)
            region = throughput.region if throughput else None
            budget = budget_gate(settings.budget, start.counts.consumed_wcu, table, region)
            if budget is not None and budget.is_spent:
                self._failure = budget.spent()
            else:
                await in_thread(files.take_up, resumed)
                work = self._write(transports, table, budget, start)
                await (work if self._capacity is None else self._capacity.restore_after_error(work))
            return self._end(None if self._capacity is None else await self._capacity.restore())
        finally:
            files.close()

    def interrupt(self) -> None:
        """End in good order: what is in flight is answered and counted, then `run` raises `LoadInterrupted`."""
        self._interrupted = True
        if self._capacity is not None:
            self._capacity.give_up()
        if self._run is not None:
            self._run.engine.halt()

    def report(self, *, complete: bool) -> Report:
        """The result so far."""
        return Report(
            table=self._table_name,
            sources=tuple(source.name for source in self.sources),
            counts=self.earlier + self.counts,
            this_run=self.counts,
            elapsed_s=time.monotonic() - self._began,
            rejects_file=None if self._files is None else self._files.rejects_file,
            complete=complete,
            limited_by=None if self.pacing is None else self.pacing.limited_by,
            hot_keys=self.hot_keys,
            shard_key=self._sharding,
        )

    # What may be watched.

    @property
    def total_bytes(self) -> int | None:
        """The size of all sources as stored, if it is known."""
        sizes = [source.size_bytes for source in self.sources]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def settled_bytes(self) -> int:
        """How much of the sources as stored is done."""
        return 0 if self._run is None else self._run.settled_bytes

    @property
    def moved_aside(self) -> Path | None:
        """Where an earlier load's reject file is kept now, if one was in the way."""
        return None if self._files is None else self._files.moved_aside

    @property
    def is_interruptible(self) -> bool:
        """Whether there is something that `interrupt` would end in good order."""
        return self._run is not None or self._capacity is not None

    @property
    def restore_command(self) -> str:
        """The command that restores the table's capacity, while it is raised; else an empty text."""
        return "" if self._capacity is None else self._capacity.restore_command

    @property
    def pacing(self) -> PacingGate | None:
        """What paces this load, once it writes."""
        return None if self._run is None else self._run.engine.pacing

    @property
    def hot_keys(self) -> tuple[HotKey, ...]:
        """The partition keys that were refused while others passed, the most refused first."""
        return () if self._run is None else self._run.engine.hot_keys.top()

    # Inside.

    async def _find_splits(self, files: LoadFiles) -> tuple[Split, ...]:
        """Where to read: from the start, or with `--spread` in several places once the sources have been looked through."""
        if self.settings.spread.splits == 1:
            return UNSPLIT
        return await SplitFinder(self.inputs, self.settings, (files.journal.path or Path()).parent).find()

    async def _write(
        self, transports: TransportFactory, table: Table, budget: BudgetGate | None, start: Checkpoint
    ) -> None:
        assert self._files is not None
        if self._capacity is not None:
            try:
                table = await self._capacity.apply(start) or table
            except AsyncLoaderError as error:
                self._failure = error
                return
        if pace := describe_pace(table, self.settings.pacing):
            self._messenger.say(f"{table.name}: {pace}")
        run_start = RunStart(start, self.counts, self.earlier, self._began)
        run = self._run = LoadRun(
            self.inputs, self.settings, self._files, table, transports, run_start, budget=budget, hooks=self._hooks
        )
        self.started.set()
        if self._interrupted:
            run.engine.halt()
        await run.run()
        self._failure = run.failure

    def _end(self, trouble: str | None) -> Report:
        """The report of a complete load, or the reason why it is not; `trouble` says that capacity is not restored."""
        counts, files, run = self.counts, self._files, self._run
        assert files is not None
        done = run is not None and run.read_everything and counts.rows_read == counts.rows_settled
        written = self._resumed or (run is not None and run.engine.may_have_written)
        begun = written or trouble is not None
        error = final_error(self._failure, done=done, begun=begun, trouble=trouble, path=files.rejects.path)
        if error is None or not begun:
            # Complete, or nothing was written: there is nothing to resume.
            files.journal.close(complete=True)
        if error is None:
            return self.report(complete=True)
        if isinstance(error, LoadFailed):
            error.report = self.report(complete=done and self._failure is None)
            error.resume = self._resume_command if begun and files.journal.path is not None else None
        raise error
