"""The first batches of blocks that take flight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES, Batch, ItemRange, merge
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.values.settings import BATCH_ITEMS


def block_batches(flight: InFlightBlock, waits: npt.NDArray[np.bool_] | None = None) -> Iterator[Batch]:
    """The batches of a block that takes flight, without the items that wait."""
    items = len(flight.encoded)
    if waits is None:
        if _always_fits(flight):
            for first in range(0, items, BATCH_ITEMS):
                yield Batch([ItemRange(flight, first, min(first + BATCH_ITEMS, items))])
            return
        free = np.arange(items)
    else:
        free = np.flatnonzero(~waits)
    yield from merge(ranges_of(flight, free))


def interleaved_batches(fresh: Sequence[tuple[InFlightBlock, npt.NDArray[np.bool_] | None]]) -> Iterator[Batch]:
    """The batches of blocks that take flight together: each batch, and so each moment, has its share of every block."""
    fresh = [each for each in fresh if len(each[0].encoded)]
    if len(fresh) < 2:
        for each in fresh:
            yield from block_batches(*each)
        return
    free = [(flight, None if waits is None else np.flatnonzero(~waits)) for flight, waits in fresh]
    sizes = [len(flight.encoded) if items is None else len(items) for flight, items in free]
    shares = _shares(sizes)
    if all(items is None and _always_fits(flight) for flight, items in free):
        for share in shares:
            yield Batch([ItemRange(free[block][0], first, stop) for block, first, stop in share])
        return
    yield from merge(
        run for share in shares for block, first, stop in share for run in _runs(*free[block], first, stop)
    )


def _shares(sizes: Sequence[int]) -> Iterator[list[tuple[int, int, int]]]:
    """What each batch takes of blocks of these sizes, as (block, first, stop): 25 items, of each in proportion.

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


def _runs(flight: InFlightBlock, items: npt.NDArray[np.int64] | None, first: int, stop: int) -> Iterator[ItemRange]:
    """Places `first` to `stop` among the free items, or among all."""
    return iter((ItemRange(flight, first, stop),)) if items is None else ranges_of(flight, items[first:stop])


def _always_fits(flight: InFlightBlock) -> bool:
    """Whether any 25 items of the block go into one request."""
    offsets = flight.encoded.offsets[: len(flight.encoded) + 1]
    return len(offsets) < 2 or int(np.diff(offsets).max()) * BATCH_ITEMS <= PAYLOAD_LIMIT_BYTES


def ranges_of(flight: InFlightBlock, items: npt.NDArray[np.int64]) -> Iterator[ItemRange]:
    """Ascending items as runs of consecutive ones."""
    if not len(items):
        return
    breaks = np.flatnonzero(np.diff(items) != 1) + 1
    for group in np.split(items, breaks):
        yield ItemRange(flight, int(group[0]), int(group[-1]) + 1)
