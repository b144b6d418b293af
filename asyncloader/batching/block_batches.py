"""The first batches of blocks that are submitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES, Batch, ItemRange, merge
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.values.dynamodb import BATCH_ITEMS


def block_batches(block: InFlightBlock, blocked: npt.NDArray[np.bool_] | None = None) -> Iterator[Batch]:
    """The batches of a block that is submitted, without the items that are blocked."""
    items = len(block.encoded)
    if blocked is None:
        if _always_fits(block):
            for first in range(0, items, BATCH_ITEMS):
                yield Batch([ItemRange(block, first, min(first + BATCH_ITEMS, items))])
            return
        free = np.arange(items)
    else:
        free = np.flatnonzero(~blocked)
    yield from merge(ranges_of(block, free))


def interleaved_batches(fresh: Sequence[tuple[InFlightBlock, npt.NDArray[np.bool_] | None]]) -> Iterator[Batch]:
    """The batches of blocks that are submitted together: each batch has its share of every block."""
    fresh = [(block, blocked) for block, blocked in fresh if len(block.encoded)]
    if len(fresh) < 2:
        for block, blocked in fresh:
            yield from block_batches(block, blocked)
        return
    free = [(block, None if blocked is None else np.flatnonzero(~blocked)) for block, blocked in fresh]
    sizes = [len(block.encoded) if items is None else len(items) for block, items in free]
    shares = _shares(sizes)
    if all(items is None and _always_fits(block) for block, items in free):
        for share in shares:
            yield Batch([ItemRange(free[index][0], first, stop) for index, first, stop in share])
        return
    yield from merge(
        item_range
        for share in shares
        for index, first, stop in share
        for item_range in _ranges(*free[index], first, stop)
    )


def _shares(sizes: Sequence[int]) -> Iterator[list[tuple[int, int, int]]]:
    """What each batch takes of blocks of these sizes, as (block, first, stop): 25 items, of each block in proportion.

    The items of every block lie evenly between 0 and 1, and are taken in that order.
    """
    if not sum(sizes):
        return
    blocks = np.repeat(np.arange(len(sizes)), sizes)
    evenly = np.concatenate([(np.arange(size) + 0.5) / max(size, 1) for size in sizes])
    batches = np.arange(len(blocks)) // BATCH_ITEMS
    taken = np.zeros((-(-len(blocks) // BATCH_ITEMS), len(sizes)), dtype=np.int64)
    np.add.at(taken, (batches, blocks[np.argsort(evenly, kind="stable")]), 1)
    stops = np.cumsum(taken, axis=0)
    for stop, count in zip(stops.tolist(), taken.tolist(), strict=True):
        yield [(block, end - items, end) for block, (end, items) in enumerate(zip(stop, count, strict=True)) if items]


def _ranges(block: InFlightBlock, items: npt.NDArray[np.int64] | None, first: int, stop: int) -> Iterator[ItemRange]:
    """Items `first` to `stop` of the free items, or among all."""
    return iter((ItemRange(block, first, stop),)) if items is None else ranges_of(block, items[first:stop])


def _always_fits(block: InFlightBlock) -> bool:
    """Whether any 25 items of the block go into one request."""
    offsets = block.encoded.offsets[: len(block.encoded) + 1]
    return len(offsets) < 2 or int(np.diff(offsets).max()) * BATCH_ITEMS <= PAYLOAD_LIMIT_BYTES


def ranges_of(block: InFlightBlock, items: npt.NDArray[np.int64]) -> Iterator[ItemRange]:
    """Ascending items as ranges of consecutive ones."""
    if not len(items):
        return
    breaks = np.flatnonzero(np.diff(items) != 1) + 1
    for group in np.split(items, breaks):
        yield ItemRange(block, int(group[0]), int(group[-1]) + 1)
