"""An encoded block: all items of a block of the source in one buffer, each already wrapped as a put request."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import orjson

from asyncloader.encode.anatomy import Anatomy
from asyncloader.encode.keys import ItemKey, key_of
from asyncloader.encode.mixing import Hashes
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow
from asyncloader.values.schema import WCU_BYTES, KeyAttribute


@dataclass(slots=True)
class EncodedBlock:
    """The items of one block: first those to send, in the order to send them, then those that a later row replaces.

    `data[offsets[i]:offsets[i + 1]]` is item i as `{"PutRequest":{"Item":{…}}},` with the comma. `sizes` are bytes
    as DynamoDB counts them, `hashes` the 64-bit hashes of the keys and `sorted_hashes` the same in order, `records`
    the index of each item's record in the block (None: item i is record i). The last `superseded` items are kept in
    case the service refuses the one that replaces them. `bad` are the rows that cannot be sent at all. `anatomy` is
    there only if the encoder was told to keep it.
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
    anatomy: Anatomy | None = None
    _wcu_before: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """The number of items to send."""
        return len(self.sizes) - self.superseded

    def payload(self, first: int, stop: int) -> memoryview:
        """Items `first` to `stop` as JSON, joined by commas: a view, nothing is copied."""
        offsets = self.offsets
        return self.data[offsets.item(first) : offsets.item(stop) - 1]

    def wcu(self, first: int, stop: int) -> int:
        """What items `first` to `stop` cost: one unit for each KB begun, item by item (DYNAMODB.md, WCU)."""
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
        spares = np.flatnonzero(self.hashes[len(self) :] == self.hashes[item]) + len(self)
        key, record = self.item_key(item), self.record(item)
        earlier = [spare for spare in spares.tolist() if self.record(spare) < record and self.item_key(spare) == key]
        return max(earlier, key=self.record, default=None)


def wcu_of(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Write capacity units of items of these sizes in bytes: one for each KB begun."""
    return -(-sizes // WCU_BYTES)
