"""One load: sources into a table. Owns the TaskGroup, the reader, the engine and the orderly end."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import TypeVar, cast

from asyncloader.encode.block import EncodedBlock
from asyncloader.engine.engine import Engine, Stop
from asyncloader.engine.ledger import Ledger, Watermark
from asyncloader.engine.reader import Input, Place, equip, inspect, read_blocks
from asyncloader.plan.flight import Flight
from asyncloader.records.rejects import RejectFile
from asyncloader.sources.paths import expand
from asyncloader.values.errors import AsyncLoaderError, LoadFailed, LoadInterrupted, SourceError, UsageError
from asyncloader.values.report import Counts, Report
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings
from asyncloader.wire.transport import Gateway

SPAN_PER_BLOCK = 16
"""A single slow item may let this many times the blocks in flight land behind it, which a resume would send again."""


class Load:
    """A load from its first look at the sources to its report.

    `prepare` looks at the sources, `run` writes; `counts`, `read_bytes` and `total_bytes` may be watched meanwhile, and
    `interrupt` ends it in good order.
    """

    def __init__(self, sources: Iterable[str | PathLike[str]], settings: LoadSettings) -> None:
        self.settings = settings
        self.files = expand(sources)
        self.inputs: list[Input] = []
        self.counts = Counts()
        self.earlier = Counts()
        self.read_bytes = 0
        self.engine: Engine | None = None
        self.rejects: RejectFile | None = None
        self.moved_aside: Path | None = None
        self._began = time.monotonic()
        self._interrupted = False
        self._table_name = ""

    @property
    def total_bytes(self) -> int | None:
        """The size of all sources as stored, if it is known."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    async def prepare(self) -> None:
        """Look at every source; raises `SourceError`."""
        self.inputs = await inspect(self.files, self.settings.dialect)

    def interrupt(self) -> None:
        """End in good order: what is in flight is answered and counted, then `run` raises `LoadInterrupted`."""
        self._interrupted = True
        if self.engine is not None:
            self.engine.halt()

    async def run(self, gateway: Gateway, table: Table) -> Report:
        """Write everything; raises `UsageError` before the first write, `LoadFailed` or `LoadInterrupted` after it."""
        self._table_name = table.name
        equip(self.inputs, table, self.settings)
        self.rejects = self._open_rejects(table)
        ledger = Ledger(self.inputs, self.rejects, None, Watermark(Place(), Counts(), 0))
        engine = self.engine = Engine(
            gateway,
            table,
            workers=self.settings.workers,
            retry=self.settings.retry,
            counts=self.counts,
            listener=ledger,
            on_reject=self._judge_rejects,
        )
        failure: AsyncLoaderError | None = None
        try:
            try:
                await self._run_tasks(engine, ledger)
                self._judge_rejects(at_end=True)
                await ledger.settle()
            except* Stop as stops:
                failure = _first(stops).cause
                await ledger.settle()
            except* AsyncLoaderError as group:
                failure = _first(group)
                await ledger.settle()
        except* OSError as group:
            failure = self._disk_failure(_first(group))
        finally:
            self.rejects.close()
        if self._interrupted and failure is None and not self.complete:
            failure = LoadInterrupted("interrupted")
        if failure is None:
            return self.report(complete=True)
        raise self._final(failure)

    @property
    def complete(self) -> bool:
        """Whether every row that was read has found its fate and nothing is left to read."""
        return self._read_everything and self.counts.rows_read == self.counts.rows_settled

    _read_everything = False

    def report(self, *, complete: bool) -> Report:
        """The result so far."""
        rejects = self.rejects
        return Report(
            table=self._table_name,
            sources=tuple(file.name for file in self.files),
            counts=self.earlier + self.counts,
            this_run=self.counts,
            elapsed_s=time.monotonic() - self._began,
            rejects_file=str(rejects.path) if rejects is not None and rejects.exists else None,
            complete=complete,
        )

    async def _run_tasks(self, engine: Engine, ledger: Ledger) -> None:
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(ledger.run(), name="ledger")
            running = tasks.create_task(engine.run(), name="engine")
            feeding = tasks.create_task(self._feed(engine, ledger), name="reader")
            try:
                # The engine ends when the reader has closed it, and before that when it is halted.
                await running
            finally:
                feeding.cancel()
                keeping.cancel()

    async def _feed(self, engine: Engine, ledger: Ledger) -> None:
        """The reader: keeps a few blocks ahead of the writers, in the order of the file."""
        settings = self.settings
        loop = asyncio.get_running_loop()
        encoding: deque[tuple[asyncio.Future[EncodedBlock], int]] = deque()
        pool = ThreadPoolExecutor(1, thread_name_prefix="asyncloader-encode")
        try:
            async for block in read_blocks(self.inputs, settings, Place()):
                encode = self.inputs[block.source].encode
                before = sum(file.size_bytes or 0 for file in self.files[: block.source])
                encoding.append((loop.run_in_executor(pool, encode, block), before + block.read_bytes))
                if len(encoding) > 1:
                    await self._launch(engine, ledger, *encoding.popleft())
                await engine.until_blocks_below(max(settings.blocks_in_flight - len(encoding), 1))
                while ledger.span > settings.blocks_in_flight * SPAN_PER_BLOCK:
                    await asyncio.sleep(0.01)
            while encoding:
                await self._launch(engine, ledger, *encoding.popleft())
            self._read_everything = True
            await engine.close()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    async def _launch(
        self, engine: Engine, ledger: Ledger, encoding: asyncio.Future[EncodedBlock], read_bytes: int
    ) -> None:
        encoded = await encoding
        counts = self.counts
        counts.rows_read += encoded.rows_read
        counts.rows_rejected += len(encoded.bad)
        counts.rows_superseded += encoded.superseded
        flight = Flight(encoded)
        ledger.launch(flight)
        self._judge_rejects()
        await engine.submit(flight)
        self.read_bytes = read_bytes

    def _judge_rejects(self, *, at_end: bool = False) -> None:
        """Raises `Stop` when more rows are rejected than the user allows."""
        limit = self.settings.max_rejects
        if limit is None:
            return
        rejected = self.earlier.rows_rejected + self.counts.rows_rejected
        read = self.earlier.rows_read + self.counts.rows_read
        if limit.exceeded(rejected, read, at_end=at_end):
            raise Stop(
                LoadFailed(f"{rejected:,} of {read:,} rows were rejected, more than --max-rejects {limit} allows")
            )

    def _open_rejects(self, table: Table) -> RejectFile:
        path = self.settings.rejects or Path(f"{table.name}.rejects.csv")
        columns = [name for each in self.inputs for name in each.header.own_columns]
        rejects = RejectFile(path, columns, self.settings.dialect, several_sources=len(self.inputs) > 1)
        if not path.parent.is_dir():
            raise UsageError(
                f"{path}: cannot be written, there is no folder {path.parent}; make it or name another --rejects"
            )
        try:
            self.moved_aside = rejects.make_room([Path(file.name) for file in self.files if not file.is_stdin])
        except OSError as error:
            raise UsageError(f"{path}: cannot be moved aside ({error.strerror}); name another --rejects") from error
        return rejects

    def _disk_failure(self, error: OSError) -> AsyncLoaderError:
        path = error.filename or (self.rejects.path if self.rejects else "")
        return LoadFailed(f"{path}: cannot be written ({error.strerror or error}); make room or name another --rejects")

    def _final(self, failure: AsyncLoaderError) -> AsyncLoaderError:
        """The failure as the caller should see it: what happened before the first write is a matter of usage."""
        if isinstance(failure, LoadFailed):
            failure.report = self.report(complete=False)
            return failure
        if isinstance(failure, SourceError | UsageError) and not (self.engine and self.engine.sent_anything):
            return failure
        return LoadFailed(str(failure), report=self.report(complete=False))


Error = TypeVar("Error", bound=BaseException)


def _first(group: BaseExceptionGroup[Error]) -> Error:
    """The first error in a group, at whatever depth."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return cast(Error, found)
