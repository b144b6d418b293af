"""The order in which the items of a block are sent, where the order of the file is uneven over the partition keys.

DynamoDB takes about 1,000 WCU/s for one partition key (docs/dynamodb.md#partitions). A file that is sorted by it
would send request after request to one partition while all others are idle; so the items are interleaved over the
requests of the block: no request holds more of one partition key than it must.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from asyncloader.encode.key_hash import Hashes
from asyncloader.values.dynamodb import BATCH_ITEMS

Order = npt.NDArray[np.int64]

GAIN = 0.9
"""Items are interleaved where neighbours have fewer partition keys than this share of what items far apart have."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_LOOKS = ((BATCH_ITEMS, 24), (16 * BATCH_ITEMS, 2))
"""How many items are looked at together, a request and what many writers have in flight, and at how many places."""


def sending_order(rows: int, superseded: Order, partitions: Hashes | None) -> Order | None:
    """The rows as items: those to send, interleaved over the partition keys where they are clustered, then those that are
    superseded; None where that is the order that they have."""
    sent = np.delete(np.arange(rows), superseded) if len(superseded) else None
    if (
        partitions is not None
        and (interleaved := interleave(partitions if sent is None else partitions[sent])) is not None
    ):
        sent = interleaved if sent is None else sent[interleaved]
    return sent if sent is None else np.concatenate([sent, superseded])


def interleave(partitions: Hashes) -> Order | None:
    """The order to send items of these partition keys in, by their hashes; None where the order of the file will do.

    A partition key of `c` items is in `min(c, b)` of the block's `b` requests, and in none more than once more often
    than in another. Requests that follow one another come from places far apart, so that each moment is as even.
    """
    return interleaved(partitions) if is_clustered(partitions) else None


def is_clustered(partitions: Hashes) -> bool:
    """Whether neighbouring items share partition keys more than items far apart do; looks at a few of them."""
    items = len(partitions)
    for window, places in _LOOKS:
        if items < 2 * window:
            return False
        starts = np.linspace(0, items - window, places).astype(np.int64)[:, None]
        together = starts + np.arange(window)
        apart = (starts + (np.arange(window) * _GOLDEN % 1 * items).astype(np.int64)) % items
        if _distinct(partitions[together]) < GAIN * _distinct(partitions[apart]):
            return True
    return False


def interleaved(partitions: Hashes) -> Order:
    """The items grouped by partition key, interleaved one by one over requests of 25, the last of which has the rest."""
    items = len(partitions)
    grouped = np.argsort(partitions, kind="stable")
    full = max(-(-items // BATCH_ITEMS) - 1, 0)
    rest = items - full * BATCH_ITEMS
    if full == 0:
        return grouped
    # As long as the last request has room, a round has one request more.
    first = grouped[: rest * (full + 1)].reshape(rest, full + 1)
    second = grouped[rest * (full + 1) :].reshape(BATCH_ITEMS - rest, full)
    requests = np.concatenate([first[:, :full], second]).T
    stride = next(step for step in range(max(round(full * _GOLDEN), 1), 2 * full + 1) if math.gcd(step, full) == 1)
    return np.concatenate([requests[np.arange(full) * stride % full].ravel(), first[:, full]])


def _distinct(groups: Hashes) -> int:
    """How many different hashes the rows of `groups` hold, added up."""
    ordered = np.sort(groups, axis=1)
    return int(np.count_nonzero(ordered[:, 1:] != ordered[:, :-1])) + len(groups)
