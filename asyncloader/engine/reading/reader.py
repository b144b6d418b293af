"""The reader: sources → blocks, each split in the order of the sources and of their records.

Reading and cutting, decoding and encoding run in threads beside the loop; a block is decoded while the one before it
is being sent. How far it reads ahead is bounded by `engine.reading.ahead`.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace

from asyncloader.engine.reading.input import Input, Quota
from asyncloader.engine.reading.items import ItemInput
from asyncloader.formats.block import Block
from asyncloader.records.checkpoint import Split
from asyncloader.sources.frames import FrameSource
from asyncloader.sources.iterables import ItemSource
from asyncloader.sources.resolve import Source
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings

LEAST_BLOCK_BYTES = 16
SplitBlocks = list[tuple[int, Block]]
"""One block of every split that has any left, with the split's number."""


async def inspect(sources: Iterable[Source], dialect: Dialect) -> list[Input]:
    """Look at every source; raises `SourceError` for the first that is not one of rows."""
    return [await _inspect(index, source, dialect) for index, source in enumerate(sources)]


async def _inspect(index: int, source: Source, dialect: Dialect) -> Input:
    """The input that a source is. What needs Arrow is imported only for a source that does."""
    if isinstance(source, ItemSource):
        return ItemInput(index, source)
    if isinstance(source, FrameSource):
        from asyncloader.engine.reading.frame import inspect_frame

        return await inspect_frame(index, source)
    from asyncloader.engine.reading.text import inspect_text

    return await inspect_text(index, source, dialect)


def bind(inputs: Sequence[Input], table: Table, settings: LoadSettings) -> None:
    """Make every input ready for the table; raises `UsageError` where source, options and table do not fit."""
    for source in inputs:
        source.bind(table, settings)
    if settings.types and all(source.columns is None for source in inputs):
        raise UsageError("types are for the columns of files and frames; the values of items have types of their own")
    known = {name for source in inputs for name in source.columns or ()}
    for name in settings.types:
        if name not in known:
            raise UsageError(
                f"--type {name}={settings.types[name]}: no source has a column {name!r}; they have {', '.join(sorted(known)[:12])}"
            )


async def read_splits(
    inputs: Sequence[Input], settings: LoadSettings, splits: Sequence[Split]
) -> AsyncGenerator[SplitBlocks, None]:
    """Blocks of every split until every split is at its end.

    Together the blocks of all splits are about as long as one of a load in a single split.
    """
    settings = replace(settings, block_bytes=max(settings.block_bytes // len(splits), LEAST_BLOCK_BYTES))
    async with contextlib.AsyncExitStack() as open_:
        reading = [(number, read_split(inputs, settings, split)) for number, split in enumerate(splits)]
        for _, blocks in reading:
            open_.push_async_callback(blocks.aclose)
        while reading:
            blocks_of_splits = [(number, await anext(blocks, None)) for number, blocks in reading]
            reading = [split for split, (_, block) in zip(reading, blocks_of_splits, strict=True) if block is not None]
            if reading:
                yield [(number, block) for number, block in blocks_of_splits if block is not None]


async def read_split(inputs: Sequence[Input], settings: LoadSettings, split: Split) -> AsyncGenerator[Block, None]:
    """The blocks of one split from its place on, numbered from 0."""
    numbers, start = itertools.count(), split.position
    quota = Quota(None if settings.limit is None else settings.limit - start.rows)
    for index, source in enumerate(inputs):
        if not split.covers(index) or quota.is_used_up:
            continue
        position = start if index == start.source and start.line > 0 else None
        async with contextlib.aclosing(
            source.blocks(settings, position, split.end_in(index), numbers, quota)
        ) as blocks:
            async for block in blocks:
                yield block
