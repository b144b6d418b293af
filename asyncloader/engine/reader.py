"""The reader: sources → blocks, in the order of the sources and of their records.

Reading and cutting, decoding and encoding run in threads beside the loop; a block is decoded while the one before it
is being sent. How far the reader is ahead is bounded by the loader.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Iterable, Sequence

from asyncloader.blocks.piece import Piece
from asyncloader.engine.input import Input, Quota
from asyncloader.engine.text import inspect_text
from asyncloader.records.watermark import Place
from asyncloader.sources.paths import SourceFile
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import Table
from asyncloader.values.settings import Dialect, LoadSettings


async def inspect(files: Iterable[SourceFile], dialect: Dialect) -> list[Input]:
    """Look at every source; raises `SourceError` for the first that is not one of rows."""
    return [await inspect_text(index, file, dialect) for index, file in enumerate(files)]


def equip(inputs: Sequence[Input], table: Table, settings: LoadSettings) -> None:
    """Make every input ready for the table; raises `UsageError` where source, options and table do not fit."""
    for each in inputs:
        each.equip(table, settings)
    known = {name for each in inputs for name in each.columns or ()}
    for name in settings.types:
        if name not in known:
            raise UsageError(
                f"--type {name}={settings.types[name]}: no source has a column {name!r}; they have {', '.join(sorted(known)[:12])}"
            )


async def read_blocks(inputs: Sequence[Input], settings: LoadSettings, start: Place) -> AsyncGenerator[Piece, None]:
    """The blocks of all sources from `start` on, numbered from 0."""
    numbers = itertools.count()
    quota = Quota(None if settings.limit is None else settings.limit - start.rows)
    for index, each in enumerate(inputs):
        if index < start.source or quota.is_used_up:
            continue
        begin = start if index == start.source and start.line > 0 else None
        async with contextlib.aclosing(each.blocks(settings, begin, numbers, quota)) as blocks:
            async for block in blocks:
                yield block
