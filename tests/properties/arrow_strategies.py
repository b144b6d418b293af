"""Random frames: columns of all kinds of Arrow types, nested ones too, with nulls; and what Python makes of a row."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st

Value = Any
ZONE = "Europe/Berlin"
"""Its clock differs from UTC, and by how much depends on the day."""

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_RAW = st.binary(max_size=6)
_TIMES = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 30))
_FLOATS = st.one_of(
    st.floats(1e-120, 1e120),
    st.floats(-1e120, -1e-120),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, 1e300, 5e-324]),
)


def _seconds(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(microsecond=0)


def _milliseconds(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


LEAVES: list[tuple[pa.DataType, st.SearchStrategy[Value]]] = [
    (pa.int8(), st.integers(-(2**7), 2**7 - 1)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float64(), _FLOATS),
    (pa.float32(), st.floats(width=32)),
    (pa.float16(), st.floats(width=16)),
    (pa.decimal128(38, 9), st.decimals(-(10**20), 10**20, places=9)),
    (pa.decimal128(9, -2), st.integers(-9999, 9999).map(lambda number: Decimal(number) * 100)),
    (pa.bool_(), st.booleans()),
    (pa.string(), _TEXT),
    (pa.large_string(), _TEXT),
    (pa.string_view(), _TEXT),
    (pa.binary(), _RAW),
    (pa.large_binary(), _RAW),
    (pa.binary_view(), _RAW),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.null(), st.none()),
    (pa.date32(), st.dates()),
    (pa.date64(), st.dates()),
    (pa.time32("s"), st.times().map(lambda time: time.replace(microsecond=0))),
    (pa.time64("us"), st.times()),
    (pa.timestamp("s"), _TIMES.map(_seconds)),
    (pa.timestamp("ms"), _TIMES.map(_milliseconds)),
    (pa.timestamp("us"), _TIMES),
    (pa.timestamp("us", ZONE), _TIMES.filter(lambda moment: 1900 < moment.year < 9999)),
    (pa.dictionary(pa.int32(), pa.string()), _TEXT),
    (pa.dictionary(pa.int8(), pa.large_string()), st.sampled_from(["a", "b"])),
]

Column = tuple[pa.DataType, st.SearchStrategy[Value]]


def _nested(inner: st.SearchStrategy[Column]) -> st.SearchStrategy[Column]:
    def in_list(column: Column) -> Column:
        return pa.list_(column[0]), st.lists(st.none() | column[1], max_size=3)

    def in_large_list(column: Column) -> Column:
        return pa.large_list(column[0]), st.lists(st.none() | column[1], max_size=3)

    def in_fixed_list(column: Column) -> Column:
        return pa.list_(column[0], 2), st.lists(st.none() | column[1], min_size=2, max_size=2)

    def in_map(column: Column) -> Column:
        entries = st.lists(st.tuples(st.sampled_from(["a", 'b"', "ü"]), st.none() | column[1]), max_size=3)
        return pa.map_(pa.string(), column[0]), entries

    def in_struct(columns: dict[str, Column]) -> Column:
        fields = {name: st.none() | values for name, (_, values) in columns.items()}
        return pa.struct([(name, kind) for name, (kind, _) in columns.items()]), st.fixed_dictionaries(fields)

    return st.one_of(
        inner.map(in_list),
        inner.map(in_large_list),
        inner.map(in_fixed_list),
        inner.map(in_map),
        st.dictionaries(st.sampled_from(["x", "y\\", "ß"]), inner, max_size=3).map(in_struct),
    )


COLUMNS = st.recursive(st.sampled_from(LEAVES), _nested, max_leaves=4)


@st.composite
def batches(draw: st.DrawFn) -> list[pa.RecordBatch]:
    """Batches of one schema whose column `id` is a key: it repeats, and is empty or null now and then."""
    columns = draw(st.dictionaries(st.sampled_from(["a", "b", 'c"']), COLUMNS, min_size=1, max_size=3))
    key = st.sampled_from(["1", "2", "3", "ä", "", None])
    made: list[pa.RecordBatch] = []
    for rows in draw(st.lists(st.integers(0, 6), min_size=1, max_size=3)):
        arrays = {"id": pa.array(draw(st.lists(key, min_size=rows, max_size=rows)), pa.string())}
        for name, (kind, values) in columns.items():
            arrays[name] = pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
        batch = pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))
        assume(_is_valid(batch))
        first = draw(st.integers(0, rows))
        made.append(batch.slice(first))
    return made


def _is_valid(batch: pa.RecordBatch) -> bool:
    """Arrow itself builds, for a null struct, the index 0 of a dictionary that is empty, and calls that invalid."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def boto3_row(schema: pa.Schema, row: Mapping[str, Value]) -> dict[str, Value]:
    """A row of `to_pylist()` as a careful script would hand it to boto3; raises if it cannot be an item."""
    if not row["id"]:
        raise ValueError("no key")
    return {name: boto3_value(schema.field(name).type, value) for name, value in row.items() if value is not None}


def boto3_value(kind: pa.DataType, value: Value) -> Value:
    """A value of `to_pylist()` as a careful script would hand it to boto3."""
    types = pa.types
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if types.is_map(kind):
        if len({name for name, _ in value}) != len(value):
            raise ValueError("a name twice")
        return {name: boto3_value(kind.item_type, member) for name, member in value}
    if types.is_struct(kind):
        return {field.name: boto3_value(field.type, value[field.name]) for field in kind}
    if isinstance(value, list):
        return [boto3_value(kind.value_type, member) for member in value]
    if isinstance(value, float | np.floating):
        width = {"halffloat": np.float16, "float": np.float32}.get(str(kind), float)
        # Zeros at the end count as digits for boto3, which takes 38 of them.
        return Decimal(str(width(value))).normalize(Context(prec=200))
    if isinstance(value, int | Decimal):
        return Decimal(value).normalize(Context(prec=200))
    if isinstance(value, datetime.datetime):
        digits = {"s": "seconds", "ms": "milliseconds", "us": "microseconds"}[kind.unit]
        if value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        return value.isoformat(timespec=digits) + ("Z" if kind.tz else "")
    if isinstance(value, datetime.time):
        return value.isoformat(timespec="seconds" if kind == pa.time32("s") else "microseconds")
    return value.isoformat()
