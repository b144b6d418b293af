"""What an item costs in the indexes of its table: which of them it stands in, and how large its entry is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncloader.encode.block import EncodedBlock, wcu_of
from asyncloader.values.schema import Index, Table

Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one block's items in one index: which items have one (None: all), and the units of each."""

    items: npt.NDArray[np.int64] | None
    wcu: Sizes


def entries(encoded: EncodedBlock, table: Table, index: Index) -> Entries:
    """The entries that the items to send make in an index, each a new one (DYNAMODB.md, WCU)."""
    breakdown, items = encoded.breakdown, len(encoded)
    assert breakdown is not None
    names = breakdown.columns.names
    if any(key.name not in names for key in index.key):
        nobody = np.zeros(0, dtype=np.int64)
        return Entries(nobody, nobody)
    present = np.ones(items, dtype=bool)
    for key in index.key:
        if key not in table.key:
            present &= breakdown.size(key.name, items) > 0
    if index.projection == "ALL":
        sizes = encoded.sizes[:items]
    else:
        projected = {key.name for key in (*table.key, *index.key)} | (
            index.included if index.projection == "INCLUDE" else frozenset()
        )
        sizes = np.zeros(items, dtype=np.int64)
        for name in names:
            if name in projected:
                sizes = sizes + breakdown.size(name, items)
    if np.all(present):
        return Entries(None, wcu_of(sizes))
    where = np.flatnonzero(present)
    return Entries(where, wcu_of(sizes[where]))
