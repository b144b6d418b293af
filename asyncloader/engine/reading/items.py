"""An iterator of items as an input: an item is encoded when it is drawn, so it may be changed or reused afterwards.

A task draws while the block before is on its way. A block ends when it is full, or when an iterator that waits has
given nothing more for a moment: what has been handed to us is not held back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson

from asyncloader.cancellation import end_task
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.from_items import from_items
from asyncloader.encode.item import Encoded, ItemEncoder, item_text, request_text
from asyncloader.encode.steps import Steps
from asyncloader.engine.reading.input import Quota
from asyncloader.formats.block import RowBlock
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position
from asyncloader.records.rejects import Reject
from asyncloader.sources.iterables import ItemSource
from asyncloader.values.errors import ItemRejected, UsageError
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import LoadSettings

BLOCK_ITEMS = 4096
LINGER_S = 0.1
"""How long a block that is not full waits for more items."""


@dataclass(slots=True)
class ItemChunk:
    """What was drawn for one block: requests with the record of each; what is none, as it came and as text."""

    items: list[Encoded] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    texts: dict[int, tuple[str, dict[str, Any] | None]] = field(default_factory=dict)
    size_bytes: int = 0

    def __len__(self) -> int:
        return len(self.items) + len(self.bad)


ItemBlock = RowBlock[ItemChunk]


class ItemInput:
    """One iterable of items. It is drawn once, so a load of it cannot be resumed."""

    size_bytes = None
    columns = None

    def __init__(self, index: int, source: ItemSource) -> None:
        self.name = source.name
        self._index = index
        self._source = source
        self._encoder: ItemEncoder | None = None
        self._key: tuple[KeyAttribute, ...] = ()

    def fingerprint(self) -> None:
        """There is none: what an iterator yields is not known before it is used up."""

    def bind(self, table: Table, settings: LoadSettings) -> None:
        """Make the encoder. Items say the types of their values themselves; raises `UsageError` if keys are to be split."""
        if settings.spread.shard_key is not None:
            raise UsageError(
                f"{self.name}: shard_key splits the keys of files and frames; give items their suffix where they are made"
            )
        self._encoder = ItemEncoder(table)
        self._key = table.key

    async def blocks(
        self, settings: LoadSettings, start: Position | None, end: int | None, numbers: Iterator[int], quota: Quota
    ) -> AsyncGenerator[ItemBlock, None]:
        """The items in blocks of up to 4,096, or of about `settings.block_bytes` of JSON."""
        buffer = ItemBuffer(settings.block_bytes)
        drawing = asyncio.create_task(self._draw(buffer, quota), name="items")
        drawing.add_done_callback(lambda _: buffer.end())
        offset = read_bytes = 0
        try:
            while (drawn := await buffer.take()) is not None:
                read_bytes += drawn.size_bytes
                yield RowBlock(self._index, next(numbers), drawn, offset, len(drawn), drawn.size_bytes, read_bytes)
                offset += len(drawn)
            await drawing
        finally:
            await end_task(drawing)

    async def _draw(self, buffer: ItemBuffer, quota: Quota) -> None:
        """Draw items until there are none, or enough."""
        assert self._encoder is not None
        put = self._encoder.put
        stream = self._source.open()
        try:
            async for item in stream:
                if buffer.is_full:
                    await buffer.until_room()
                try:
                    buffer.add(put(item))
                except ItemRejected as error:
                    buffer.refuse(error.reason, item)
                quota.take(1)
                if quota.is_used_up:
                    return
        finally:
            await stream.close()

    def encode(self, block: ItemBlock) -> Steps[EncodedBlock]:
        """Put the block's items together."""
        drawn = block.held
        encoded: EncodedBlock = yield partial(from_items, block, drawn.items, drawn.records, drawn.bad, self._key)
        return encoded

    def record_starts(self, block: ItemBlock) -> Sequence[tuple[int, int]]:
        """Every item's offset and number."""
        return block.record_starts()

    def rejects(self, block: ItemBlock, bad: Sequence[BadRow]) -> list[Reject]:
        """The items as JSON: DynamoDB's own where they have one, else as they came."""
        drawn = block.held
        places = {record: place for place, record in enumerate(drawn.records)}
        return [
            self._reject(block.line + row.record, row, drawn.texts.get(row.record) or places[row.record], drawn)
            for row in bad
        ]

    def _reject(
        self, line: int, bad: BadRow, shown: tuple[str, dict[str, Any] | None] | int, drawn: ItemChunk
    ) -> Reject:
        if isinstance(shown, int):
            text = request_text(drawn.items[shown])
            shown = text, orjson.loads(text)
        text, item = shown
        return Reject(source=self.name, line=line, reason=str(bad), cells={}, raw=text, item=item)


class ItemBuffer:
    """Where drawn items collect until a block is taken; holds one block at most."""

    def __init__(self, block_bytes: int) -> None:
        self._block_bytes = block_bytes
        self._drawn = ItemChunk()
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False

    @property
    def is_full(self) -> bool:
        return self._full.is_set()

    def add(self, item: Encoded) -> None:
        drawn = self._drawn
        drawn.records.append(len(drawn))
        drawn.items.append(item)
        self._added(len(item[0]))

    def refuse(self, reason: str, item: Mapping[str, Any]) -> None:
        drawn = self._drawn
        record = len(drawn)
        text = item_text(item)
        drawn.texts[record] = text, dict(item) if isinstance(item, Mapping) else None
        drawn.bad.append(BadRow(record, reason))
        self._added(len(text))

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._some.set()
        self._full.set()

    async def until_room(self) -> None:
        """Wait until a block has been taken."""
        self._room.clear()
        await self._room.wait()

    async def take(self) -> ItemChunk | None:
        """The next block; None at the end."""
        await self._some.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                await self._full.wait()
        drawn, self._drawn = self._drawn, ItemChunk()
        if not self._ended:
            self._some.clear()
            self._full.clear()
        self._room.set()
        return drawn if len(drawn) else None

    def _added(self, size: int) -> None:
        drawn = self._drawn
        drawn.size_bytes += size
        self._some.set()
        if len(drawn) >= BLOCK_ITEMS or drawn.size_bytes >= self._block_bytes:
            self._full.set()
