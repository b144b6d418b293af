"""Items that were encoded one by one → an encoded block. No Arrow: their JSON is there already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.interleave import sending_order
from asyncloader.encode.item import Encoded
from asyncloader.encode.key_hash import Texts, hash_texts
from asyncloader.encode.keys import ItemKey
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow
from asyncloader.values.schema import KeyAttribute


def from_items(
    block: Block, items: Sequence[Encoded], records: Sequence[int], bad: list[BadRow], key: tuple[KeyAttribute, ...]
) -> EncodedBlock:
    """The block of these items; `records` says which of its records each was, `bad` are the ones that are no item."""
    keys = [item[2] for item in items]
    hashes, partitions = hash_texts([_texts([item_key[part] for item_key in keys]) for part in range(len(key))])
    superseded = _superseded(keys)
    order = sending_order(len(items), superseded, partitions)
    if order is not None:
        items, hashes = [items[place] for place in order.tolist()], hashes[order]
    requests = [item[0] for item in items]
    lengths = [len(request) + 1 for request in requests]
    return EncodedBlock(
        block=block,
        data=memoryview(b",".join([*requests, b""])),
        offsets=np.cumsum([0, *lengths], dtype=np.int32),
        sizes=np.array([item[1] for item in items], dtype=np.int64),
        hashes=hashes,
        sorted_hashes=np.sort(hashes),
        key=key,
        rows_read=len(items) + len(bad),
        records=np.array(records, dtype=np.int64)[slice(None) if order is None else order],
        superseded=len(superseded),
        bad=bad,
    )


def _superseded(keys: Sequence[ItemKey]) -> npt.NDArray[np.int64]:
    """The places of keys that occur again further down, in ascending order."""
    last = {key: place for place, key in enumerate(keys)}
    return np.array(sorted(set(range(len(keys))) - set(last.values())), dtype=np.int64)


def _texts(texts: Sequence[str]) -> Texts:
    raw = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int32)
    return offsets, np.frombuffer(b"".join(raw), dtype=np.uint8)
