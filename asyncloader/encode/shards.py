"""Write sharding: a suffix on the partition key, chosen by a hash of the sort key, which divides one key into N.

The hash is CRC-32 as zlib, PNG and Ethernet have it, and so has every language; whoever knows an item's sort key can
compute where the item is: `crc32(sort key) % N`. What is hashed of the sort key are, by its type: S its UTF-8 bytes;
N its digits in plain writing, without an exponent and without zeros that say nothing (`7`, `-0.5`, `1200`); B its bytes.
"""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode.key_columns import text_buffers
from asyncloader.encode.keys import canonical_text
from asyncloader.values.schema import KeyType

_POLYNOMIAL = 0xEDB88320
_COLUMN_BYTES = 64
"""Values up to this length are hashed together, byte by byte; longer ones one by one with zlib, which then is faster."""


def _table() -> npt.NDArray[np.uint32]:
    table: npt.NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), table >> np.uint32(1))
    return table


_TABLE = _table()


def shard_of(kind: KeyType, text: str, shards: int) -> int:
    """The shard of the item with this sort key, as it is in a file; any shard will do for what is no key."""
    return zlib.crc32(_hashed(kind, text)) % shards


def sharded_column(partitions: pa.StringArray, kind: KeyType, sort_keys: pa.StringArray, shards: int) -> pa.StringArray:
    """A column of partition keys with their suffixes; what is null stays null."""
    sort_keys = pc.fill_null(sort_keys, "")
    if kind == "S":
        picks = crc32_column(sort_keys) % np.uint32(shards)
    else:
        picks = np.array([shard_of(kind, text, shards) for text in sort_keys.to_pylist()], dtype=np.uint32)
    suffixes = pa.array([f"#{shard}" for shard in range(shards)], pa.string()).take(pa.array(picks))
    return pc.binary_join_element_wise(partitions, suffixes, "")


def crc32_column(column: pa.StringArray) -> npt.NDArray[np.uint32]:
    """CRC-32 of every value's bytes."""
    offsets, data = text_buffers(column)
    starts, lengths = offsets[:-1].astype(np.intp), np.diff(offsets)
    state = np.full(len(lengths), 0xFFFFFFFF, dtype=np.uint32)
    least, most = (int(lengths.min()), int(lengths.max())) if len(lengths) else (0, 0)
    for step in range(min(most, _COLUMN_BYTES)):
        if step < least:
            state = _TABLE[(state ^ data[starts + step]) & np.uint32(0xFF)] ^ (state >> np.uint32(8))
            continue
        rows = np.flatnonzero(lengths > step)
        part = state[rows]
        state[rows] = _TABLE[(part ^ data[starts[rows] + step]) & np.uint32(0xFF)] ^ (part >> np.uint32(8))
    state ^= np.uint32(0xFFFFFFFF)
    for row in np.flatnonzero(lengths > _COLUMN_BYTES).tolist():
        state[row] = zlib.crc32(data[starts[row] : starts[row] + lengths[row]].data)
    return state


def _hashed(kind: KeyType, text: str) -> bytes:
    """What is hashed of a sort key."""
    try:
        return base64.b64decode(text) if kind == "B" else canonical_text(kind, text).encode()
    except (ValueError, binascii.Error):
        return b""
