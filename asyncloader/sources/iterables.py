"""Iterators of items as a source: dicts, one for each row, from anything that Python can iterate over, async or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from asyncloader.values.errors import SourceError

Item = Mapping[str, Any]
SLICE_S = 0.005
"""How long an iterator that never waits may keep the event loop to itself."""


@dataclass(frozen=True, slots=True)
class ItemSource:
    """An iterable of items with the name that messages use."""

    name: str
    items: Iterable[Item] | AsyncIterable[Item]
    size_bytes: None = None

    def open(self) -> ItemStream:
        """Start to read."""
        return ItemStream(self.name, self.items)


class ItemStream:
    """The items one by one, drawn in the event loop's thread, as a `for` there would draw them.

    An iterator that does not wait itself lets the loop run other tasks every few milliseconds.
    """

    def __init__(self, name: str, items: Iterable[Item] | AsyncIterable[Item]) -> None:
        self.name = name
        self._rows = 0
        self._loop = asyncio.get_running_loop()
        self._slice_ends = self._loop.time() + SLICE_S
        self._items: Iterator[Item] | AsyncIterator[Item]
        try:
            self._items = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        except Exception as error:
            raise SourceError(f"{self.name}: cannot be iterated over: {error}") from error

    def __aiter__(self) -> ItemStream:
        return self

    async def __anext__(self) -> Item:
        """The next item; raises `SourceError` with what the iterator itself raises."""
        if self._loop.time() >= self._slice_ends:
            await asyncio.sleep(0)
            self._slice_ends = self._loop.time() + SLICE_S
        try:
            item = await anext(self._items) if isinstance(self._items, AsyncIterator) else next(self._items)
        except (StopIteration, StopAsyncIteration):
            raise StopAsyncIteration from None
        except Exception as error:
            raise SourceError(
                f"{self.name}: raised {type(error).__name__} behind item {self._rows:,}: {error}"
            ) from error
        self._rows += 1
        return item

    async def close(self) -> None:
        """Let a generator end, so that it releases what it holds. Anything else is for its owner to close."""
        if isinstance(self._items, AsyncGeneratorType):
            await self._items.aclose()
        elif isinstance(self._items, GeneratorType):
            self._items.close()
