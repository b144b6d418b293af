"""Block cutting: nothing lost, nothing split, and the same records whatever the sizes."""

from __future__ import annotations

import csv
import io
import itertools
import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from asyncloader.formats.csv.cutter import Cut, Cutter, quotes_are_regular
from asyncloader.formats.csv.grammar import ATOMIC, POSSESSIVE, Grammar, count_lines, grammar
from asyncloader.values.dialect import Dialect
from tests.properties import csv_oracle
from tests.properties.effort import thorough, usual
from tests.properties.strategies import (
    RFC4180,
    block_sizes,
    broken_csv_sources,
    chunk_sizes,
    csv_sources,
    csv_texts,
    long_csv_texts,
)

STRAY = b'a,5" pipe\nb,"two\nlines"\n'
STRAY_BESIDE_QUOTED = b'5" pipe,"two\nlines","say ""hi"""\n5" pipe,x,y\n'


def cuts_of(
    data: bytes, dialect: Dialect, block_bytes: int, chunks: list[int], *, offset: int = 0, line: int = 1
) -> list[Cut]:
    """Feed `data` in chunks of these sizes, over and over."""
    cutter = Cutter(dialect, block_bytes=block_bytes, offset=offset, line=line)
    cuts: list[Cut | None] = []
    at = 0
    for size in itertools.cycle(chunks):
        if at >= len(data):
            break
        cuts.append(cutter.feed(data[at : at + size]))
        at += size
    cuts.append(cutter.finish())
    return [cut for cut in cuts if cut is not None]


def records_of(cuts: list[Cut], dialect: Dialect) -> list[tuple[int, int, int]]:
    """Every record of all cuts: start and end in the source, and its line."""
    return [
        (cut.offset + record.start, cut.offset + record.end, record.line)
        for cut in cuts
        for record in grammar(dialect).records(cut.data, cut.line)
    ]


@thorough
@given(broken_csv_sources(), block_sizes, chunk_sizes)
def test_the_joined_cuts_are_the_input(source: tuple[Dialect, bytes], block_bytes: int, chunks: list[int]) -> None:
    dialect, data = source
    cuts = cuts_of(data, dialect, block_bytes, chunks)
    assert b"".join(cut.data for cut in cuts) == data
    assert all(cut.data for cut in cuts)


@usual
@given(csv_sources(), block_sizes, chunk_sizes, st.integers(0, 10**12), st.integers(1, 10**9))
def test_each_cut_knows_its_offset_and_its_line(
    source: tuple[Dialect, bytes], block_bytes: int, chunks: list[int], offset: int, line: int
) -> None:
    dialect, data = source
    for cut in cuts_of(data, dialect, block_bytes, chunks, offset=offset, line=line):
        at = cut.offset - offset
        assert data[at : at + len(cut.data)] == cut.data
        assert cut.line == line + count_lines(data[:at])


@thorough
@given(csv_sources(), block_sizes, chunk_sizes)
@example((RFC4180, STRAY), 5, [3])
@example((RFC4180, STRAY_BESIDE_QUOTED), 5, [1])
def test_every_cut_ends_at_a_record_end(source: tuple[Dialect, bytes], block_bytes: int, chunks: list[int]) -> None:
    dialect, data = source
    whole = [row.cells for row in csv_oracle.rows(data, dialect)]
    for cut in cuts_of(data, dialect, block_bytes, chunks):
        end = cut.offset + len(cut.data)
        before, behind = csv_oracle.rows(data[:end], dialect), csv_oracle.rows(data[end:], dialect)
        assert [row.cells for row in before + behind] == whole
        assert not (data[:end].endswith(b"\r") and data[end:].startswith(b"\n"))


@thorough
@given(broken_csv_sources(), block_sizes, chunk_sizes)
@example((RFC4180, STRAY), 5, [3])
@example((RFC4180, b'"\xc3"\x80'), 1, [1])
def test_the_records_are_those_of_csv_and_their_lines_too(
    source: tuple[Dialect, bytes], block_bytes: int, chunks: list[int]
) -> None:
    dialect, data = source
    expected = csv_oracle.rows(data, dialect, first_line=2)
    found = records_of(cuts_of(data, dialect, block_bytes, chunks, line=2), dialect)
    assert [line for _, _, line in found] == [row.line for row in expected]
    finished = len(expected) if csv_oracle.is_finished(data, dialect) else len(expected) - 1
    for (start, end, _), row in zip(found[:finished], expected[:finished], strict=True):
        cells = grammar(dialect).fields(data[start:end])
        assert cells == [cell.encode("utf-8", "surrogateescape") for cell in row.cells]


