"""The planner: the sources are read, decoded and encoded as for a load, and counted instead of sent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import PathLike

from asyncloader.cancellation import in_thread
from asyncloader.encode.steps import run_steps
from asyncloader.engine.reading.input import Input, Quota, some
from asyncloader.engine.reading.reader import bind, inspect
from asyncloader.engine.reading.text import TextInput
from asyncloader.formats.block import Block
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.planning.block_profile import BlockProfile, examine
from asyncloader.planning.sampling import SampledBlock, draw
from asyncloader.planning.tally import PlanTally
from asyncloader.sources.resolve import expand_paths
from asyncloader.values.errors import UsageError
from asyncloader.values.plan import Location, Plan
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.schema import Table

MOST_THREADS = 4


class Planner:
    """Makes a plan from the sources; nothing is written anywhere.

    `prepare` looks at the sources, `run` reads them; `rows_read`, `passed_bytes` and `total_bytes` may be watched.
    """

    def __init__(self, sources: Iterable[str | PathLike[str]], settings: PlanSettings) -> None:
        self._settings = replace(settings, load=replace(settings.load, keep_breakdown=True))
        self._files = expand_paths(sources)
        self._inputs: list[Input] = []
        self._tally: PlanTally | None = None
        self._table: Table | None = None
        self._began = time.monotonic()
        self._text_bytes = 0
        self.passed_bytes = 0

    @property
    def total_bytes(self) -> int | None:
        """The size of all sources as stored, if it is known."""
        sizes = [file.size_bytes for file in self._files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def names_key(self) -> bool:
        """Whether the settings say what the table's key is."""
        return self._settings.key is not None or self._settings.sort_key is not None

    @property
    def rows_read(self) -> int:
        return 0 if self._tally is None else self._tally.rows_read

    async def prepare(self) -> None:
        """Look at every source; raises `SourceError`."""
        self._inputs = await inspect(self._files, self._settings.load.dialect)

    async def run(self, table: Table | None, region: str | None = None) -> Plan:
        """Read the sources for a described table, or None for one with the key of the settings; `region` has its prices.

        Raises `UsageError` where sources, options and table do not fit, and `SourceError` where reading fails.
        """
        settings = self._settings
        planned = table or self._planned()
        self._table = planned
        bind(self._inputs, planned, settings.load)
        tally = self._tally = PlanTally(planned, settings)
        threads = min(os.cpu_count() or 1, MOST_THREADS)
        waiting: deque[tuple[asyncio.Future[BlockProfile], SampledBlock]] = deque()
        with ThreadPoolExecutor(threads, thread_name_prefix="asyncloader-plan") as pool:
            try:
                async with contextlib.aclosing(self._drawn()) as all_drawn:
                    async for drawn in all_drawn:
                        self._text_bytes += drawn.size_bytes
                        if drawn.block is None:
                            continue
                        loop = asyncio.get_running_loop()
                        waiting.append((loop.run_in_executor(pool, self._examine, drawn.block), drawn))
                        if len(waiting) > threads:
                            await self._count(tally, *waiting.popleft())
                while waiting:
                    await self._count(tally, *waiting.popleft())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        return tally.plan(
            tuple(source.name for source in self._inputs),
            total_bytes=self._text_bytes,
            spreadable=all(isinstance(source, TextInput) and source.is_plain for source in self._inputs),
            name=None if table is None else table.name,
            region=region,
            elapsed_s=time.monotonic() - self._began,
        )

    def _planned(self) -> Table:
        key, sort_key = self._settings.key, self._settings.sort_key
        if key is None:
            raise UsageError(
                "a plan needs the table's key: name the table by --table, or its key by --key NAME[:S|N|B]"
            )
        for source in self._inputs:
            for option, attribute in (("--key", key), ("--sort-key", sort_key)):
                if attribute is not None and source.columns is not None and attribute.name not in source.columns:
                    raise UsageError(
                        f"{option} {attribute.name}: {source.name} has no such column; its columns are {some(source.columns)}"
                    )
        return Table("planned", "", key, sort_key)

    async def _drawn(self) -> AsyncGenerator[SampledBlock, None]:
        """All blocks of all sources in their order, or a sample of them."""
        settings, numbers, before = self._settings, itertools.count(), 0
        quota = Quota(settings.load.limit)
        for source in self._inputs:
            if quota.is_used_up:
                return
            async with contextlib.aclosing(draw(source, settings.load, settings.sample, numbers, quota)) as drawing:
                async for drawn in drawing:
                    self.passed_bytes = before + drawn.passed_bytes
                    yield drawn
            before += source.size_bytes or 0

    def _examine(self, block: Block) -> BlockProfile:
        assert self._table is not None
        return examine(run_steps(self._inputs[block.source].encode(block)), self._table)

    async def _count(self, tally: PlanTally, examined: asyncio.Future[BlockProfile], drawn: SampledBlock) -> None:
        profile, block = await examined, drawn.block
        assert block is not None
        places = Places(self._inputs[block.source], block, profile.rows, drawn.has_line)
        await in_thread(tally.add, profile, block.size_bytes, places.spot)


@dataclass(slots=True)
class Places:
    """Where the records of one block are; looked up only if needed."""

    owner: Input
    block: Block
    records: int
    has_line: bool
    _starts: Sequence[tuple[int, int]] | None = None

    def spot(self, record: int) -> Location:
        """The place of one record."""
        name, block = self.owner.name, self.block
        if self.has_line and self._are_lines:
            return Location(name, block.line + record)
        if self._starts is None:
            self._starts = self.owner.record_starts(block)
        offset, line = self._starts[record]
        return Location(name, line) if self.has_line else Location(name, None, offset)

    @property
    def _are_lines(self) -> bool:
        """Whether every record is one line, as there are as many of both; a last line without its end is none."""
        block = self.block
        ended = not isinstance(block, TextBlock) or block.data.endswith((b"\n", b"\r"))
        return ended and block.end_line - block.line == self.records
