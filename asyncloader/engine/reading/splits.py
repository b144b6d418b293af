"""Where the splits of a load start: evenly spaced over its sources, each at a record's start, and no key in two of them.

Between splits no order is kept, so the last row of a key could only be told if all rows of a key were in one split. That is
looked at before anything is written: the sources are read through once, cut as a load in one split cuts them, which
gives exact record ends and line numbers, and the hash of every key is compared. Where two splits share one, the rows are
looked up, and if they do have the same key the load is refused.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asyncloader.cancellation import in_thread
from asyncloader.encode.key_hash import Hashes
from asyncloader.engine.reading.input import Input, Splittable
from asyncloader.engine.reading.reader import LEAST_BLOCK_BYTES, read_split
from asyncloader.formats.block import Block
from asyncloader.records.checkpoint import UNSPLIT, Position, Split
from asyncloader.records.duplicate_keys import DuplicateKeys
from asyncloader.values.errors import UsageError
from asyncloader.values.settings import LoadSettings

if TYPE_CHECKING:
    from asyncloader.encode.key_columns import KeyColumns

MIN_BLOCKS = 16
"""The text of a split is looked through in at least this many blocks; it starts where one of them does."""
MAX_CANDIDATES = 1000
"""At most this many hashes that splits share are looked up; that many by chance have never been."""


def splittable(inputs: Sequence[Input]) -> list[Splittable]:
    """The inputs, all of which can be read in several places; raises `UsageError` for the first that cannot."""
    splittable_inputs: list[Splittable] = []
    for source in inputs:
        why = source.unsplittable_reason if isinstance(source, Splittable) else "it is not a file"
        if why is not None or not isinstance(source, Splittable):
            raise UsageError(
                f"{source.name}: cannot be read in several places at once: {why}; load it without --spread"
            )
        splittable_inputs.append(source)
    return splittable_inputs


class SplitFinder:
    """Looks through the sources of a load once, before its first write."""

    def __init__(self, inputs: Sequence[Input], settings: LoadSettings, folder: Path) -> None:
        self._inputs = splittable(inputs)
        self._sizes = [source.size_bytes or 0 for source in inputs]
        total = sum(self._sizes)
        block_bytes = max(min(settings.block_bytes, total // (settings.spread.splits * MIN_BLOCKS)), LEAST_BLOCK_BYTES)
        self._settings = replace(settings, block_bytes=block_bytes)
        self._due_offsets = [total * split // settings.spread.splits for split in range(1, settings.spread.splits)]
        self._folder = folder

    async def find(self) -> tuple[Split, ...]:
        """The splits, fewer than asked for where the sources are short.

        Raises `UsageError` where a key stands in two of them, or where there is no room for the comparison.
        """
        duplicates = DuplicateKeys(self._folder)
        try:
            places = [Position()]
            async with self._all_blocks() as blocks:
                async for block in blocks:
                    if self._has_come_to(len(places), block):
                        places.append(Position(block.source, block.offset, block.line))
                    keys = await in_thread(self._inputs[block.source].keys, block)
                    await in_thread(duplicates.add, len(places) - 1, keys.hashes)
            splits = _between(places)
            candidates = await in_thread(duplicates.repeated, MAX_CANDIDATES)
        except OSError as error:
            raise UsageError(
                f"{self._folder}: --spread needs room for 8 bytes of every row there ({error.strerror}); "
                "make some, or load without --spread"
            ) from error
        finally:
            duplicates.close()
        if len(candidates):
            await self._refuse_shared(candidates, splits)
        return splits

    def _all_blocks(self) -> contextlib.aclosing[AsyncGenerator[Block, None]]:
        """All of the sources in order, in short blocks."""
        return contextlib.aclosing(read_split(self._inputs, self._settings, UNSPLIT[0]))

    def _has_come_to(self, split: int, block: Block) -> bool:
        """Whether `block` is where that split is to start, or is the first behind it."""
        at = sum(self._sizes[: block.source]) + block.offset
        due = sum(due <= at for due in self._due_offsets)
        return block.number > 0 and due >= split

    async def _refuse_shared(self, candidates: Hashes, splits: Sequence[Split]) -> None:
        """Look the rows up; raises `UsageError` if two of them have the same key and are in different splits."""
        seen: dict[tuple[str, ...], tuple[int, str]] = {}
        split = 0
        async with self._all_blocks() as blocks:
            async for block in blocks:
                while split + 1 < len(splits) and _stands_in(splits[split + 1], block):
                    split += 1
                owner = self._inputs[block.source]
                keys = await in_thread(owner.keys, block)
                shared = await in_thread(_among, keys, candidates)
                if not shared:
                    continue
                starts = await in_thread(owner.record_starts, block)
                for place, key in shared:
                    here = f"{owner.name}:{starts[int(keys.records[place])][1]}"
                    before = seen.setdefault(key, (split, here))
                    if before[0] != split:
                        raise UsageError(
                            f"the key {' / '.join(key)} stands in two of the {len(splits)} places that --spread reads at once, "
                            f"{before[1]} and {here}; between them no order is kept, and the last row has to win: "
                            "load without --spread"
                        )
        if len(candidates) >= MAX_CANDIDATES:
            raise UsageError("too many keys have equal hashes to tell them apart; load without --spread")


def _between(places: Sequence[Position]) -> tuple[Split, ...]:
    """The splits that start at these places, source up to the next."""
    splits = [Split(begin, end_source=end.source, end_offset=end.offset) for begin, end in itertools.pairwise(places)]
    return (*splits, Split(places[-1]))


def _stands_in(split: Split, block: Block) -> bool:
    return (block.source, block.offset) >= (split.position.source, split.position.offset)


def _among(keys: KeyColumns, candidates: Hashes) -> list[tuple[int, tuple[str, ...]]]:
    """Which of the keys have a hash that is among the candidates."""
    places = np.flatnonzero(np.isin(keys.hashes, candidates)).tolist()
    if not places:
        return []
    return list(zip(places, keys.texts(places), strict=True))
