"""Where a record starts in the middle of a file."""

from __future__ import annotations

import csv
import io
import itertools

from hypothesis import given
from hypothesis import strategies as st

from asyncloader.formats.csv.boundary import find_record
from asyncloader.formats.csv.grammar import grammar
from asyncloader.planning.sampling import FEWEST_PLACES, places
from asyncloader.values.dialect import Dialect
from tests.properties.effort import usual

PLAIN = Dialect()
CELL = st.sampled_from(
    [
        "",
        "a",
        'with "quotes"',
        '5" pipe',
        "two\nlines",
        'three\n\n"lines", and commas',
        "a,b,c,d\ne,f,g,h",
        "x" * 80,
        "ünï",
    ]
)


@usual
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=40, max_size=60), st.integers(0, 400))
def test_a_record_is_found_behind_any_place(rows: list[tuple[str, str, str]], place: int) -> None:
    """Also inside quotes, as long as some records follow."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([f"key{number}", *row] for number, row in enumerate(rows))
    data = text.getvalue().encode()
    starts = {record.start for record in grammar(PLAIN).records(data, 1)}
    found = find_record(data[place:], 4, PLAIN)
    assert found is not None
    assert place + found in starts


def test_without_quotes_it_is_behind_the_next_line_end() -> None:
    assert find_record(b"lf,a\nb,c\n", 2, PLAIN) == 5
    assert find_record(b"lf,a\r\nb,c\r\n", 2, PLAIN) == 6


def test_without_a_line_end_there_is_none() -> None:
    assert find_record(b"abc", 1, PLAIN) is None
    assert find_record(b"abc\n", 1, PLAIN) is None


def test_a_ragged_row_is_no_obstacle() -> None:
    """Where nothing fits, the sample takes another place; but one ragged row ahead only moves its start."""
    data = b'x",1\n' + b"ragged\n" + b'"a",1\n' * 30
    assert find_record(data, 2, PLAIN) == 12


def test_places_are_evenly_spread_and_do_not_overlap() -> None:
    found = places(10**9, 0.05, 1024 * 1024)
    assert len(found) == 48
    steps = {second[0] - first[0] for first, second in itertools.pairwise(found)}
    assert max(steps) - min(steps) <= 1
    assert min(steps) >= found[0][1]
    assert found[0][0] >= 0
    assert found[-1][0] + found[-1][1] <= 10**9


def test_a_smaller_file_has_smaller_places_and_a_small_one_none() -> None:
    found = places(100_000_000, 0.05, 1024 * 1024)
    assert (len(found), found[0][1]) == (20, 250_000)
    assert places(FEWEST_PLACES * 65_536, 0.9, 1024 * 1024) == []
    assert places(10**9, 1.0, 1024 * 1024) == []
