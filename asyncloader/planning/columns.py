"""What a column holds: kinds of values (numbers, dates, booleans, JSON, text), empty cells, the longest value. Pure.

The first byte of a cell says most of its kind, so a column of plain text costs next to nothing; only what starts like
something else is looked at further. A number is what `--type COLUMN=N` would take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode import numbers
from asyncloader.encode.key_columns import text_buffers
from asyncloader.values.dynamodb import MAX_DIGITS
from asyncloader.values.plan import Cell, ColumnPlan, Location

SHOWN = 40
"""How many characters of a value are shown."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of one block; rows are counted in the block, lengths in bytes of UTF-8."""

    column: pa.StringArray
    empty: int
    kinds: Kinds
    longest_bytes: int
    longest_row: int


def facts(column: pa.StringArray) -> ColumnFacts:
    """Look at one column of a block."""
    lengths = np.diff(text_buffers(column)[0])
    longest = int(lengths.argmax()) if len(lengths) else 0
    return ColumnFacts(
        column=column,
        empty=int(np.count_nonzero(lengths == 0)),
        kinds=kinds_of(column),
        longest_bytes=int(lengths[longest]) if len(lengths) else 0,
        longest_row=longest,
    )


@dataclass(slots=True)
class ColumnTally:
    """One column over all blocks. `spot` of `add` returns where a row of the block is; it is called only for what is new."""

    name: str
    cells: int = 0
    empty: int = 0
    counts: dict[Kind, int] = field(default_factory=dict)
    first: dict[Kind, Cell] = field(default_factory=dict)
    leading_zeros: int = 0
    beyond_38_digits: int = 0
    longest_bytes: int = 0
    longest: Cell | None = None

    def add(self, block_column: ColumnFacts, spot: Callable[[int], Location]) -> None:
        """The next block."""
        self.cells += len(block_column.column)
        self.empty += block_column.empty
        self.leading_zeros += block_column.kinds.leading_zeros
        self.beyond_38_digits += block_column.kinds.beyond_38_digits
        for kind, count in block_column.kinds.counts.items():
            if kind not in self.counts:
                row = block_column.kinds.first[kind]
                self.first[kind] = Cell(_shown(block_column.column[row].as_py()), spot(row))
            self.counts[kind] = self.counts.get(kind, 0) + count
        if block_column.longest_bytes > self.longest_bytes:
            self.longest_bytes = block_column.longest_bytes
            row = block_column.longest_row
            self.longest = Cell(_shown(block_column.column[row].as_py()), spot(row))

    def plan(self, stored_as: str) -> ColumnPlan:
        """The result."""
        usual = sorted(self.counts, key=lambda kind: (-self.counts[kind], kind))
        return ColumnPlan(
            name=self.name,
            type=stored_as,
            cells=self.cells,
            empty=self.empty,
            kinds={str(kind): self.counts[kind] for kind in usual},
            first={str(kind): self.first[kind] for kind in usual},
            leading_zeros=self.leading_zeros,
            beyond_38_digits=self.beyond_38_digits,
            longest_bytes=self.longest_bytes,
            longest=self.longest,
        )


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


Kind = Literal["number", "too long a number", "boolean", "date", "timestamp", "JSON", "text"]
Rows = npt.NDArray[np.int64]

_NUMERIC, _BOOLEAN, _JSON = 1, 2, 3
_FIRST_BYTES = np.zeros(256, dtype=np.uint8)
_FIRST_BYTES[list(b"0123456789+-.")] = _NUMERIC
_FIRST_BYTES[list(b"tTfF")] = _BOOLEAN
_FIRST_BYTES[list(b"{[")] = _JSON

_PLAIN_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_ANY_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$"


@dataclass(slots=True)
class Kinds:
    """How many cells are of each kind, and the first row of each; empty cells are of none.

    `leading_zeros` counts numbers like 007, which as an N would be 7; `beyond_38_digits` what no N can hold.
    """

    counts: dict[Kind, int] = field(default_factory=dict)
    first: dict[Kind, int] = field(default_factory=dict)
    leading_zeros: int = 0
    beyond_38_digits: int = 0

    def add(self, kind: Kind, rows: Rows) -> None:
        """These rows are of that kind."""
        if len(rows):
            self.counts[kind] = self.counts.get(kind, 0) + len(rows)
            self.first[kind] = min(int(rows[0]), self.first.get(kind, int(rows[0])))


