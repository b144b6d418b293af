"""Decoding: the places where a CSV parser may go wrong, one by one."""

from __future__ import annotations

import pytest

from asyncloader.formats.columns import BadRow, Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.formats.csv.decoder import CsvDecoder
from asyncloader.values.dialect import Dialect

ESCAPED = Dialect(escape="\\")


def decode(data: bytes, *columns: str, dialect: Dialect | None = None, last: bool = True) -> Columns:
    block = TextBlock(source=0, number=0, data=data, offset=0, line=2, last=last)
    return CsvDecoder(columns, dialect or Dialect()).decode(block)


def rows(columns: Columns) -> list[tuple[str | None, ...]]:
    return list(zip(*(array.to_pylist() for array in columns.arrays), strict=True))


def test_an_empty_cell_is_a_null_quoted_or_not() -> None:
    assert rows(decode(b'a,,""\n', "x", "y", "z")) == [("a", None, None)]


@pytest.mark.parametrize("text", ["NULL", "null", "NA", "n/a", "NaN", "None", "true", "0", "007", "1e5", "2024-01-01"])
def test_nothing_else_is_guessed(text: str) -> None:
    assert rows(decode(f"{text},b\n".encode(), "x", "y")) == [(text, "b")]


def test_whitespace_is_kept() -> None:
    assert rows(decode(b" a ,\tb\n  , \n", "x", "y")) == [(" a ", "\tb"), ("  ", " ")]


def test_blank_lines_are_no_records_but_quoted_empty_cells_are() -> None:
    found = decode(b'\n""\n\r\n\r"a"\n\n', "x")
    assert rows(found) == [(None,), ("a",)]
    assert not found.bad


def test_a_line_of_spaces_is_a_record() -> None:
    assert rows(decode(b"  \n", "x")) == [("  ",)]


def test_a_lone_cr_ends_a_record() -> None:
    assert rows(decode(b"a,b\rc,d\r\ne,f\n", "x", "y")) == [("a", "b"), ("c", "d"), ("e", "f")]


def test_a_line_end_inside_quotes_is_kept_as_it_is() -> None:
    assert rows(decode(b'"a\r\nb","c\rd\ne"\n', "x", "y")) == [("a\r\nb", "c\rd\ne")]


def test_text_behind_a_closing_quote_belongs_to_the_cell() -> None:
    assert rows(decode(b'"a"b"c",""""\n', "x", "y")) == [('ab"c"', '"')]


def test_a_quote_inside_an_unquoted_cell_is_a_character() -> None:
    assert rows(decode(b'5" pipe, "b"\n', "x", "y")) == [('5" pipe', ' "b"')]


def test_a_nul_is_a_character() -> None:
    assert rows(decode(b'a\0b,"\0"\n\0,x\n', "x", "y")) == [("a\0b", "\0"), ("\0", "x")]


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa,b\n", b'\xef\xbb\xbf"a",b\n', b"\xef\xbb\xbf,b\n"])
def test_a_byte_order_mark_at_the_start_of_a_block_is_a_character(data: bytes) -> None:
    """The one at the start of a file is gone before there are blocks; another is data, as for `csv`."""
    ((first, second),) = rows(decode(data, "x", "y"))
    assert first is not None
    assert first.encode() == data.split(b",")[0]
    assert second == "b"


def test_a_record_of_nothing_but_a_byte_order_mark_is_a_record() -> None:
    assert rows(decode("\ufeff\n\ufeff".encode(), "x")) == [("\ufeff",), ("\ufeff",)]


def test_an_escape_character_makes_the_next_one_ordinary() -> None:
    data = b'a\\,b,c\\\\\n"d\\"e","f\\\ng"\nh\\\ni,\\"\n'
    assert rows(decode(data, "x", "y", dialect=ESCAPED)) == [("a,b", "c\\"), ('d"e', "f\ng"), ("h\ni", '"')]


def test_an_escape_character_right_behind_a_closing_quote_is_ordinary_itself() -> None:
    """Arrow reads on as if it were inside the quotes; what `csv` reads is what is stored."""
    data = b'"a"\\,b\n"c"\\\\,d,e\nf,"g,""h"\n'
    assert rows(decode(data, "x", "y", dialect=ESCAPED)) == [("a\\", "b"), ("c\\,d", "e"), ("f", 'g,"h')]


def test_an_escape_character_at_the_end_of_all_leaves_its_record_unfinished() -> None:
    found = decode(b"a,b\nc,d\\", "x", "y", dialect=ESCAPED)
    assert rows(found) == [("a", "b")]
    assert found.bad == [BadRow(1, "ends with an escape character that has nothing to escape", ragged=True)]


