"""How the writes spread over the partition keys of a table or a global index. Pure; memory is bounded by sketches.

A partition key takes 1,000 WCU/s, whatever the table can take (docs/dynamodb.md#partitions). Two things follow: all
writes of the heaviest key take at least (units / 1,000) seconds; and a load that reads the source in its order is, in
every stretch that it can look ahead over, as slow as the heaviest key of that stretch.
"""

from __future__ import annotations

import datasketches
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from asyncloader.encode.key_columns import canonical_column
from asyncloader.values.plan import HeavyKey, Partitions
from asyncloader.values.schema import KeyAttribute

Units = npt.NDArray[np.int64]

LG_COUNTERS = 13
"""8,192 counters for heavy keys: a key is off by at most 3.5 / 8,192 = 0.04% of all units, and exact up to 6,144 keys."""
LG_DISTINCT = 14
"""HyperLogLog with 2^14 registers: 0.8% off for many keys; the few that a hot table has are counted exactly."""
SHOWN_KEYS = 5
HEAVY_SHARE = 0.001
"""A key below this share of all units is no news."""


def weighed(kind: KeyAttribute, column: pa.StringArray, wcu: Units) -> dict[str, int]:
    """The units of every partition key in one block; `column` holds valid values, one for each item."""
    encoded = column.dictionary_encode()
    units = np.bincount(encoded.indices.to_numpy(), weights=wcu, minlength=len(encoded.dictionary)).astype(np.int64)
    keys: dict[str, int] = {}
    for key, weight in zip(canonical_column(kind.type, encoded.dictionary).to_pylist(), units.tolist(), strict=True):
        keys[key] = keys.get(key, 0) + weight
    return keys


class PartitionTally:
    """The partition keys of a table or an index over all blocks; a stretch is as many blocks as a load looks over."""

    def __init__(self, owner: str, kind: KeyAttribute, stretch_blocks: int) -> None:
        self._owner = owner
        self._kind = kind
        self._stretch_blocks = stretch_blocks
        self._heavy = datasketches.frequent_strings_sketch(LG_COUNTERS)
        self._distinct = datasketches.hll_sketch(LG_DISTINCT, datasketches.tgt_hll_type.HLL_8)
        self._wcu = 0
        self._stretch: dict[str, int] = {}
        self._blocks = 0
        self._in_order_wcu = 0

    def add(self, keys: dict[str, int]) -> None:
        """The keys of the next block with their units."""
        heavy, distinct, stretch = self._heavy, self._distinct, self._stretch
        for key, units in keys.items():
            heavy.update(key, units)
            distinct.update(key)
            stretch[key] = stretch.get(key, 0) + units
        self._wcu += sum(keys.values())
        self._blocks += 1
        if self._blocks % self._stretch_blocks == 0:
            self._end_stretch()

    def plan(self, scale: float) -> Partitions:
        """The result; `scale` is by how much a sample must be multiplied. Shares and distinct keys are the sample's own."""
        self._end_stretch()
        wcu = self._wcu
        frequent = self._heavy.get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES)
        # The estimate is the upper bound; the truth lies between the two.
        heavy = [(key, lower, upper) for key, _, lower, upper in frequent if upper >= HEAVY_SHARE * wcu]
        heavy.sort(key=lambda bounds: (-bounds[2], bounds[0]))
        return Partitions(
            owner=self._owner,
            key=self._kind.name,
            distinct=round(self._distinct.get_estimate()),
            wcu=round(wcu * scale),
            heaviest=tuple(
                HeavyKey(key, round(lower * scale), round(upper * scale), upper / wcu)
                for key, lower, upper in heavy[:SHOWN_KEYS]
            ),
            in_order_wcu=round(self._in_order_wcu * scale),
        )

    def _end_stretch(self) -> None:
        self._in_order_wcu += max(self._stretch.values(), default=0)
        self._stretch = {}