def kinds_of(column: pa.StringArray) -> Kinds:
    """Count the kinds of one column of text, in which an empty cell is null or an empty string."""
    kinds = Kinds()
    offsets, data = text_buffers(column)
    rows = np.flatnonzero(np.diff(offsets) > 0)
    if not len(rows):
        return kinds
    first_bytes = _FIRST_BYTES[data[offsets[:-1][rows]]]
    kinds.add("text", rows[first_bytes == 0])
    if np.any(first_bytes):
        _numeric(kinds, column, rows[first_bytes == _NUMERIC])
        _boolean(kinds, column, rows[first_bytes == _BOOLEAN])
        _json(kinds, column, rows[first_bytes == _JSON])
    return kinds


def _numeric(kinds: Kinds, column: pa.StringArray, rows: Rows) -> None:
    if not len(rows):
        return
    cells = _taken(column, rows)
    offsets, _ = text_buffers(cells)
    plain = _mask(pc.match_substring_regex(cells, _PLAIN_NUMBER)) & (np.diff(offsets) <= MAX_DIGITS)
    is_number = plain.copy()
    if not np.all(plain):
        odd = np.flatnonzero(~plain)
        others = _taken(cells, odd)
        dates = _mask(pc.match_substring_regex(others, _DATE))
        times = np.zeros(len(odd), dtype=bool) if np.all(dates) else _mask(pc.match_substring_regex(others, _TIMESTAMP))
        kinds.add("date", rows[odd[dates]])
        kinds.add("timestamp", rows[odd[times]])
        left = ~dates & ~times
        if np.any(left):
            wordy = left & _mask(pc.match_substring_regex(others, _ANY_NUMBER))
            kinds.add("text", rows[odd[left & ~wordy]])
            is_number[odd[wordy]] = _exactly(kinds, rows[odd[wordy]], _taken(others, np.flatnonzero(wordy)))
    kinds.add("number", rows[is_number])
    kinds.leading_zeros += int(np.count_nonzero(_leading_zeros(cells)[is_number]))


def _exactly(kinds: Kinds, rows: Rows, cells: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Which of these cells DynamoDB takes as numbers; the others are too long or too large."""
    good = np.zeros(len(rows), dtype=bool)
    for place, text in enumerate(cells.to_pylist()):
        try:
            numbers.parse(text)
            good[place] = True
        except numbers.NumberError as error:
            kinds.beyond_38_digits += "significant digits" in str(error)
    kinds.add("too long a number", rows[~good])
    return good


def _leading_zeros(cells: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Where a 0 precedes another digit, with or without a sign."""
    offsets, data = text_buffers(cells)
    data = np.concatenate([data, np.zeros(2, dtype=np.uint8)])
    starts = offsets[:-1].astype(np.int64)
    starts += (data[starts] == ord("-")) | (data[starts] == ord("+"))
    second = np.where(starts + 1 < offsets[1:], data[starts + 1], 0)
    zeros: npt.NDArray[np.bool_] = (data[starts] == ord("0")) & (second >= ord("0")) & (second <= ord("9"))
    return zeros


def _boolean(kinds: Kinds, column: pa.StringArray, rows: Rows) -> None:
    if len(rows):
        words = _mask(pc.is_in(pc.ascii_lower(_taken(column, rows)), value_set=pa.array(["true", "false"])))
        kinds.add("boolean", rows[words])
        kinds.add("text", rows[~words])


def _json(kinds: Kinds, column: pa.StringArray, rows: Rows) -> None:
    if len(rows):
        good = np.fromiter(_are_json(_taken(column, rows).to_pylist()), dtype=bool, count=len(rows))
        kinds.add("JSON", rows[good])
        kinds.add("text", rows[~good])


def _are_json(texts: Iterable[str]) -> Iterable[bool]:
    for text in texts:
        try:
            orjson.loads(text)
            yield True
        except orjson.JSONDecodeError:
            yield False


def _taken(column: pa.StringArray, rows: Rows) -> pa.StringArray:
    return column if len(rows) == len(column) else column.take(pa.array(rows))


def _mask(condition: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = pc.fill_null(condition, False).to_numpy(zero_copy_only=False)
    return mask