def test_a_quote_that_is_never_closed_costs_the_record_that_opens_it() -> None:
    found = decode(b'a,b\nc,"d\ne,f\n', "x", "y")
    assert rows(found) == [("a", "b")]
    assert found.bad == [BadRow(1, "a quoted field is never closed", ragged=True)]


def test_a_very_long_cell_is_kept_whole() -> None:
    text = "é" * 700_000
    assert rows(decode(f'1,"{text}"\n2,{text}\n'.encode(), "x", "y")) == [("1", text), ("2", text)]


def test_a_record_with_too_few_or_too_many_cells_is_set_apart_with_its_place_and_numbers() -> None:
    """Its place counts records, so that blank lines and quoted line ends do not shift it."""
    found = decode(b'\n"a\nb",1\n\nc\nd,2\n\ne,3,4\nf,5', "x", "y")
    assert rows(found) == [("a\nb", "1"), ("d", "2"), ("f", "5")]
    assert found.bad == [
        BadRow(1, "has 1 cells where the header has 2", ragged=True),
        BadRow(3, "has 3 cells where the header has 2", ragged=True),
    ]
    assert [found.record(row) for row in range(3)] == [0, 2, 4]


def test_a_record_that_is_not_utf8_is_set_apart_and_says_where() -> None:
    found = decode(b"a,b\nc,\xe4\xf6\nd,e\nf\n\xff,g\n", "x", "y")
    assert rows(found) == [("a", "b"), ("d", "e")]
    assert found.bad == [
        BadRow(1, "invalid UTF-8: byte 0xe4 at place 2 of the record", ragged=True),
        BadRow(3, "has 1 cells where the header has 2", ragged=True),
        BadRow(4, "invalid UTF-8: byte 0xff at place 0 of the record", ragged=True),
    ]
    assert [found.record(row) for row in range(2)] == [0, 2]


@pytest.mark.parametrize("text", [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_surrogates_overlong_and_cut_characters_are_not_utf8(text: bytes) -> None:
    assert len(decode(text + b",b\n", "x", "y").bad) == 1


def test_a_block_may_hold_only_bad_records_or_none_at_all() -> None:
    assert [bad.record for bad in decode(b"a\nb\n", "x", "y").bad] == [0, 1]
    assert [bad.record for bad in decode(b"\xff\n", "x").bad] == [0]
    assert decode(b"\n\r\n", "x").rows == 0
    assert decode(b"a\n", "x", "y").rows == 0


def test_columns_of_a_reject_file_are_read_but_not_handed_on() -> None:
    found = decode(b"1,a,7,why\n2,b\n", "id", "name", "_asyncloader_line", "_asyncloader_error")
    assert found.names == ("id", "name")
    assert rows(found) == [("1", "a")]
    assert [bad.record for bad in found.bad] == [1]


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (b"a,b\n", True),
        ("é,😀\r\n\x7f,\u2028\r".encode(), True),
        (b'"a",b\n', False),
        (b"a\\,b\n", False),
        (b"a\tb,c\n", False),
        (b"a\0,c\n", False),
    ],
)
def test_a_block_is_plain_when_nothing_in_it_can_need_an_escape(data: bytes, plain: bool) -> None:
    assert decode(data, "x", "y").plain == plain


def test_a_tab_between_cells_is_not_in_them() -> None:
    assert decode(b"a\tb\n", "x", "y", dialect=Dialect(delimiter="\t")).plain


def test_records_are_numbered_as_the_bad_rows_are_and_know_their_lines() -> None:
    decoder = CsvDecoder(("x", "y"), Dialect())
    block = TextBlock(source=0, number=0, data=b'\na,"b\nc"\r\n\rd,e\n', offset=0, line=10)
    assert [(block.data[each.start : each.end], each.line) for each in decoder.records(block)] == [
        (b'a,"b\nc"', 11),
        (b"d,e", 14),
    ]


def test_the_cells_of_a_record_are_known_only_where_they_can_be_told_apart() -> None:
    decoder = CsvDecoder(("x", "y"), Dialect())
    assert decoder.cells(b'a,"b"') == ["a", "b"]
    assert decoder.cells(b"a") is None
    assert decoder.cells(b"a,\xff") is None
    assert decoder.cells(b'a,"\xc3"\x80') is None, "no text, though it would be one without the quotes"
    assert decoder.cells(b'a,"b') is None


def test_a_bad_row_says_its_column_where_it_has_one() -> None:
    assert str(BadRow(0, "is not a number", "price")) == "price: is not a number"
    assert str(BadRow(0, "has 1 cells")) == "has 1 cells"
