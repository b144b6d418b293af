"""A frame as an input: batches of typed columns, cut into blocks of rows."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from functools import partial

import pyarrow as pa

from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.steps import Steps
from asyncloader.engine.reading.input import Quota, check_key
from asyncloader.formats.arrow.decoder import BLOCK_ROWS, ArrowDecoder, batches_of
from asyncloader.formats.block import RowBlock
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position
from asyncloader.records.rejects import Reject
from asyncloader.sources.frames import FrameSource, FrameStream
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings

FrameBlock = RowBlock[pa.RecordBatch]


class FrameInput:
    """One frame whose schema has been read. A frame is read once, so a load of it cannot be resumed."""

    size_bytes = None

    def __init__(self, index: int, name: str, stream: FrameStream) -> None:
        self.name = name
        self._index = index
        self._stream = stream
        self._decoder = ArrowDecoder(name, stream.schema)
        self.columns: tuple[str, ...] = self._decoder.columns
        self._encoder: ColumnEncoder | None = None

    def fingerprint(self) -> None:
        """There is none: what a frame holds is not known before it is used up."""

    def bind(self, table: Table, settings: LoadSettings) -> None:
        """Make the encoder: a column has the type that the table demands, the settings name, or its own implies."""
        check_key(self.name, self.columns, table)
        named = {name: kind for name, kind in settings.types.items() if name in self.columns}
        demanded = {name: kind for name, kind in table.typed.items() if name in self.columns}
        try:
            self._decoder.take_types({**named, **demanded}, frozenset(demanded))
        except UsageError as error:
            raise UsageError(f"{self.name}: {error}") from None
        natural = {name: kind for name, kind in self._decoder.natural.items() if name not in demanded}
        shard_key = settings.spread.shard_key
        self._encoder = ColumnEncoder(self.columns, table, {**natural, **named}, settings.empty, shard_key=shard_key)

    async def blocks(
        self, settings: LoadSettings, start: Position | None, end: int | None, numbers: Iterator[int], quota: Quota
    ) -> AsyncGenerator[FrameBlock, None]:
        """The rows in blocks of about `settings.block_bytes`; batches that are smaller are joined."""
        row, read_bytes = 0, 0
        try:
            async with contextlib.aclosing(self._batches(settings.block_bytes)) as batches:
                async for batch in batches:
                    if quota.rows is not None:
                        batch = batch.slice(0, quota.rows)
                        quota.take(batch.num_rows)
                    size = batch.nbytes
                    read_bytes += size
                    yield RowBlock(self._index, next(numbers), batch, row, batch.num_rows, size, read_bytes)
                    row += batch.num_rows
                    if quota.is_used_up:
                        return
        finally:
            await self._stream.close()

    async def _batches(self, block_bytes: int) -> AsyncGenerator[pa.RecordBatch, None]:
        """What is worth a block: large batches cut, small ones joined."""
        small: list[pa.RecordBatch] = []
        rows = size = 0
        while (batch := await self._stream.read()) is not None:
            small.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= BLOCK_ROWS or size >= block_bytes:
                for batch in batches_of(_joined(small), block_bytes):
                    yield batch
                small, rows, size = [], 0, 0
        if rows:
            for batch in batches_of(_joined(small), block_bytes):
                yield batch

    def encode(self, block: FrameBlock) -> Steps[EncodedBlock]:
        """Decode and encode one block."""
        assert self._encoder is not None
        columns = yield partial(self._decoder.decode, block.held)
        return (yield from self._encoder.encode(block, columns))

    def record_starts(self, block: FrameBlock) -> Sequence[tuple[int, int]]:
        """Every row's offset and number."""
        return block.record_starts()

    def rejects(self, block: FrameBlock, bad: Sequence[BadRow]) -> list[Reject]:
        """The rows with their cells as text."""
        return [
            Reject(
                source=self.name,
                line=block.line + row.record,
                reason=str(row),
                cells=self._decoder.cells(block.held, row.record),
            )
            for row in bad
        ]


async def inspect_frame(index: int, source: FrameSource) -> FrameInput:
    """Read the schema of a frame; raises `SourceError` where no item can have it."""
    return FrameInput(index, source.name, await source.open())


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
