"""Columns of lists, structs and maps as columns of JSON, level by level, without a loop over their values.

All values of a level are wrapped with their types at once (`{"N":"1"}`), joined list by list, and so on upwards.
Nulls inside are NULL, as boto3 has None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode.cells import CELLS, QUOTED, Cells, Sizes, escaped
from asyncloader.formats.arrow.decoder import as_text, is_list, natural_type, plain_array
from asyncloader.values.dynamodb import COLLECTION_BYTES, MAX_NAME_BYTES, MEMBER_BYTES

_NULL = '{"NULL":true}'


def nested(column: pa.Array) -> Cells:
    """L or M: the text inside the type's wrapper; null where the cell is. Sizes of absent cells are 0."""
    column = plain_array(column)
    if pa.types.is_struct(column.type):
        return _struct(column)
    if pa.types.is_map(column.type):
        return _map(column)
    return _list(column)


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """Values with their types around them, none of them null."""

    texts: pa.StringArray
    sizes: Sizes
    bad: dict[int, str]


def _wrapped(column: pa.Array) -> _Wrapped:
    column = plain_array(column)
    kind = natural_type(column.type)
    if is_list(column.type) or pa.types.is_nested(column.type):
        cells = nested(column)
    elif len(column):
        cells = CELLS[kind](as_text(column), False)
    else:
        cells = Cells(pa.array([], pa.string()), np.zeros(0, dtype=np.int64))
    quote = '"' if kind in QUOTED else ""
    texts = pc.binary_join_element_wise(f'{{"{kind}":{quote}', cells.texts, f"{quote}}}", "")
    sizes = cells.sizes
    if texts.null_count:
        texts = pc.fill_null(texts, _NULL)
        sizes = np.where(_valid(column), sizes, 1)
    return _Wrapped(texts, sizes, cells.bad)


def _list(column: pa.Array) -> Cells:
    members = _wrapped(column.flatten())
    return _joined(column, members.texts, members.sizes + MEMBER_BYTES, members.bad, ("[", "]"))


def _map(column: pa.Array) -> Cells:
    column = _entries(column)
    names, values = column.flatten().flatten()
    names, wrapped = as_text(plain_array(names)), _wrapped(values)
    name_sizes = _name_sizes(names)
    bad = dict(wrapped.bad)
    for place in np.flatnonzero((name_sizes == 0) | (name_sizes > MAX_NAME_BYTES)).tolist():
        bad[place] = f"has a name of {name_sizes[place]} bytes; DynamoDB takes 1 to {MAX_NAME_BYTES}"
    for place in _repeated(names, _owners(column)):
        bad[place] = f"the name {names[place].as_py()!r} occurs twice in one map"
    texts = pc.binary_join_element_wise('"', escaped(names) if len(names) else names, '":', wrapped.texts, "")
    return _joined(column, texts, name_sizes + wrapped.sizes + MEMBER_BYTES, bad, ("{", "}"))


def _struct(column: pa.Array) -> Cells:
    sizes: Sizes = np.full(len(column), COLLECTION_BYTES, dtype=np.int64)
    bad: dict[int, str] = {}
    parts: list[pa.StringArray | str] = []
    for field, values in zip(column.type, column.flatten(), strict=True):
        wrapped = _wrapped(values)
        sizes += wrapped.sizes + len(field.name.encode()) + MEMBER_BYTES
        for row, reason in wrapped.bad.items():
            bad.setdefault(row, f"{field.name}: {reason}")
        parts += [f"{',' if parts else '{'}{orjson.dumps(field.name).decode()}:", wrapped.texts]
    if not parts:
        return _present(column, pa.array(["{}"] * len(column), pa.string()), sizes, bad)
    return _present(column, pc.binary_join_element_wise(*parts, "}", ""), sizes, bad)


def _joined(
    column: pa.Array, texts: pa.StringArray, sizes: Sizes, bad: dict[int, str], around: tuple[str, str]
) -> Cells:
    """The members of every list, joined by commas; `texts`, `sizes` and `bad` are those of all members in one row."""
    offsets = _offsets(column)
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), texts)
    joined = pc.binary_join_element_wise(around[0], pc.binary_join(lists, ","), around[1], "")
    before = np.concatenate([[0], np.cumsum(sizes)])
    totals: Sizes = before[offsets[1:]] - before[offsets[:-1]] + COLLECTION_BYTES
    owners = _owners(column)
    rows = {int(owners[place]): reason for place, reason in sorted(bad.items(), reverse=True)}
    return _present(column, joined, totals, rows)


def _present(column: pa.Array, texts: pa.StringArray, sizes: Sizes, bad: dict[int, str]) -> Cells:
    """The same, but for what is null: a struct that is null has members, which are null."""
    if not column.null_count:
        return Cells(texts, sizes, bad)
    valid = _valid(column)
    texts = pc.if_else(pa.array(valid), texts, pa.scalar(None, pa.string()))
    return Cells(texts, np.where(valid, sizes, 0), {row: reason for row, reason in bad.items() if valid[row]})


def _offsets(column: pa.Array) -> npt.NDArray[np.int64]:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _owners(column: pa.Array) -> npt.NDArray[np.int64]:
    """For each member of all lists, the row of its list."""
    return np.repeat(np.arange(len(column)), np.diff(_offsets(column)))


def _entries(column: pa.MapArray) -> pa.ListArray:
    """The same as lists of structs: Arrow has few functions for maps."""
    entries = pa.StructArray.from_arrays([column.keys, column.items], ["name", "value"])
    offsets = pa.array(column.offsets.to_numpy(zero_copy_only=False).copy())
    return pa.ListArray.from_arrays(offsets, entries, mask=column.is_null())


def _repeated(names: pa.StringArray, owners: npt.NDArray[np.int64]) -> list[int]:
    """The places of names that occurred before in the same map."""
    if not len(names):
        return []
    codes = pc.dictionary_encode(names).indices.to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = owners * (int(codes.max()) + 1) + codes
    _, first = np.unique(pairs, return_index=True)
    return [] if len(first) == len(pairs) else np.delete(np.arange(len(pairs)), first).tolist()


def _name_sizes(names: pa.StringArray) -> Sizes:
    sizes: Sizes = pc.binary_length(names).to_numpy(zero_copy_only=False).astype(np.int64)
    return sizes


def _valid(column: pa.Array) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return valid
