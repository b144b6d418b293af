"""Arrow columns of any type → columns of text, as a careful writer of a CSV file would spell their values exactly.

A whole column at a time, through Arrow's own casts; only base64, UUIDs and sets go value by value. Integers and
decimals keep every digit. A float is its shortest text that reads back as the same float of the same width. Dates and
times are ISO 8601, a timestamp with a time zone is written in UTC with a `Z`; the digits of the second are those of the
column's unit, so texts of one column sort as its times do. Lists, structs and maps pass through as they are.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.formats.columns import Columns
from asyncloader.formats.csv.header import OWN_PREFIX
from asyncloader.values.dynamodb import MAX_DEPTH
from asyncloader.values.errors import SourceError, UsageError
from asyncloader.values.schema import AttributeType

BLOCK_ROWS = 16_384
"""The most rows of a block."""
_WRAPPER_BYTES, _GROWTH = 14, 4
"""The bytes around a value in JSON beside its name, and how many times the bytes of a block its JSON may take."""
_DEEPEST = MAX_DEPTH - 1
"""Lists and maps in which a scalar may be nested (docs/dynamodb.md#values)."""
_SETS: dict[str, AttributeType] = {"S": "SS", "N": "NS", "B": "BS"}


class ArrowDecoder:
    """Turns the batches of one source into columns.

    `natural` are the attribute types that the columns' own types mean, by the names of the columns that are read.
    Raises `SourceError` for a schema that no item can have.
    """

    def __init__(self, name: str, schema: pa.Schema) -> None:
        self._wanted = [place for place, column in enumerate(schema.names) if not _is_own(column)]
        self.columns = tuple(schema.names[place] for place in self._wanted)
        twice = [column for place, column in enumerate(self.columns) if column in self.columns[:place]]
        if twice:
            raise SourceError(f"{name}: has two columns {twice[0]!r}; give each a name of its own")
        if "" in self.columns:
            raise SourceError(f"{name}: has a column without a name, which DynamoDB does not take; name it")
        if not self.columns:
            raise SourceError(f"{name}: has no columns")
        types = [schema.types[place] for place in self._wanted]
        self.natural: dict[str, AttributeType] = {}
        for column, kind in zip(self.columns, types, strict=True):
            try:
                self.natural[column] = natural_type(kind)
            except TypeError as error:
                raise SourceError(f"{name}: column {column!r}: {error}") from None
        self._types = dict(zip(self.columns, types, strict=True))
        self._kinds = dict(self.natural)
        self._keys: frozenset[str] = frozenset()

    def take_types(self, kinds: Mapping[str, AttributeType], keys: frozenset[str]) -> None:
        """Some columns are to be of other types, and some are keys; raises `UsageError` where that cannot be."""
        for name, kind in kinds.items():
            allowed = other_types(self._types[name])
            if kind != self.natural[name] and kind not in allowed:
                raise UsageError(
                    f"column {name!r} is {self._types[name]}, which can be "
                    f"{' or '.join(dict.fromkeys((self.natural[name], *allowed)))}, not {kind}; cast it first"
                )
        self._kinds = {**self.natural, **kinds}
        self._keys = keys

    def decode(self, batch: pa.RecordBatch) -> Columns:
        """One batch as columns; a null is an empty cell, an empty string is not."""
        arrays: list[pa.Array] = []
        refused: dict[int, tuple[str, str]] = {}
        for name, place in zip(self.columns, self._wanted, strict=True):
            kind, column = self._kinds[name], plain_array(batch.column(place))
            array = _sets_as_json(column) if kind in ("SS", "NS", "BS") and is_list(column.type) else as_text(column)
            arrays.append(array)
            if pa.types.is_string(array.type) and (name in self._keys or kind not in ("S", "B")):
                reason = "the key is empty" if name in self._keys else f"'' is no {kind}"
                for row in _blank_rows(array):
                    refused.setdefault(row, (name, reason))
        return Columns(self.columns, tuple(arrays), batch.num_rows, refused=refused)

    def cells(self, batch: pa.RecordBatch, row: int) -> dict[str, str]:
        """The cells of one row as text: what `decode` makes of them, and JSON where that is no text."""
        texts: dict[str, str] = {}
        for name, place in zip(self.columns, self._wanted, strict=True):
            value = as_text(plain_array(batch.column(place).slice(row, 1)))[0].as_py()
            texts[name] = (
                ""
                if value is None
                else value
                if isinstance(value, str)
                else orjson.dumps(value, _shown, _JSON).decode()
            )
        return texts


def natural_type(kind: pa.DataType, depth: int = 1) -> AttributeType:
    """The attribute type that holds an Arrow type exactly; raises `TypeError` with what to do where none does."""
    kind, types = _plain_type(kind), pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "N"
    if types.is_boolean(kind):
        return "BOOL"
    if _is_text(kind) or _is_time(kind) or types.is_null(kind):
        return "S"
    if _is_binary(kind):
        return "B"
    if depth > _DEEPEST:
        raise TypeError(f"is nested deeper than {_DEEPEST} levels, which DynamoDB does not take")
    if is_list(kind):
        natural_type(kind.value_type, depth + 1)
        return "L"
    if types.is_map(kind):
        if not _is_text(_plain_type(kind.key_type)):
            raise TypeError(f"is {kind}; the names in a map are strings, so cast its keys first")
        natural_type(kind.item_type, depth + 1)
        return "M"
    if types.is_struct(kind):
        names = [field.name for field in kind]
        if len(set(names)) != len(names) or "" in names:
            raise TypeError(f"is {kind}, in which two fields have the same name or one has none")
        for field in kind:
            natural_type(field.type, depth + 1)
        return "M"
    raise TypeError(f"is {kind}, which DynamoDB has no type for; cast it first, to a number or a string for example")


def other_types(kind: pa.DataType) -> tuple[AttributeType, ...]:
    """What else a column of this type can be."""
    kind, types = _plain_type(kind), pa.types
    if _is_text(kind) or types.is_null(kind):
        return ("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
    if is_list(kind):
        within = natural_type(kind.value_type)
        return (_SETS[within],) if within in _SETS else ()
    return ("S",) if natural_type(kind) in ("N", "BOOL") else ()


def is_list(kind: pa.DataType) -> bool:
    """Whether this is a list, however its lengths are kept."""
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def plain_array(column: pa.Array) -> pa.Array:
    """The column without what only saves space: dictionaries, runs, and names for types."""
    types = pa.types
    while True:
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        elif types.is_run_end_encoded(column.type):
            column = pc.run_end_decode(column)
        elif isinstance(column, pa.ExtensionArray) and not _is_uuid(column.type):
            column = column.storage
        else:
            return column


def as_text(column: pa.Array) -> pa.Array:
    """A column of scalars as strings; lists, structs and maps as they are. The column is a plain one."""
    kind, types = column.type, pa.types
    if types.is_nested(kind):
        return column
    if _is_uuid(kind):
        return _spelled(column.storage, lambda raw: str(UUID(bytes=raw)))
    if _is_binary(kind):
        return _spelled(column, lambda raw: base64.b64encode(raw).decode())
    if types.is_float16(kind):
        return _spelled(column, str)
    if types.is_timestamp(kind):
        column = column if kind.tz is None else column.cast(pa.timestamp(kind.unit, "UTC"))
        return pc.replace_substring(column.cast(pa.string()), " ", "T")
    return column.cast(pa.string())


def batches_of(batch: pa.RecordBatch, block_bytes: int) -> Iterator[pa.RecordBatch]:
    """The batch in slices of about `block_bytes`, and of no more than `BLOCK_ROWS` rows: views, nothing is copied.

    Narrow types grow most when they become JSON, so what their JSON will take is bounded as well.
    """
    wrappers = sum(len(name.encode()) + _WRAPPER_BYTES for name in batch.schema.names)
    row = 0
    while row < batch.num_rows:
        rows = min(BLOCK_ROWS, batch.num_rows - row)
        part = batch.slice(row, rows)
        while rows > 1 and ((size := _bytes_of(part)) > block_bytes or size + rows * wrappers > _GROWTH * block_bytes):
            rows = max(rows // 2, 1)
            part = batch.slice(row, rows)
        yield part
        row += rows


def _bytes_of(batch: pa.RecordBatch) -> int:
    """The size of a batch; where a dictionary replaces its values, about what they would be without it."""
    size = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            values = column.dictionary
            size += len(column) * (values.nbytes // max(len(values), 1))
        else:
            size += column.nbytes
    return size


def _plain_type(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    while True:
        if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
            kind = kind.value_type
        elif isinstance(kind, pa.BaseExtensionType):
            if _is_uuid(kind):
                return pa.string()
            kind = kind.storage_type
        else:
            return kind


def _is_own(name: str) -> bool:
    """Columns of reject files, and the numbers that pandas keeps beside rows that it has picked."""
    return name.startswith((OWN_PREFIX, "__index_level_"))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    )


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_timestamp(kind))


def _is_uuid(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.UuidType)


def _spelled(column: pa.Array, spell: Callable[[Any], str]) -> pa.StringArray:
    values = column.to_numpy(zero_copy_only=False) if pa.types.is_float16(column.type) else column.to_pylist()
    valid = column.is_valid().to_pylist()
    return pa.array(
        [spell(value) if is_valid else None for value, is_valid in zip(values, valid, strict=True)], pa.string()
    )


def _sets_as_json(column: pa.Array) -> pa.StringArray:
    """Lists as the JSON arrays that cells of type SS, NS and BS hold."""
    members = as_text(plain_array(column.flatten())).to_pylist()
    lengths = pc.list_value_length(column).to_pylist()
    texts: list[str | None] = []
    place = 0
    for length in lengths:
        texts.append(None if length is None else orjson.dumps(members[place : place + length]).decode())
        place += length or 0
    return pa.array(texts, pa.string())


def _blank_rows(column: pa.StringArray) -> list[int]:
    blank = pc.equal(pc.binary_length(column), 0)
    if not pc.any(blank).as_py():
        return []
    return np.flatnonzero(pc.fill_null(blank, False).to_numpy(zero_copy_only=False)).tolist()


_JSON = orjson.OPT_NON_STR_KEYS


def _shown(value: object) -> str:
    """What JSON has no type for: bytes as base64, the rest as its text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
