"""Headers: the names of the columns, where the records start, and what is wrong with some of them."""

from __future__ import annotations

from typing import Any

import pytest

from asyncloader.formats.csv.header import Header, read_header
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import SourceError


def read(head: bytes, *, at_end: bool = True, **dialect: Any) -> Header | None:
    return read_header("people.csv", head, Dialect(**dialect), at_end=at_end)


def header(head: bytes, **dialect: Any) -> Header:
    found = read(head, **dialect)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(b"id,name\n1,a\n", Header(("id", "name"), 8, 2), id="LF"),
        pytest.param(b"id,name\r\n1,a\r\n", Header(("id", "name"), 9, 2), id="CRLF"),
        pytest.param(b"id,name\r1,a\r", Header(("id", "name"), 8, 2), id="CR"),
        pytest.param(b"id,name", Header(("id", "name"), 7, 1), id="nothing behind it"),
        pytest.param(b'"id","na""me"\n', Header(("id", 'na"me'), 14, 2), id="quoted"),
        pytest.param(b'id,"two\nlines"\n1,2\n', Header(("id", "two\nlines"), 15, 3), id="over two lines"),
        pytest.param(b"\n\r\n\nid\n1\n", Header(("id",), 7, 5), id="behind blank lines"),
        pytest.param("ïd,näme\n".encode(), Header(("ïd", "näme"), 10, 2), id="not ASCII"),
        pytest.param(b" id , name\n", Header((" id ", " name"), 11, 2), id="spaces are part of a name"),
    ],
)
def test_a_header_gives_the_names_and_where_the_records_start(head: bytes, expected: Header) -> None:
    assert read(head) == expected


def test_skipped_rows_are_physical_lines_before_the_header() -> None:
    assert read(b'Report "x\r\n\nid\n1\n', skip_rows=2) == Header(("id",), 15, 4)


def test_a_source_without_a_header_starts_with_its_first_record() -> None:
    assert read(b"1,a\n", header=False, columns=("id", "name")) == Header(("id", "name"), 0, 1)


def test_rows_are_skipped_without_a_header_too() -> None:
    assert read(b"x\n1,a\n", header=False, columns=("id", "name"), skip_rows=1) == Header(("id", "name"), 2, 2)


def test_columns_replace_the_names_of_the_header() -> None:
    assert read(b"a,b\n1,2\n", columns=("id", "name")) == Header(("id", "name"), 4, 2)


def test_columns_mend_a_header_with_empty_or_repeated_names() -> None:
    assert header(b"a,,a\n", columns=("id", "b", "c")).columns == ("id", "b", "c")


@pytest.mark.parametrize(
    ("head", "dialect", "complaint"),
    [
        pytest.param(b"", {}, "is empty", id="empty"),
        pytest.param(b"\n\r\n", {}, "is empty", id="blank lines only"),
        pytest.param(b"x\n", {"skip_rows": 1}, "is empty", id="nothing behind the skipped rows"),
        pytest.param(b"x\ny", {"skip_rows": 2}, "fewer lines than --skip-rows 2", id="too few lines to skip"),
        pytest.param(b"", {"header": False, "columns": ("id",)}, "is empty", id="empty without a header"),
        pytest.param(b"\n\n", {"header": False, "columns": ("id",)}, "is empty", id="blank without a header"),
        pytest.param(b'id,"name\n1,a\n', {}, "people.csv:1: .*quote that is never closed", id="open quote"),
        pytest.param(b"id,na\xefme\n", {}, "people.csv:1: .*UTF-8.*--encoding", id="not UTF-8"),
        pytest.param(b"\nid,na\xefme\n", {}, "people.csv:2: ", id="not UTF-8, in the second line"),
        pytest.param(b"id,,b\n", {}, "column 2 of 3 has no name", id="a name is missing"),
        pytest.param(b"id,a,b,a\n", {}, "'a' stands 2 times", id="a name stands twice"),
        pytest.param(b"a,b\n", {"columns": ("id",)}, "has 2 columns, but --columns names 1", id="--columns too short"),
        pytest.param(b"a\n", {"columns": ("id", "id")}, "has 1 columns", id="--columns too long"),
        pytest.param(b"1,2\n", {"header": False, "columns": ("id", "id")}, "'id' stands 2", id="--columns repeats"),
        pytest.param(
            b"1,2\n", {"header": False, "columns": ("id", "")}, "column 2 of 2", id="--columns leaves one out"
        ),
        pytest.param(
            b"id,_asyncloader_error,\xff\n", {}, "people.csv:1: .*UTF-8", id="a reject file that is not UTF-8"
        ),
        pytest.param(b"id,id,_asyncloader_error\n", {}, "'id' stands 2", id="a reject file that repeats a name"),
    ],
)
def test_what_is_wrong_with_a_header_is_said_with_its_source(
    head: bytes, dialect: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(SourceError, match=complaint) as caught:
        read(head, **dialect)
    assert str(caught.value).startswith("people.csv")


@pytest.mark.parametrize(
    ("whole", "dialect"),
    [
        pytest.param(b"id,name\n1,a\n", {}, id="LF"),
        pytest.param(b"id,name\r\n1,a\r\n", {}, id="CRLF"),
        pytest.param(b"\r\n\r\nid\r\n1\r\n", {}, id="blank lines"),
        pytest.param(b'"id\r\nx",b\r\n1,2\r\n', {}, id="quoted line end"),
        pytest.param(b"x\r\ny\r\nid\r\n1\r\n", {"skip_rows": 2}, id="skipped rows"),
        pytest.param(b"id,_asyncloader_error\r\n1,x\r\n", {"header": False, "columns": ("a",)}, id="reject file"),
        pytest.param(b'"i\r\nd",_asyncloader_error,b\r\n1,x,2\r\n', {"skip_rows": 3}, id="odd reject file"),
        pytest.param(b"1,2\r\n3,4\r\n", {"header": False, "columns": ("a", "b")}, id="no header"),
    ],
)
def test_a_part_of_the_head_gives_the_same_header_or_asks_for_more(whole: bytes, dialect: dict[str, Any]) -> None:
    expected = read(whole, **dialect)
    for length in range(len(whole)):
        assert read(whole[:length], at_end=False, **dialect) in (None, expected)
    assert read(whole, at_end=False, **dialect) == expected


def test_a_reject_file_is_known_by_its_columns_whatever_is_said_of_other_sources() -> None:
    """So that a corrected reject file is loaded by the same command."""
    head = b"id,name,_asyncloader_line,_asyncloader_error,_asyncloader_raw\n1,a,7,why,\n"
    expected = Header(("id", "name", "_asyncloader_line", "_asyncloader_error", "_asyncloader_raw"), 62, 2)
    assert read(head) == expected
    assert read(head, header=False, columns=("x", "y")) == expected
    assert read(head, skip_rows=3) == expected
    assert read(head, columns=("x", "y")) == expected


def test_a_reject_file_in_another_dialect_is_known_too() -> None:
    head = b"'id';'two\nlines';_asyncloader_error\n"
    found = header(head, delimiter=";", quote="'", skip_rows=1)
    assert found == Header(("id", "two\nlines", "_asyncloader_error"), len(head), 3)


def test_a_cell_that_only_mentions_the_column_of_a_reject_file_makes_none() -> None:
    assert read(b"id,about _asyncloader_error\n", columns=("a", "b")) == Header(("a", "b"), 28, 2)


def test_the_columns_of_a_reject_file_are_not_the_sources_own() -> None:
    assert header(b"id,_asyncloader_line,b,_asyncloader_error\n").own_columns == ("id", "b")
