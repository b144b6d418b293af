"""What one encoded block holds: sizes, keys, columns, and what its items cost in each index. Pure.

It runs in a thread, several blocks at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncloader.encode.block import EncodedBlock, wcu_of
from asyncloader.encode.key_hash import Hashes
from asyncloader.formats.columns import BadRow
from asyncloader.planning.columns import ColumnFacts, facts
from asyncloader.planning.partitions import weighed
from asyncloader.values.schema import Index, KeyAttribute, Table


@dataclass(frozen=True, slots=True)
class BlockProfile:
    """What one block holds: `sizes` and the units are those of the `items` to send, `hashes` those of all valid rows.

    `entries` are the number and the units of the entries in each index of the table, `partitions` the units by
    partition key in the table, which takes those of local indexes as well, and in each global index.
    """

    rows: int
    items: int
    superseded: int
    bad: Sequence[BadRow]
    hashes: Hashes
    sizes: npt.NDArray[np.int64]
    table_wcu: int
    entries: tuple[tuple[int, int], ...]
    partitions: tuple[dict[str, int], ...]
    columns: dict[str, ColumnFacts]
    records: npt.NDArray[np.int64] | None

    @property
    def wcu(self) -> int:
        """All units, those of indexes included."""
        return self.table_wcu + sum(wcu for _, wcu in self.entries)

    def record(self, row: int) -> int:
        """The index of the record that is `row` of the columns."""
        return row if self.records is None else int(self.records[row])


def examine(encoded: EncodedBlock, table: Table) -> BlockProfile:
    """Count what a block holds."""
    breakdown, items = encoded.breakdown, len(encoded)
    assert breakdown is not None
    wcu = wcu_of(encoded.sizes[:items])
    table_wcu = int(wcu.sum())
    by_index = [entries(encoded, table, index) for index in table.indexes]
    weights = wcu.copy()
    for index, added in zip(table.indexes, by_index, strict=True):
        if not index.is_global:
            weights[slice(None) if added.items is None else added.items] += added.wcu
    partitions = [_weighed(encoded, table.partition_key, Entries(None, weights))]
    partitions += [
        _weighed(encoded, index.partition_key, added)
        for index, added in zip(table.indexes, by_index, strict=True)
        if index.is_global
    ]
    return BlockProfile(
        rows=encoded.rows_read,
        items=items,
        superseded=encoded.superseded,
        bad=encoded.bad,
        hashes=encoded.hashes,
        sizes=encoded.sizes[:items],
        table_wcu=table_wcu,
        entries=tuple((len(added.wcu), int(added.wcu.sum())) for added in by_index),
        partitions=tuple(partitions),
        columns={
            name: facts(column) for name, column in zip(breakdown.columns.names, breakdown.columns.arrays, strict=True)
        },
        records=breakdown.columns.records,
    )


def _weighed(encoded: EncodedBlock, key: KeyAttribute, held: Entries) -> dict[str, int]:
    if not len(held.wcu):
        return {}
    assert encoded.breakdown is not None
    column = encoded.breakdown.column(key.name, len(encoded))
    return weighed(key, column if held.items is None else column.take(held.items), held.wcu)


Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one block's items in one index: which items have one (None: all), and the units of each."""

    items: npt.NDArray[np.int64] | None
    wcu: Sizes


def entries(encoded: EncodedBlock, table: Table, index: Index) -> Entries:
    """The entries that the items to send make in an index, each a new one (docs/dynamodb.md#write-capacity)."""
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
