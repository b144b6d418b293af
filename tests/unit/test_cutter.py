"""Cutting: what decides where a block ends."""

from __future__ import annotations

import numpy as np
import pytest

from asyncloader.formats.csv import cutter as cut
from asyncloader.formats.csv.cutter import Cut, Cutter, TextBlock
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import SourceError


def first_cut(data: bytes, dialect: Dialect | None = None) -> bytes | None:
    """What one `feed` of all of it gives."""
    taken = Cutter(dialect or Dialect(), block_bytes=1).feed(data)
    return None if taken is None else taken.data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"a,b\nc,d", b"a,b\n", id="LF"),
        pytest.param(b"a,b\r\nc,d", b"a,b\r\n", id="CRLF"),
        pytest.param(b"a,b\rc,d\re", b"a,b\rc,d\r", id="CR"),
        pytest.param(b'a,"b\nc"\nd,"e\nf', b'a,"b\nc"\n', id="an open quote"),
        pytest.param(b'a,"b""\nc"\nd', b'a,"b""\nc"\n', id="a doubled quote"),
        pytest.param(b'5" pipe\n6" pipe\nx,"y\n', b'5" pipe\n6" pipe\n', id="stray quotes, then an open one"),
        pytest.param(b'5" pipe,"a\nb"\nx', b'5" pipe,"a\nb"\n', id="a stray quote and a quoted newline"),
        pytest.param(b'"a"b"\nc\n"d\n', b'"a"b"\nc\n', id="text behind a closing quote"),
        pytest.param(b"\n\na\nb", b"\n\na\n", id="blank lines"),
    ],
)
def test_a_cut_ends_behind_the_last_whole_record(data: bytes, expected: bytes) -> None:
    assert first_cut(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"a,b", id="no line end"),
        pytest.param(b"a,b\r", id="half of a CRLF perhaps"),
        pytest.param(b'"a\nb\nc\n', id="one open quote"),
        pytest.param(b'x"\r', id="a stray quote, and half of a CRLF perhaps"),
    ],
)
def test_there_is_no_cut_without_a_whole_record(data: bytes) -> None:
    assert first_cut(data) is None


def test_a_newline_behind_an_escape_character_does_not_end_a_record() -> None:
    assert first_cut(b"a\\\nb\nc\\\n", Dialect(escape="\\")) == b"a\\\nb\n"


def test_without_a_quote_character_every_line_is_a_record() -> None:
    assert first_cut(b'"a\nb"\nc', Dialect(quote=None)) == b'"a\nb"\n'


def test_the_rest_comes_at_the_end_and_is_marked_as_the_last() -> None:
    cutter = Cutter(Dialect(), block_bytes=4, offset=100, line=7)
    assert cutter.feed(b"a,b\nc") == Cut(b"a,b\n", offset=100, line=7)
    assert cutter.finish() == Cut(b"c", offset=104, line=8, last=True)
    assert cutter.finish() is None


def test_a_record_that_never_ends_stops_the_source_and_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "RECORD_LIMIT_BYTES", 64)
    cutter = Cutter(Dialect(), block_bytes=8, line=2, name="people.csv")
    assert cutter.feed(b'1,"a"\n2,"b\n') is not None
    with pytest.raises(SourceError, match=r"people\.csv:3: .*quote left open"):
        cutter.feed(b"x\n" * 64)


def test_a_record_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "RECORD_LIMIT_BYTES", 64)
    cutter = Cutter(Dialect(), block_bytes=8)
    assert cutter.feed(b'"' + b"x\n" * 31) is None
    taken = cutter.feed(b'"\n')
    assert taken is not None
    assert taken.data == b'"' + b"x\n" * 31 + b'"\n'


@pytest.mark.parametrize(
    ("data", "regular"),
    [
        (b'"a"', True),
        (b'"a",x', True),
        (b'x,"a"', True),
        (b'x,"",y\r"b\r\nc"\r\n', True),
        (b'"a""b","""",x', True),
        (b'x"a",y', False),
        (b'"a"x,y', False),
        (b'5" pipe, 6" pipe', False),
        (b' "a",x', False),
    ],
)
def test_quotes_are_regular_where_each_opens_or_closes_or_is_doubled(data: bytes, regular: bool) -> None:
    quotes = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord('"'))
    assert cut.quotes_are_regular(data, quotes, ord(",")) == regular


def test_one_stray_quote_among_many_short_lines_costs_no_walk_over_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back line by line through a megabyte would take a second for each block."""
    steps = 0
    look = cut._last_line_end

    def counted(data: bytes, stop: int) -> int:
        nonlocal steps
        steps += 1
        return look(data, stop)

    monkeypatch.setattr(cut, "_last_line_end", counted)
    data = b'5" pipe\n' + b"a\n" * 10_000
    assert first_cut(data) == data
    assert steps < 10


def test_a_block_ends_where_its_data_does() -> None:
    assert TextBlock(source=0, number=0, data=b"abc", offset=10, line=1).end == 13