@thorough
@given(broken_csv_sources(), block_sizes, block_sizes, chunk_sizes, chunk_sizes)
def test_the_records_are_the_same_for_every_block_size(
    source: tuple[Dialect, bytes], one_size: int, other_size: int, one: list[int], other: list[int]
) -> None:
    dialect, data = source
    assert records_of(cuts_of(data, dialect, one_size, one), dialect) == records_of(
        cuts_of(data, dialect, other_size, other), dialect
    )


@usual
@given(long_csv_texts(), st.integers(1, 5000), st.integers(100, 3000))
def test_long_texts_are_cut_like_short_ones(data: bytes, block_bytes: int, chunk: int) -> None:
    cuts = cuts_of(data, RFC4180, block_bytes, [chunk])
    assert b"".join(cut.data for cut in cuts) == data
    assert [line for _, _, line in records_of(cuts, RFC4180)] == [row.line for row in csv_oracle.rows(data, RFC4180)]


@usual
@given(broken_csv_sources())
@example((RFC4180, b'a,b\n"c,d'))
@example((RFC4180, b'"a""b\n'))
def test_both_ways_to_write_the_grammar_mean_the_same(source: tuple[Dialect, bytes]) -> None:
    """The one for Python before 3.11.5, and the one for all others."""
    dialect, data = source
    possessive, atomic = Grammar(dialect, POSSESSIVE), Grammar(dialect, ATOMIC)
    assert atomic.last_record_end(data) == grammar(dialect).last_record_end(data)
    assert list(atomic.records(data, 1)) == list(grammar(dialect).records(data, 1))
    if re.fullmatch(POSSESSIVE % b"ab?c", b"a") is None:
        assert possessive.last_record_end(data) == atomic.last_record_end(data)


@usual
@given(csv_sources())
def test_a_record_that_is_not_finished_has_no_cells(source: tuple[Dialect, bytes]) -> None:
    dialect, data = source
    records = list(grammar(dialect).records(data, 1))
    expected = csv_oracle.is_finished(data, dialect)
    assert expected == all(grammar(dialect).fields(data[each.start : each.end]) is not None for each in records)


@usual
@given(csv_texts(RFC4180), block_sizes, st.integers(1, 30))
def test_nothing_is_cut_before_there_is_a_block_of_it(data: bytes, block_bytes: int, chunk: int) -> None:
    cutter = Cutter(RFC4180, block_bytes=block_bytes)
    waiting = 0
    for at in range(0, len(data), chunk):
        waiting += len(data[at : at + chunk])
        cut = cutter.feed(data[at : at + chunk])
        assert cut is None or waiting >= block_bytes
        waiting -= len(cut.data) if cut else 0


@usual
@given(
    st.lists(st.lists(st.text('ab"\n\r, é', max_size=5), min_size=1, max_size=4), max_size=8),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
)
def test_quotes_as_csv_writes_them_are_cut_in_the_fast_way(rows: list[list[str]], quoting: int) -> None:
    """Counting quotes is exact where each opens, closes or is doubled; only other texts need the grammar."""
    text = io.StringIO()
    csv.writer(text, quoting=quoting).writerows(rows)  # type: ignore[arg-type]  # one of its own constants
    data = text.getvalue().encode()
    quotes = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord('"'))
    assert quotes_are_regular(data, quotes, ord(","))


@usual
@given(csv_texts(RFC4180))
def test_quotes_that_are_regular_hide_no_record_end(data: bytes) -> None:
    """Whenever the fast way is taken, a line end outside of counted quotes is the end of a record."""
    quotes = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord('"'))
    if data.endswith(b"\n") and len(quotes) % 2 == 0 and quotes_are_regular(data, quotes, ord(",")):
        assert grammar(RFC4180).last_record_end(data) == len(data)
