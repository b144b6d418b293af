"""An encoded block: all items of a block of the source in one buffer, each already wrapped as a put request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import orjson

from asyncloader.encode.key_hash import Hashes
from asyncloader.encode.keys import ItemKey, key_of
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow, Columns
from asyncloader.values.dynamodb import WCU_BYTES
from asyncloader.values.schema import KeyAttribute

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(slots=True)
class EncodedBlock:
    """The items of one block: first those to send, in the order to send them, then those that a later row replaces.

    `data[offsets[i]:offsets[i + 1]]` is item i as `{"PutRequest":{"Item":{…}}},` with the comma. `sizes` are bytes
    as DynamoDB counts them, `hashes` the 64-bit hashes of the keys and `sorted_hashes` the same in order, `records`
    the index of each item's record in the block (None: item i is record i). The last `superseded` items are kept in
    case the service refuses the one that replaces them. `bad` are the rows that cannot be sent at all. `breakdown` is
    there only if the encoder keeps breakdowns.
    """

    block: Block
    data: memoryview
    offsets: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int64]
    hashes: Hashes
    key: tuple[KeyAttribute, ...]
    rows_read: int
    records: npt.NDArray[np.int64] | None = None
    superseded: int = 0
    bad: list[BadRow] = field(default_factory=list)
    sorted_hashes: Hashes | None = None
    breakdown: ColumnBreakdown | None = None
    _wcu_before: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """The number of items to send."""
        return len(self.sizes) - self.superseded

    def payload(self, first: int, stop: int) -> memoryview:
        """Items `first` to `stop` as JSON, joined by commas: a view, nothing is copied."""
        offsets = self.offsets
        return self.data[offsets.item(first) : offsets.item(stop) - 1]

    def wcu(self, first: int, stop: int) -> int:
        """What items `first` to `stop` cost: one unit for each KB begun, item by item (docs/dynamodb.md#write-capacity)."""
        if self._wcu_before is None:
            self._wcu_before = np.concatenate([[0], np.cumsum(wcu_of(self.sizes))])
        return self._wcu_before.item(stop) - self._wcu_before.item(first)

    def record(self, item: int) -> int:
        """The index of the record that became `item`."""
        return item if self.records is None else int(self.records[item])

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        return key_of(orjson.loads(self.payload(item, item + 1))["PutRequest"]["Item"], self.key)

    def predecessor(self, item: int) -> int | None:
        """The superseded item that `item` replaced last, if there is one."""
        replaced = np.flatnonzero(self.hashes[len(self) :] == self.hashes[item]) + len(self)
        key, record = self.item_key(item), self.record(item)
        earlier = [
            earlier_item
            for earlier_item in replaced.tolist()
            if self.record(earlier_item) < record and self.item_key(earlier_item) == key
        ]
        return max(earlier, key=self.record, default=None)


def wcu_of(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Write capacity units of items of these sizes in bytes: one for each KB begun."""
    return -(-sizes // WCU_BYTES)


@dataclass(frozen=True, slots=True)
class ColumnBreakdown:
    """The columns behind an encoded block.

    `columns` are those of the source, `cells` what the items were made of: a partition key that is split has its
    suffix there. `rows` says for each item, the superseded ones last, which row of `columns` it was (None: item i is
    row i); `sizes` holds for each attribute the bytes that it adds to every row, its name included, 0 where it is absent.
    """

    columns: Columns
    cells: Mapping[str, pa.StringArray]
    rows: npt.NDArray[np.int64] | None
    sizes: Mapping[str, npt.NDArray[np.int64]]

    def column(self, name: str, items: int) -> pa.StringArray:
        """The cells of a column for the first `items` items, in their order."""
        column = self.cells[name]
        return column.slice(0, items) if self.rows is None else column.take(self.rows[:items])

    def size(self, name: str, items: int) -> npt.NDArray[np.int64]:
        """The bytes that an attribute adds to the first `items` items."""
        sizes = self.sizes[name]
        return sizes[:items] if self.rows is None else sizes[self.rows[:items]]
