"""Column encoding: every row is the item that boto3 would send, or superseded, or bad for a reason; and none is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.encode import numbers
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.cells import CELLS
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.steps import run_steps
from asyncloader.formats.columns import BadRow, Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.values.schema import AttributeType, KeyAttribute, Table
from asyncloader.values.settings import EmptyCells
from tests.properties import boto3_oracle, strategies, table_oracle
from tests.properties.effort import thorough, usual
from tests.properties.strategies import Cell

BLOCK = TextBlock(source=0, number=0, data=b"", offset=0, line=1)


@dataclass(frozen=True)
class Case:
    """A block of rows for a table, and the records that they were in the source."""

    table: Table
    kinds: dict[str, AttributeType]
    rows: list[dict[str, Cell]]
    records: list[int]
    bad: list[BadRow]
    empty: EmptyCells

    def columns(self, *, plain: bool = False) -> Columns:
        """The rows as the decoder hands them over; `records` is given only where some record is missing."""
        arrays = tuple(pa.array([row[name].text for row in self.rows], pa.string()) for name in self.kinds)
        records = np.array(self.records, dtype=np.int64) if self.bad else None
        return Columns(tuple(self.kinds), arrays, len(self.rows), records, list(self.bad), plain)

    def encode(self, *, plain: bool = False) -> EncodedBlock:
        """The block, encoded."""
        demanded = self.table.typed
        types = {name: kind for name, kind in self.kinds.items() if name not in demanded}
        encoder = ColumnEncoder(list(self.kinds), self.table, types, self.empty)
        return run_steps(encoder.encode(BLOCK, self.columns(plain=plain)))

    def expected(self) -> table_oracle.Expected:
        """What should come of it."""
        return table_oracle.expect(self.rows, self.kinds, self.table, self.empty)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any table with any columns, and rows whose keys often repeat."""
    names = draw(st.lists(strategies.column_names, min_size=1, max_size=5, unique=True))
    key_count = draw(st.integers(1, min(2, len(names))))
    keys = [KeyAttribute(name, draw(strategies.key_types)) for name in names[:key_count]]
    index_count = draw(st.integers(0, min(1, len(names) - key_count)))
    index_keys = tuple(
        KeyAttribute(name, draw(strategies.key_types)) for name in names[key_count : key_count + index_count]
    )
    table = Table("t", "arn", keys[0], keys[1] if key_count == 2 else None, index_keys)
    kinds: dict[str, AttributeType] = {
        name: table.typed[name] if name in table.typed else draw(strategies.attribute_types)
        for name in draw(st.permutations(names))
    }
    cells = {
        name: strategies.key_cells(table.typed[name]) if name in {key.name for key in keys} else strategies.cells(kind)
        for name, kind in kinds.items()
    }
    rows = draw(st.lists(st.fixed_dictionaries(cells), max_size=8))
    records = sorted(draw(st.sets(st.integers(0, 12), min_size=len(rows), max_size=len(rows))))
    missing = sorted(set(range(max(records, default=-1) + 1)) - set(records))
    bad = [BadRow(record, "too few cells", ragged=True) for record in missing]
    return Case(table, kinds, rows, records, bad, draw(st.sampled_from(get_args(EmptyCells))))


def items_of(encoded: EncodedBlock) -> list[dict[str, object]]:
    """Every item of a block, superseded ones included, read back from its JSON."""
    payloads = [bytes(encoded.payload(item, item + 1)) for item in range(len(encoded.sizes))]
    return [json.loads(payload)["PutRequest"]["Item"] for payload in payloads]


def rows_in_order(case: Case, expected: table_oracle.Expected) -> list[int]:
    """The rows in the order of the encoded block: those to send, then the superseded ones."""
    return [*expected.sent, *sorted(expected.superseded)]


@thorough
@given(cases())
def test_the_items_are_those_that_boto3_would_send(case: Case) -> None:
    encoded, expected = case.encode(), case.expected()
    wanted = boto3_oracle.sent_items([expected.items[row] for row in rows_in_order(case, expected)])
    assert [boto3_oracle.comparable_item(item) for item in items_of(encoded)] == [
        boto3_oracle.comparable_item(item) for item in wanted
    ]


@usual
@given(cases())
def test_every_row_is_sent_or_superseded_or_bad(case: Case) -> None:
    encoded, expected = case.encode(), case.expected()
    assert encoded.rows_read == len(encoded) + encoded.superseded + len(encoded.bad)
    assert encoded.rows_read == len(case.rows) + len(case.bad)
    assert len(encoded) == len(expected.sent)
    assert encoded.superseded == len(expected.superseded)


