"""Decoding: Arrow's rows are those of Python's `csv`, or the row is rejected; never another row."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from asyncloader.formats.columns import Columns
from asyncloader.formats.csv.cutter import Cutter, TextBlock
from asyncloader.formats.csv.decoder import CsvDecoder
from asyncloader.values.dialect import Dialect
from tests.properties import csv_oracle
from tests.properties.effort import thorough, usual
from tests.properties.strategies import (
    RFC4180,
    block_sizes,
    broken_csv_sources,
    csv_sources,
    long_csv_texts,
)

ESCAPED = Dialect(escape="\\")


def blocks_of(data: bytes, dialect: Dialect, block_bytes: int) -> list[TextBlock]:
    """The source in blocks, as the reader makes them."""
    cutter = Cutter(dialect, block_bytes=block_bytes)
    cuts = [cutter.feed(data[at : at + 7]) for at in range(0, len(data), 7)] + [cutter.finish()]
    return [
        TextBlock(0, number, cut.data, cut.offset, cut.line, last=cut.last)
        for number, cut in enumerate(cut for cut in cuts if cut is not None)
    ]


def decoder_of(width: int, dialect: Dialect) -> CsvDecoder:
    return CsvDecoder([f"column {number}" for number in range(width)], dialect)


def rows_of(columns: Columns) -> list[tuple[str, ...]]:
    """The rows with empty cells as csv has them."""
    texts = [[text or "" for text in array.to_pylist()] for array in columns.arrays]
    return list(zip(*texts, strict=True))


def expected_rows(data: bytes, dialect: Dialect, width: int) -> list[tuple[str, ...] | None]:
    """What each record is to become: its cells, or None for one that must be set apart."""
    rows = csv_oracle.rows(data, dialect)
    good = [row.cells if len(row.cells) == width and row.is_text else None for row in rows]
    if good and not csv_oracle.is_finished(data, dialect):
        good[-1] = None
    return good


def decoded_rows(data: bytes, dialect: Dialect, width: int, block_bytes: int) -> list[tuple[str, ...] | None]:
    """What each record became."""
    decoder = decoder_of(width, dialect)
    found: list[tuple[str, ...] | None] = []
    for block in blocks_of(data, dialect, block_bytes):
        columns = decoder.decode(block)
        records: list[tuple[str, ...] | None] = [None] * (columns.rows + len(columns.bad))
        for row, cells in enumerate(rows_of(columns)):
            records[columns.record(row)] = cells
        for bad in columns.bad:
            assert records[bad.record] is None, "a record is bad and a row at once"
        assert len(records) == len(decoder.records(block))
        found += records
    return found


@thorough
@given(broken_csv_sources(), st.integers(1, 3), block_sizes)
@example((RFC4180, b"\xef\xbb\xbfa,b\n"), 2, 100)
@example((RFC4180, b"\xef\xbb\xbf\n\xef\xbb\xbf"), 1, 100)
@example((RFC4180, b'\n\n""\n\n"",\r\rx,\0\n'), 2, 100)
@example((ESCAPED, b'"a"\\,b\n'), 2, 100)
@example((ESCAPED, b"a\\"), 1, 100)
@example((ESCAPED, b'""\\\n"x"\n'), 1, 100)
def test_the_rows_are_those_of_csv(source: tuple[Dialect, bytes], width: int, block_bytes: int) -> None:
    dialect, data = source
    assert decoded_rows(data, dialect, width, block_bytes) == expected_rows(data, dialect, width)


@usual
@given(long_csv_texts(), st.integers(100, 20_000))
def test_many_rows_of_long_cells_are_those_of_csv(data: bytes, block_bytes: int) -> None:
    assert decoded_rows(data, RFC4180, 3, block_bytes) == expected_rows(data, RFC4180, 3)


@usual
@given(csv_sources(), st.integers(1, 3))
def test_an_empty_cell_is_a_null_and_nothing_else_is(source: tuple[Dialect, bytes], width: int) -> None:
    dialect, data = source
    for block in blocks_of(data, dialect, 10_000):
        for array in decoder_of(width, dialect).decode(block).arrays:
            assert "" not in array.to_pylist()


@thorough
@given(csv_sources(), st.integers(1, 3))
def test_plain_columns_hold_nothing_that_json_escapes(source: tuple[Dialect, bytes], width: int) -> None:
    dialect, data = source
    for block in blocks_of(data, dialect, 10_000):
        columns = decoder_of(width, dialect).decode(block)
        if columns.plain:
            assert not any(mark < " " or mark in '"\\' for row in rows_of(columns) for mark in "".join(row))


@usual
@given(broken_csv_sources(), st.integers(1, 3))
def test_one_record_alone_reads_like_its_row(source: tuple[Dialect, bytes], width: int) -> None:
    """What a reject file shows of a record is what would have been stored; nothing where its cells are unknown."""
    dialect, data = source
    decoder = decoder_of(width, dialect)
    expected = expected_rows(data, dialect, width)
    found = []
    for block in blocks_of(data, dialect, 10_000):
        found += [decoder.cells(block.data[each.start : each.end]) for each in decoder.records(block)]
    assert [cells if cells is None else tuple(cells) for cells in found] == expected


@usual
@given(broken_csv_sources(), st.integers(1, 3), block_sizes)
def test_every_bad_record_has_its_reason(source: tuple[Dialect, bytes], width: int, block_bytes: int) -> None:
    dialect, data = source
    for block in blocks_of(data, dialect, block_bytes):
        bad = decoder_of(width, dialect).decode(block).bad
        assert [each.record for each in bad] == sorted({each.record for each in bad})
        assert all(each.reason and each.ragged for each in bad)
