"""Text as an input: a CSV file or stream, cut at the ends of its records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.key_columns import KeyColumns
from asyncloader.encode.steps import Steps
from asyncloader.engine.reading.input import Quota, check_key
from asyncloader.formats.columns import BadRow
from asyncloader.formats.csv.boundary import find_record
from asyncloader.formats.csv.cutter import Cutter, TextBlock
from asyncloader.formats.csv.decoder import CsvDecoder
from asyncloader.formats.csv.grammar import Record, grammar
from asyncloader.formats.csv.header import Header, read_header
from asyncloader.records.checkpoint import Position
from asyncloader.records.journal import fingerprint
from asyncloader.records.rejects import Reject
from asyncloader.sources.resolve import SourceFile
from asyncloader.sources.stream import SourceStream, open_source
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import SourceError
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings

HEADER_LIMIT_BYTES = 1024 * 1024
GUESS_LIMIT_BYTES = 4 * 1024 * 1024
"""Read at most to find a record from a place in the middle of a file to its end."""


class TextInput:
    """One CSV source whose header has been read; keeps its stream open where that cannot be read again."""

    def __init__(
        self,
        index: int,
        file: SourceFile,
        header: Header,
        dialect: Dialect,
        head: bytes,
        stream: SourceStream | None,
        *,
        is_plain: bool = False,
    ) -> None:
        self.name = file.name
        self.columns: tuple[str, ...] = tuple(header.own_columns)
        self.size_bytes = file.size_bytes
        self.is_plain = is_plain
        self._index = index
        self._file = file
        self._header = header
        self._dialect = dialect
        self._head = head
        self._stream = stream
        self._is_plain = is_plain
        self._decoder = CsvDecoder(header.columns, dialect)
        self._key_decoder = self._decoder
        self._encoder: ColumnEncoder | None = None

    @property
    def unsplittable_reason(self) -> str | None:
        """Why no place in its middle can be sought."""
        if self._dialect.transcodes:
            return f"{self._dialect.encoding} text is turned into UTF-8 from its start on"
        if self.size_bytes is None:
            return "a stream cannot be sought"
        return None if self._is_plain else "a compressed file can only be read from its start"

    def fingerprint(self) -> dict[str, Any]:
        """Name, size, digests of start and end."""
        return fingerprint(self._file, self._head)

    def bind(self, table: Table, settings: LoadSettings) -> None:
        """Make the encoder; raises `UsageError` where a key has no column."""
        check_key(self.name, self.columns, table)
        self._key_decoder = CsvDecoder(self._header.columns, self._dialect, [key.name for key in table.key])
        types = {name: kind for name, kind in settings.types.items() if name in self.columns}
        self._encoder = ColumnEncoder(
            self.columns,
            table,
            types,
            settings.empty,
            keep_breakdown=settings.keep_breakdown,
            shard_key=settings.spread.shard_key,
        )

    async def blocks(
        self, settings: LoadSettings, start: Position | None, end: int | None, numbers: Iterator[int], quota: Quota
    ) -> AsyncGenerator[TextBlock, None]:
        """The text from `start` to `end` in blocks of about `settings.block_bytes`."""
        offset, line = (self._header.end, self._header.line) if start is None else (start.offset, start.line)
        stream, self._stream = self._stream or await self._open(settings), None
        try:
            await stream.skip_to(offset)
            cutter = Cutter(
                settings.dialect, block_bytes=settings.block_bytes, offset=offset, line=line, name=self.name
            )
            ended = False
            while not ended and not quota.is_used_up:
                chunk = await stream.read()
                if end is not None:
                    # A split ends where a record does, so that what is left of it is whole.
                    chunk, offset = chunk[: end - offset], min(offset + len(chunk), end)
                ended = not chunk
                cut = await asyncio.to_thread(cutter.feed, chunk) if chunk else cutter.finish()
                if cut is None:
                    continue
                data, last = cut.data, cut.last
                if quota.rows is not None:
                    data, taken = _first_records(settings.dialect, data, quota.rows)
                    quota.take(taken)
                    last = last or data is not cut.data
                read_bytes = stream.read_bytes if end is None else cut.offset + len(data)
                yield TextBlock(self._index, next(numbers), data, cut.offset, cut.line, read_bytes, last)
        finally:
            await stream.close()

    @property
    def text_bytes(self) -> int:
        """The length of a plain file without its header."""
        return max((self.size_bytes or 0) - self._header.end, 0)

    async def block_at(self, settings: LoadSettings, offset: int, size_bytes: int, number: int) -> TextBlock | None:
        """About so many bytes of records from somewhere behind `offset` (0 is the first record) of a plain file.

        Where a record starts is guessed (see `formats.csv.boundary`), and its line is not known.
        """
        stream = await self._open(replace(settings, block_bytes=size_bytes))
        at = self._header.end + offset
        try:
            await stream.skip_to(at)
            cutter, cut, data = None, None, b""
            while cut is None and (chunk := await stream.read()):
                data += chunk
                if len(data) > GUESS_LIMIT_BYTES:
                    return None  # nothing fits, or what seemed to start a record never ends
                if cutter is None:
                    start_at = 0 if offset == 0 else find_record(data, len(self._header.columns), self._dialect)
                    if start_at is None:
                        continue
                    cutter = Cutter(settings.dialect, block_bytes=1, offset=at + start_at, line=1, name=self.name)
                    chunk = data[start_at:]
                cut = cutter.feed(chunk)
            if cut is None and cutter is not None:
                cut = cutter.finish()
            return None if cut is None else TextBlock(self._index, number, cut.data, cut.offset, cut.line, 0, cut.last)
        finally:
            await stream.close()

    def encode(self, block: TextBlock) -> Steps[EncodedBlock]:
        """Decode and encode one block."""
        assert self._encoder is not None
        columns = yield partial(self._decoder.decode, block)
        return (yield from self._encoder.encode(block, columns))

    def keys(self, block: TextBlock) -> KeyColumns:
        """Decode the key columns alone."""
        assert self._encoder is not None
        return self._encoder.keys(self._key_decoder.decode(block))

    def record_starts(self, block: TextBlock) -> Sequence[tuple[int, int]]:
        """Byte and line of every record."""
        return [(block.offset + record.start, record.line) for record in self._decoder.records(block)]

    def rejects(self, block: TextBlock, bad: Sequence[BadRow]) -> list[Reject]:
        """Lines and cells, which only now are looked up."""
        records = self._decoder.records(block)
        return [self._reject(block.data, records[row.record], row) for row in bad]

    def _reject(self, data: bytes, record: Record, bad: BadRow) -> Reject:
        text = data[record.start : record.end]
        cells = None if bad.ragged else self._decoder.cells(text)
        return Reject(
            source=self.name,
            line=record.line,
            reason=str(bad),
            cells=dict(zip(self._header.columns, cells, strict=True)) if cells else {},
            raw="" if cells else text.decode(errors="backslashreplace"),
        )

    async def _open(self, settings: LoadSettings) -> SourceStream:
        dialect = settings.dialect
        return await open_source(
            self._file,
            encoding=dialect.encoding if dialect.transcodes else None,
            chunk_bytes=min(settings.block_bytes, 1024 * 1024),
        )


async def inspect_text(index: int, file: SourceFile, dialect: Dialect) -> TextInput:
    """Read the header of a CSV source; raises `SourceError` where it has none worth its name."""
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
    kept = stream if keep else None
    return TextInput(index, file, header, dialect, head[: header.end], kept, is_plain=stream.is_plain)


def _check_text(name: str, head: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{name}: looks like UTF-16; say --encoding utf-16")
    if head.startswith(b"PAR1") or head.startswith(b"PK\x03\x04"):
        raise SourceError(f"{name}: is not a CSV file; convert it to CSV first")


def _first_records(dialect: Dialect, data: bytes, limit: int) -> tuple[bytes, int]:
    """The first `limit` records of a block, and how many it has of them."""
    taken = 0
    for record in grammar(dialect).records(data, 1):
        if taken == limit:
            return data[: record.start], taken
        taken += 1
    return data, taken
