"""An encoded block: all items of a block of the source in one buffer, each already wrapped as a put request."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import orjson

from asyncloader.blocks.cut import Block
from asyncloader.decode.columns import BadRow
from asyncloader.encode.keys import Hashes, canonical_text
from asyncloader.values.schema import KeyAttribute

ItemKey = tuple[str, ...]
"""The canonical texts of an item's key attributes."""


@dataclass(slots=True)
class EncodedBlock:
    """The items of one block in the order of the file, without those that a later row of the block replaces.

    `data[offsets[i]:offsets[i + 1]]` is item i as `{"PutRequest":{"Item":{…}}},` with the comma. `sizes` are bytes
    as DynamoDB counts them, `hashes` the 64-bit hashes of the keys, `records` the index of each item's record in the
    block (None: item i is record i). `bad` are the rows that will not be sent, `superseded` the number of rows that a
    later one of the same key replaced.
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

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def payload(self, first: int, stop: int) -> memoryview:
        """Items `first` to `stop` as JSON, joined by commas: a view, nothing is copied."""
        return self.data[self.offsets[first] : self.offsets[stop] - 1]

    def record(self, item: int) -> int:
        """The index of the record that became `item`."""
        return item if self.records is None else int(self.records[item])

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        return key_of(orjson.loads(self.payload(item, item + 1))["PutRequest"]["Item"], self.key)


def key_of(item: dict[str, dict[str, str]], key: tuple[KeyAttribute, ...]) -> ItemKey:
    """The canonical key of an item in DynamoDB JSON, as the service may spell it."""
    return tuple(canonical_text(attribute.type, item[attribute.name][attribute.type]) for attribute in key)
