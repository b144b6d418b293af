"""The first batches of blocks that take flight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from asyncloader.schedule.batch import PAYLOAD_LIMIT_BYTES, Batch, Run, merge
from asyncloader.schedule.flight import Flight
from asyncloader.values.settings import BATCH_ITEMS


def fresh_batches(flight: Flight, waits: npt.NDArray[np.bool_] | None = None) -> Iterator[Batch]:
    """The batches of a block that takes flight, without the items that wait."""
    items = len(flight.encoded)
    if waits is None:
        offsets = flight.encoded.offsets
        if items and int(np.diff(offsets[: items + 1]).max()) * BATCH_ITEMS <= PAYLOAD_LIMIT_BYTES:
            for first in range(0, items, BATCH_ITEMS):
                yield Batch([Run(flight, first, min(first + BATCH_ITEMS, items))])
            return
        free = np.arange(items)
    else:
        free = np.flatnonzero(~waits)
    yield from merge(runs_of(flight, free))


def mixed_batches(fresh: Sequence[tuple[Flight, npt.NDArray[np.bool_] | None]]) -> Iterator[Batch]:
    """The batches of blocks that take flight together: each batch, and so each moment, has its share of every block."""
    if len(fresh) == 1:
        yield from fresh_batches(*fresh[0])
        return
    free = [
        (flight, np.arange(len(flight.encoded)) if waits is None else np.flatnonzero(~waits)) for flight, waits in fresh
    ]
    total = sum(len(items) for _, items in free)
    yield from merge(
        run
        for sent in range(0, total, BATCH_ITEMS)
        for flight, items in free
        for run in runs_of(
            flight, items[sent * len(items) // total : min(sent + BATCH_ITEMS, total) * len(items) // total]
        )
    )


def runs_of(flight: Flight, items: npt.NDArray[np.int64]) -> Iterator[Run]:
    """Ascending items as runs of consecutive ones."""
    if not len(items):
        return
    breaks = np.flatnonzero(np.diff(items) != 1) + 1
    for group in np.split(items, breaks):
        yield Run(flight, int(group[0]), int(group[-1]) + 1)
