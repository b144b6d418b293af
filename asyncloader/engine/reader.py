"""The reader: sources → blocks → encoded blocks, in the order of the file.

Reading and cutting, decoding and encoding run in threads beside the loop; a block is decoded while the one before it
is being sent. How far the reader is ahead is bounded by the loader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

from asyncloader.blocks.cut import Block, Cutter
from asyncloader.blocks.grammar import grammar
from asyncloader.blocks.header import Header, read_header
from asyncloader.decode.csv import CsvDecoder
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.records.watermark import Place
from asyncloader.sources.paths import SourceFile
from asyncloader.sources.stream import SourceStream, open_source
from asyncloader.values.errors import SourceError, UsageError
from asyncloader.values.schema import Table
from asyncloader.values.settings import Dialect, LoadSettings

HEADER_LIMIT_BYTES = 1024 * 1024


@dataclass(slots=True)
class Input:
    """One source that has been looked at: its header, its decoder and encoder, and its stream if it is still open."""

    file: SourceFile
    header: Header
    decoder: CsvDecoder
    head: bytes = b""
    encoder: ColumnEncoder | None = None
    stream: SourceStream | None = None

    def encode(self, block: Block) -> EncodedBlock:
        """Decode and encode one block."""
        assert self.encoder is not None
        return self.encoder.encode(block, self.decoder.decode(block))


async def inspect(files: Iterable[SourceFile], dialect: Dialect) -> list[Input]:
    """Read the header of every source; raises `SourceError` for the first that has none worth its name."""
    return [await _inspect(file, dialect) for file in files]


async def _inspect(file: SourceFile, dialect: Dialect) -> Input:
    stream = await open_source(file, encoding=dialect.encoding if dialect.transcodes else None)
    keep = False
    try:
        head = b""
        while True:
            chunk = await stream.read()
            head += chunk
            header = read_header(file.name, head, dialect, at_end=not chunk)
            if header is not None:
                break
            if len(head) > HEADER_LIMIT_BYTES:
                raise SourceError(f"{file.name}: no header within the first {len(head)} bytes; is it a CSV file?")
        _check_text(file.name, head)
        keep = file.size_bytes is None
        if keep:
            stream.push_back(head)
    finally:
        if not keep:
            await stream.close()
    return Input(file, header, CsvDecoder(header.columns, dialect), head[: header.end], stream=stream if keep else None)


def _check_text(name: str, head: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{name}: looks like UTF-16; say --encoding utf-16")
    if head.startswith(b"PAR1") or head.startswith(b"PK\x03\x04"):
        raise SourceError(f"{name}: is not a CSV file; convert it to CSV first")


def equip(inputs: list[Input], table: Table, settings: LoadSettings) -> None:
    """Give every input its encoder for the table; raises `UsageError` where source, options and table do not fit."""
    for each in inputs:
        columns = each.header.own_columns
        for key in table.key:
            if key.name not in columns:
                raise UsageError(
                    f"{each.file.name}: has no column {key.name!r}, which is a key of table {table.name}; its columns are "
                    f"{', '.join(columns[:12])}{', …' if len(columns) > 12 else ''}"
                )
        types = {name: kind for name, kind in settings.types.items() if name in columns}
        each.encoder = ColumnEncoder(columns, table, types, settings.empty)
    known = {name for each in inputs for name in each.header.own_columns}
    for name in settings.types:
        if name not in known:
            raise UsageError(
                f"--type {name}={settings.types[name]}: no source has a column {name!r}; they have {', '.join(sorted(known)[:12])}"
            )


async def read_blocks(inputs: list[Input], settings: LoadSettings, start: Place) -> AsyncGenerator[Block, None]:
    """The blocks of all sources from `start` on, numbered from 0."""
    number = 0
    rows_left = None if settings.limit is None else settings.limit - start.rows
    for index, each in enumerate(inputs):
        if index < start.source:
            continue
        resumes = index == start.source and start.line > 0
        offset = start.offset if resumes else each.header.end
        line = start.line if resumes else each.header.line
        stream, each.stream = each.stream or await _open(each.file, settings), None
        try:
            await stream.skip_to(offset)
            cutter = Cutter(
                settings.dialect, block_bytes=settings.block_bytes, offset=offset, line=line, name=each.file.name
            )
            ended = False
            while not ended:
                if rows_left == 0:
                    return
                chunk = await stream.read()
                ended = not chunk
                cut = await asyncio.to_thread(cutter.feed, chunk) if chunk else cutter.finish()
                if cut is None:
                    continue
                data = cut.data
                if rows_left is not None:
                    data, taken = _first_records(settings.dialect, data, rows_left)
                    rows_left -= taken
                yield Block(
                    index, number, data, cut.offset, cut.line, stream.read_bytes, cut.last or data is not cut.data
                )
                number += 1
        finally:
            await stream.close()


async def _open(file: SourceFile, settings: LoadSettings) -> SourceStream:
    dialect = settings.dialect
    return await open_source(
        file,
        encoding=dialect.encoding if dialect.transcodes else None,
        chunk_bytes=min(settings.block_bytes, 1024 * 1024),
    )


def _first_records(dialect: Dialect, data: bytes, limit: int) -> tuple[bytes, int]:
    """The first `limit` records of a block, and how many it has of them."""
    taken = 0
    for record in grammar(dialect).records(data, 1):
        if taken == limit:
            return data[: record.start], taken
        taken += 1
    return data, taken
