"""What the cells of a column are."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.encode import numbers
from asyncloader.planning.columns import ColumnTally, Kind, facts, kinds_of
from asyncloader.values.plan import Location
from tests.properties.effort import usual


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("5", "number"),
        ("-5.25", "number"),
        ("1e3", "number"),
        ("+49170", "number"),
        (".5", "number"),
        ("007", "number"),
        ("9" * 38, "number"),
        ("9" * 39, "too long a number"),
        ("1e999", "too long a number"),
        ("1" + "0" * 60, "number"),
        ("2026-11-25", "date"),
        ("2026-11-25T10:00:00Z", "timestamp"),
        ("2026-11-25 10:00:00.5+01:00", "timestamp"),
        ("true", "boolean"),
        ("FALSE", "boolean"),
        ("Tuesday", "text"),
        ("{}", "JSON"),
        ('["a"]', "JSON"),
        ("[a]", "text"),
        ("12 Main Street", "text"),
        ("1.2.3.4", "text"),
        ("-", "text"),
        (" 5", "text"),
        ("", None),
    ],
)
def test_one_cell(text: str, kind: Kind | None) -> None:
    assert kinds_of(pa.array([text])).counts == ({} if kind is None else {kind: 1})


def test_leading_zeros_are_counted_among_numbers_alone() -> None:
    cells = ["007", "-01", "+02", "0", "0.5", "00", "10", "2026-01-01", "0x1f", "-", "0"]
    assert kinds_of(pa.array(cells)).leading_zeros == 4


def test_digits_beyond_38_are_told_from_numbers_out_of_range() -> None:
    found = kinds_of(pa.array(["9" * 39, "1e999", "1." + "1" * 40]))
    assert (found.beyond_38_digits, found.counts) == (2, {"too long a number": 3})


def test_a_slice_of_a_column_is_looked_at_alone() -> None:
    found = kinds_of(pa.array(["1", "true", None, "x", "2"]).slice(1, 3))
    assert found.counts == {"text": 1, "boolean": 1}
    assert found.first == {"text": 2, "boolean": 0}


def _by_hand(text: str) -> Kind:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return "date"
    try:
        numbers.parse(text)
        return "number"
    except numbers.NumberError:
        pass
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text, re.ASCII):
        return "too long a number"
    if text.isascii() and text.lower() in ("true", "false"):
        return "boolean"
    if text[0] in "{[":
        try:
            json.loads(text)
            return "JSON"
        except ValueError:
            pass
    return "text"


CELLS = st.one_of(
    st.text(alphabet="0123456789+-.eE", max_size=45),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.dates().map(str),
    st.sampled_from(["true", "False", "tRuE", "{}", "[1, 2]", "{x", "None", "ünï"]),
    st.integers().map(str),
)


@usual
@given(st.lists(CELLS, max_size=30))
def test_columns_are_told_as_cell_by_cell(cells: list[str]) -> None:
    """Kinds, their first rows and leading zeros, against plain Python."""
    found = kinds_of(pa.array([cell or None for cell in cells], pa.string()))
    by_hand = [(row, _by_hand(cell)) for row, cell in enumerate(cells) if cell]
    assert found.counts == {kind: sum(each == kind for _, each in by_hand) for kind in {kind for _, kind in by_hand}}
    assert found.first == {kind: row for row, kind in reversed(by_hand)}
    zeros = [cell for cell in cells if cell and _by_hand(cell) == "number" and re.match(r"[+-]?0[0-9]", cell)]
    assert found.leading_zeros == len(zeros)


def test_a_column_is_told_over_all_blocks() -> None:
    tally = ColumnTally("born")
    tally.add(facts(pa.array(["1815", None, "1906"])), lambda row: Location("a.csv", 2 + row))
    tally.add(facts(pa.array(["n/a", "x" * 50])), lambda row: Location("a.csv", 5 + row))
    plan = tally.plan("N")
    assert (plan.cells, plan.empty, plan.type) == (5, 1, "N")
    assert plan.kinds == {"number": 2, "text": 2}
    assert str(plan.first["text"].spot) == "a.csv:5"
    assert plan.longest_bytes == 50
    assert plan.longest is not None
    assert (plan.longest.text, str(plan.longest.spot)) == ("x" * 40 + "…", "a.csv:6")


def test_places_are_looked_up_only_for_what_is_new() -> None:
    """Finding a line costs a look through the block, which most blocks need not pay."""
    tally, asked = ColumnTally("born"), list[int]()

    def spot(row: int) -> Location:
        asked.append(row)
        return Location("a.csv", row)

    for _ in range(5):
        tally.add(facts(pa.array(["1", "22"])), spot)
    assert asked == [0, 1]


def test_numbers_are_those_that_the_loader_takes() -> None:
    """`--type COLUMN=N` rejects nothing of a column that is told to hold numbers only."""
    for text in ("1E-130", "9.99e125", "-0", "0001", "1."):
        assert kinds_of(pa.array([text])).counts == {"number": 1}
        assert isinstance(numbers.parse(text), Decimal)
