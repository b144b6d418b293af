"""Hashes of whole columns of keys, which differ for nearly all keys, and the rows whose key occurs again.

Where two hashes (`encode.key_hash`) are equal the canonical texts decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode.key_hash import Hashes, hash_texts
from asyncloader.encode.keys import CANONICAL_BASE64, canonical_text
from asyncloader.values.schema import KeyType

_CANONICAL = {"N": r"^(0|-?[1-9][0-9]*)$", "B": CANONICAL_BASE64}
"""The usual spellings, which need no second look."""


@dataclass(frozen=True, slots=True)
class KeyColumns:
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
    """One hash per row over its one or two key columns, and one over the partition key alone, if it is not all of it."""
    return hash_texts([text_buffers(column) for column in columns])


def hash_columns(columns: Sequence[pa.StringArray]) -> Hashes:
    """One hash per row over its one or two key columns."""
    return hash_keys(columns)[0]


def text_buffers(column: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """The offsets (one more than rows) and the bytes of a string column, without copying."""
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.zeros(0, dtype=np.uint8)
    return offsets, data


def superseded_rows(
    hashes: Hashes, key_columns: Sequence[pa.StringArray], ordered: Hashes | None = None
) -> npt.NDArray[np.int64]:
    """The rows whose key occurs again further down, in ascending order; `ordered` are the hashes sorted, if they are."""
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
