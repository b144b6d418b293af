"""Hashes of whole columns of keys, which tell nearly all keys apart, and the rows whose key stands again.

The hash is 64 bits, computed for a whole column at once: eight bytes of every value per step. Where two are equal the
canonical texts decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode.keys import CANONICAL_BASE64, canonical_text
from asyncloader.values.schema import KeyType

Hashes = npt.NDArray[np.uint64]

_CANONICAL = {"N": r"^(0|-?[1-9][0-9]*)$", "B": CANONICAL_BASE64}
"""The usual spellings, which need no second look."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xBF58476D1CE4E5B9)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], dtype=np.uint64)
"""By how many of a word's eight bytes belong to the value."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The canonical key columns of rows, and which records of their block these rows are."""

    columns: list[pa.StringArray]
    records: npt.NDArray[np.int64]

    @property
    def hashes(self) -> Hashes:
        """One hash for each key."""
        return hash_columns(self.columns)

    def texts(self, places: Sequence[int]) -> list[tuple[str, ...]]:
        """The canonical keys at these places."""
        return list(zip(*(column.take(pa.array(places)).to_pylist() for column in self.columns), strict=True))


def canonical_column(kind: KeyType, column: pa.StringArray) -> pa.StringArray:
    """A column of valid key values with one spelling for each value."""
    if kind == "S":
        return column
    usual = pc.match_substring_regex(column, _CANONICAL[kind])
    if pc.all(usual).as_py() is not False:
        return column
    texts = column.to_pylist()
    for place in np.flatnonzero(~np.asarray(usual)):
        texts[place] = canonical_text(kind, texts[place])
    return pa.array(texts, pa.string())


def hash_keys(columns: Sequence[pa.StringArray]) -> tuple[Hashes, Hashes | None]:
    """One hash per row over its one or two key columns, and one over the partition key alone, if it is not all of it.

    The second is what the first is on its way, and costs a copy.
    """
    state: Hashes = np.full(len(columns[0]), 0x243F6A8885A308D3, dtype=np.uint64)
    _mix_column(state, columns[0])
    partitions = state.copy() if len(columns) > 1 else None
    for column in columns[1:]:
        _mix_column(state, column)
    # The upper bits are used by themselves, so let every bit of the state reach them.
    state ^= state >> np.uint64(32)
    state *= _MIXER
    state ^= state >> np.uint64(29)
    return state, partitions


def hash_columns(columns: Sequence[pa.StringArray]) -> Hashes:
    """One hash per row over its one or two key columns."""
    return hash_keys(columns)[0]


def _mix_column(state: Hashes, column: pa.StringArray) -> None:
    offsets, data = text_buffers(column)
    starts = offsets[:-1].astype(np.intp)
    lengths = np.diff(offsets)
    padded = np.concatenate([data, np.zeros(8, dtype=np.uint8)])
    # A view of every run of eight bytes, aligned or not; numpy copies what is picked from it.
    words: Hashes = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded.data, strides=(1,))
    _mix(state, lengths.astype(np.uint64))
    step = 0
    common = int(lengths.min()) if len(lengths) else 0
    while step + 8 <= common:
        _mix(state, words[starts + step])
        step += 8
    rows = np.flatnonzero(lengths > step)
    if len(rows) and len(rows) == len(lengths):
        # The usual last step: every value has something left, and none has more than eight bytes.
        left = lengths - step
        if int(left.max()) <= 8:
            _mix(state, words[starts + step] & _MASKS[left])
            return
    while len(rows):
        left = np.minimum(lengths[rows] - step, 8)
        part = state[rows]
        _mix(part, words[starts[rows] + step] & _MASKS[left])
        state[rows] = part
        step += 8
        rows = rows[lengths[rows] > step]


def _mix(state: Hashes, word: Hashes) -> None:
    state ^= word
    state *= _MULTIPLIER
    state ^= state >> np.uint64(32)


def text_buffers(column: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """The offsets (one more than rows) and the bytes of a string column, without copying."""
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.zeros(0, dtype=np.uint8)
    return offsets, data


def superseded_rows(
    hashes: Hashes, key_columns: Sequence[pa.StringArray], ordered: Hashes | None = None
) -> npt.NDArray[np.int64]:
    """The rows whose key stands again further down, in ascending order; `ordered` are the hashes sorted, if they are."""
    if ordered is None:
        ordered = np.sort(hashes)
    same = ordered[1:] == ordered[:-1]
    if not np.any(same):
        return np.zeros(0, dtype=np.int64)
    suspects = np.flatnonzero(np.isin(hashes, ordered[1:][same]))
    texts = [column.take(pa.array(suspects)).to_pylist() for column in key_columns]
    last: dict[tuple[str, ...], int] = {}
    gone: list[int] = []
    for row, *key in zip(suspects.tolist(), *texts, strict=True):
        earlier = last.get(tuple(key))
        if earlier is not None:
            gone.append(earlier)
        last[tuple(key)] = row
    return np.array(sorted(gone), dtype=np.int64)