@usual
@given(cases())
def test_a_bad_row_names_its_record_and_a_column_that_is_to_blame(case: Case) -> None:
    encoded, expected = case.encode(), case.expected()
    before = {each.record for each in case.bad}
    found = [each for each in encoded.bad if each.record not in before]
    assert {case.records.index(each.record) if case.bad else each.record for each in found} == set(expected.bad)
    for each in found:
        row = case.records.index(each.record) if case.bad else each.record
        assert each.column in expected.bad[row]
        assert each.reason
    assert [each.record for each in encoded.bad] == sorted(each.record for each in encoded.bad)
    assert set(case.bad) <= set(encoded.bad)


@usual
@given(cases())
def test_the_sizes_are_those_of_dynamodb(case: Case) -> None:
    encoded, expected = case.encode(), case.expected()
    assert encoded.sizes.tolist() == [
        boto3_oracle.item_size(expected.items[row]) for row in rows_in_order(case, expected)
    ]


@usual
@given(cases())
def test_each_item_knows_its_record(case: Case) -> None:
    """Also with bad rows in between, and superseded ones taken out of the order."""
    encoded, expected = case.encode(), case.expected()
    records = case.records if case.bad else range(len(case.rows))
    assert [encoded.record(item) for item in range(len(encoded.sizes))] == [
        records[row] for row in rows_in_order(case, expected)
    ]


@usual
@given(cases())
def test_keys_and_hashes_are_equal_together(case: Case) -> None:
    encoded, expected = case.encode(), case.expected()
    rows = rows_in_order(case, expected)
    keys = [encoded.item_key(item) for item in range(len(rows))]
    for one, other in zip(range(len(rows)), range(1, len(rows)), strict=False):
        same = expected.keys[rows[one]] == expected.keys[rows[other]]
        assert (keys[one] == keys[other]) == same
        assert (encoded.hashes[one] == encoded.hashes[other]) == same


@usual
@given(cases())
def test_the_predecessor_is_the_last_earlier_row_of_the_same_key(case: Case) -> None:
    encoded, expected = case.encode(), case.expected()
    rows = rows_in_order(case, expected)
    for item, row in enumerate(rows):
        earlier = [other for other in expected.items if other < row and expected.keys[other] == expected.keys[row]]
        assert encoded.predecessor(item) == (rows.index(earlier[-1]) if earlier else None)


@usual
@given(cases(), st.data())
def test_a_payload_is_a_slice_of_items_joined_by_commas(case: Case, data: st.DataObject) -> None:
    encoded = case.encode()
    stop = data.draw(st.integers(0, len(encoded.sizes)))
    first = data.draw(st.integers(0, stop))
    if first < stop:
        joined = json.loads(f"[{bytes(encoded.payload(first, stop)).decode()}]")
        assert [each["PutRequest"]["Item"] for each in joined] == items_of(encoded)[first:stop]


@usual
@given(cases())
def test_plain_text_needs_no_escape_and_is_encoded_the_same(case: Case) -> None:
    """`plain` only saves work: where it is true, the bytes are those of the careful way."""
    texts = [cell.text or "" for row in case.rows for cell in row.values()]
    if not any(mark < " " or mark in '"\\' for text in texts for mark in text):
        assert bytes(case.encode(plain=True).data) == bytes(case.encode(plain=False).data)


@thorough
@given(st.sampled_from(get_args(AttributeType)), st.data())
def test_a_column_tells_values_from_what_is_none(kind: AttributeType, data: st.DataObject) -> None:
    """One column alone: its bad cells are exactly those that are no value of its type, and the sizes are right."""
    column: Sequence[Cell] = data.draw(st.lists(strategies.cells(kind), max_size=10))
    cells = CELLS[kind](pa.array([cell.text for cell in column], pa.string()), False)
    assert set(cells.bad) == {row for row, cell in enumerate(column) if not cell.valid}
    assert all(cells.bad.values())
    for row, cell in enumerate(column):
        if cell.valid:
            value = None if cell.text is None else boto3_oracle.python_value(kind, cell.text)
            assert cells.sizes[row] == (0 if cell.text is None else boto3_oracle.size(value))


@thorough
@given(st.lists(strategies.numbers(), min_size=1, max_size=20))
def test_the_sizes_of_a_column_of_numbers_are_those_of_its_numbers(texts: list[str]) -> None:
    """The whole column at once, and each number alone."""
    assert CELLS["N"](pa.array(texts, pa.string()), False).sizes.tolist() == [numbers.size(text) for text in texts]
