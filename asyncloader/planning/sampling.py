"""A part of a source, evenly spread: places of a plain file, or every n-th block of what must be read in its order."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from math import floor

from asyncloader.engine.reading.input import Input, Quota
from asyncloader.engine.reading.text import TextInput
from asyncloader.formats.block import Block
from asyncloader.values.settings import LoadSettings

WANTED_PLACES = 20
"""Fewer blocks say too little about how they differ; so they are made smaller, down to the size below."""
SMALL_BYTES = 65_536
FEWEST_PLACES = 8
"""A sample of fewer small blocks is too uncertain: the source is read whole."""


@dataclass(frozen=True, slots=True)
class SampledBlock:
    """A block of the source, or only the length of one that was passed over.

    `passed_bytes` is how far the source as stored has been read, `has_line` whether the block's line is known.
    """

    size_bytes: int
    block: Block | None
    passed_bytes: int
    has_line: bool = True


def places(text_bytes: int, fraction: float, block_bytes: int) -> list[tuple[int, int]]:
    """Offset and length of the places to read, evenly spaced; none if all of it should be read."""
    wanted = text_bytes * fraction
    size = max(min(block_bytes, floor(wanted / WANTED_PLACES)), SMALL_BYTES)
    count = round(wanted / size)
    if count < FEWEST_PLACES or fraction >= 1.0:
        return []
    step = text_bytes / count
    return [(floor(place * step + (step - size) / 2), size) for place in range(count)]


async def draw(
    source: Input, settings: LoadSettings, fraction: float | None, numbers: Iterator[int], quota: Quota
) -> AsyncGenerator[SampledBlock, None]:
    """One source, or a fraction of it; the sizes of all that is drawn add up to the size of its text."""
    if fraction is not None and isinstance(source, TextInput) and source.is_plain:
        if chosen := places(source.text_bytes, fraction, settings.block_bytes):
            async for drawn in _draw_places(source, settings, chosen, numbers):
                yield drawn
            return
        fraction = None
    async with contextlib.aclosing(source.blocks(settings, None, None, numbers, quota)) as blocks:
        count = 0
        async for block in blocks:
            # Of every n blocks the first; for a fraction that is no 1/n as near to that as possible.
            taken = not count or fraction is None or floor(count * fraction) != floor((count - 1) * fraction)
            count += 1
            yield SampledBlock(block.size_bytes, block if taken else None, block.read_bytes)


async def _draw_places(
    source: TextInput, settings: LoadSettings, chosen: list[tuple[int, int]], numbers: Iterator[int]
) -> AsyncGenerator[SampledBlock, None]:
    left = source.text_bytes
    for offset, size in chosen:
        block = await source.block_at(settings, offset, size, next(numbers))
        if block is not None:
            left -= block.size_bytes
            yield SampledBlock(block.size_bytes, block, block.end, has_line=False)
    yield SampledBlock(max(left, 0), None, source.size_bytes or 0)
