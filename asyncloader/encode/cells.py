"""Columns of text as columns of JSON, one function per DynamoDB type.

Each takes a column whose empty cells are null and returns `Cells`: the text between the type's wrapper,
the cells that are no value of that type, and the size of every value in bytes as DynamoDB counts it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode import numbers, values
from asyncloader.encode.key_columns import text_buffers
from asyncloader.encode.keys import CANONICAL_BASE64
from asyncloader.values.dynamodb import MAX_DIGITS
from asyncloader.values.schema import AttributeType

Sizes = npt.NDArray[np.int64]

_PLAIN_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"


@dataclass(frozen=True, slots=True)
class Cells:
    """A column ready for JSON: `texts` (null where the cell is empty), `bad` reasons by row, `sizes` in bytes."""

    texts: pa.StringArray
    sizes: Sizes
    bad: dict[int, str] = field(default_factory=dict)


def strings(column: pa.StringArray, plain: bool) -> Cells:
    """S: any text; `plain` says that nothing in it needs an escape."""
    return Cells(column if plain else escaped(column), _lengths(column))


def numbers_(column: pa.StringArray, plain: bool) -> Cells:
    """N: the text as it is where it is plain and short, exact arithmetic for the others."""
    lengths = _lengths(column)
    odd = _rows_without(pc.and_(pc.match_substring_regex(column, _PLAIN_NUMBER), pa.array(lengths <= MAX_DIGITS)))
    digits = pc.ascii_rtrim(pc.ascii_ltrim(column, characters="-0."), characters="0.")
    sizes = _lengths(digits)
    texts, data = column, text_buffers(column)[1]
    if np.any(data == ord(".")):
        # Trimming zeros from the right is right behind a point and for whole numbers alike: 1.50 and 150 have two digits.
        sizes = sizes - _true(pc.match_substring(digits, "."))
    sizes = np.where(lengths > 0, (sizes + 1) // 2 + 1, 0)
    if np.any(data == ord("-")):
        sizes = sizes + _true(pc.starts_with(column, "-"))
        zero = _true(pc.equal(digits, "")) & (lengths > 0)
        sizes[zero.astype(bool)] = 1
    return _rewrite(texts, sizes, odd, lambda text: (numbers.wire(text), numbers.size(text)))


def booleans(column: pa.StringArray, plain: bool) -> Cells:
    """BOOL: true or false in any case, nothing else."""
    lower = pc.ascii_lower(column)
    good = pc.is_in(lower, value_set=pa.array(["true", "false"]))
    bad = dict.fromkeys(_rows_without(pc.if_else(pc.is_null(column), True, good)), "is neither true nor false")
    return Cells(lower, np.where(_lengths(column) > 0, 1, 0), bad)


def nulls(column: pa.StringArray, plain: bool) -> Cells:
    """NULL: the words null or true in any case; anything else would be lost."""
    good = pc.is_in(pc.ascii_lower(column), value_set=pa.array(["null", "true"]))
    bad = dict.fromkeys(_rows_without(pc.if_else(pc.is_null(column), True, good)), "is not null")
    texts = pc.if_else(pc.is_null(column), pa.scalar(None, pa.string()), "true")
    return Cells(texts, np.where(_lengths(column) > 0, 1, 0), bad)


def binaries(column: pa.StringArray, plain: bool) -> Cells:
    """B: base64 text, which is what JSON holds as well; DynamoDB takes only the spelling whose spare bits are 0."""
    odd = _rows_without(pc.match_substring_regex(column, CANONICAL_BASE64))
    padding = _lengths(column) - _lengths(pc.ascii_rtrim(column, characters="="))

    def rewrite(text: str) -> tuple[str, int]:
        raw = values.decode_base64(text)
        return base64.b64encode(raw).decode(), len(raw)

    return _rewrite(column, _lengths(column) // 4 * 3 - padding, odd, rewrite)


def documents(kind: AttributeType) -> Callable[[pa.StringArray, bool], Cells]:
    """SS, NS, BS, L and M: JSON text, cell by cell, with exact numbers."""

    def encode(column: pa.StringArray, plain: bool) -> Cells:
        def rewrite(text: str) -> tuple[str, int]:
            value, size = values.from_json(kind, text)
            return orjson.dumps(value[kind]).decode(), size

        rows = np.flatnonzero(_lengths(column) > 0).tolist()
        return _rewrite(column, np.zeros(len(column), dtype=np.int64), rows, rewrite)

    return encode


CELLS: dict[AttributeType, Callable[[pa.StringArray, bool], Cells]] = {
    "S": strings,
    "N": numbers_,
    "BOOL": booleans,
    "NULL": nulls,
    "B": binaries,
    "SS": documents("SS"),
    "NS": documents("NS"),
    "BS": documents("BS"),
    "L": documents("L"),
    "M": documents("M"),
}

QUOTED: frozenset[AttributeType] = frozenset({"S", "N", "B"})
"""Types whose value is a JSON string."""


def escaped(column: pa.StringArray) -> pa.StringArray:
    """The column with what JSON wants escaped: backslash, quote, and the controls below U+0020."""
    offsets, data = text_buffers(column)
    data = data[offsets[0] : offsets[-1]]
    # Looked for in bytes: that is one search, where numpy would compare every byte and then look through the results.
    raw = data.tobytes()
    if b"\\" in raw:
        column = pc.replace_substring(column, "\\", "\\\\")
    if b'"' in raw:
        column = pc.replace_substring(column, '"', '\\"')
    controls = data < 0x20
    if np.any(controls):
        for code in np.unique(data[controls]).tolist():
            column = pc.replace_substring(column, chr(code), orjson.dumps(chr(code)).decode()[1:-1])
    return column


def _rewrite(column: pa.StringArray, sizes: Sizes, rows: list[int], rewrite: Callable[[str], tuple[str, int]]) -> Cells:
    """Send the cells of `rows` through `rewrite`, which raises `ValueError` with the reason for what is no value."""
    if not rows:
        return Cells(column, sizes)
    bad: dict[int, str] = {}
    texts: list[str] = []
    for row, text in zip(rows, column.take(pa.array(rows)).to_pylist(), strict=True):
        try:
            text, sizes[row] = rewrite(text)
        except ValueError as error:
            bad[row] = str(error)
        texts.append(text)
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return Cells(pc.replace_with_mask(column, pa.array(mask), pa.array(texts, pa.string())), sizes, bad)


def _rows_without(condition: pa.BooleanArray) -> list[int]:
    """The rows where `condition` is false; null is neither."""
    if pc.all(condition).as_py() is not False:
        return []
    return np.flatnonzero(~_true(pc.fill_null(condition, True)).astype(bool)).tolist()


def _true(condition: pa.BooleanArray) -> Sizes:
    """1 where true, 0 where false or null."""
    true: npt.NDArray[np.bool_] = pc.fill_null(condition, False).to_numpy(zero_copy_only=False)
    return true.astype(np.int64)


def _lengths(column: pa.StringArray) -> Sizes:
    return np.diff(text_buffers(column)[0]).astype(np.int64)
