"""Column encoding: keys, limits, empty cells, superseded rows, one rule at a time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.keys import key_of
from asyncloader.encode.steps import run_steps
from asyncloader.formats.columns import BadRow, Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import AttributeType, KeyAttribute, Table
from asyncloader.values.settings import EmptyCells

ITEM_LIMIT = 400 * 1024
BY_ID = Table("t", "arn", KeyAttribute("id"))
Cells = list[str | None]


def encode(
    table: Table = BY_ID, types: dict[str, AttributeType] | None = None, *, empty: EmptyCells = "drop", **cells: Cells
) -> EncodedBlock:
    """A block of these columns."""
    return encode_columns(cells, table, types, empty)


def encode_columns(
    cells: Mapping[str, Sequence[str | None]],
    table: Table = BY_ID,
    types: dict[str, AttributeType] | None = None,
    empty: EmptyCells = "drop",
) -> EncodedBlock:
    """The same, for names that are no names of arguments."""
    rows = len(next(iter(cells.values())))
    arrays = tuple(pa.array(column, pa.string()) for column in cells.values())
    columns = Columns(tuple(cells), arrays, rows)
    block = TextBlock(source=0, number=0, data=b"", offset=0, line=1)
    return run_steps(ColumnEncoder(list(cells), table, types or {}, empty).encode(block, columns))


def items(encoded: EncodedBlock) -> list[dict[str, Any]]:
    """The items to send."""
    joined = bytes(encoded.payload(0, len(encoded))).decode() if len(encoded) else ""
    return [each["PutRequest"]["Item"] for each in json.loads(f"[{joined}]")]


def complaints(encoded: EncodedBlock) -> list[str]:
    return [str(bad) for bad in encoded.bad]


def test_an_item_stands_in_its_put_request() -> None:
    encoded = encode(id=["1"], name=["Ada"])
    assert bytes(encoded.data) == b'{"PutRequest":{"Item":{"name":{"S":"Ada"},"id":{"S":"1"}}}},'


@pytest.mark.parametrize("code", [*range(32), 0x22, 0x5C, 0x7F, 0x2028, 0xFFFF, 0x1F600])
def test_every_character_arrives_as_it_is(code: int) -> None:
    text = f"a{chr(code)}b{chr(code)}"
    assert items(encode(id=[text], name=[text])) == [{"id": {"S": text}, "name": {"S": text}}]


def test_all_controls_together_with_quotes_and_backslashes_are_each_escaped_once() -> None:
    text = "".join(map(chr, range(32))) + '\\"\\\\n\\u0000'
    assert items(encode(id=["1"], name=[text]))[0]["name"] == {"S": text}


def test_the_name_of_a_column_is_escaped_too() -> None:
    names = {'a"b': ["1"], "a\\b": ["2"], "a\nb": ["3"], "{0}%s": ["4"]}
    assert items(encode_columns({"id": ["0"], **names}))[0] == {"id": {"S": "0"}} | {
        name: {"S": cell} for name, (cell,) in names.items()
    }


@pytest.mark.parametrize(
    ("empty", "expected"),
    [("drop", {}), ("null", {"note": {"NULL": True}}), ("keep", {"note": {"S": ""}})],
)
def test_an_empty_cell_is_dropped_or_null_or_kept(empty: EmptyCells, expected: dict[str, Any]) -> None:
    found = items(encode(id=["1", "2"], note=[None, "x"], empty=empty))
    assert found == [{"id": {"S": "1"}} | expected, {"id": {"S": "2"}, "note": {"S": "x"}}]


def test_all_patterns_of_empty_cells_give_whole_items() -> None:
    """Three columns side by side, each present or not."""
    patterns = [[(number >> place) & 1 for place in range(3)] for number in range(8)]
    columns: dict[str, Cells] = {
        name: ["x" if pattern[place] else None for pattern in patterns] for place, name in enumerate("abc")
    }
    found = items(encode_columns({"id": [str(number) for number in range(8)], **columns}))
    assert [[int(name in item) for name in "abc"] for item in found] == patterns


def test_an_empty_cell_can_be_kept_only_as_text_or_bytes() -> None:
    encoded = encode(id=["1"], n=[None], b=[None], types={"n": "N", "b": "B"}, empty="keep")
    assert complaints(encoded) == ["n: an empty cell is no N; use --empty drop or null"]
    assert items(encode(id=["1"], b=[None], types={"b": "B"}, empty="keep")) == [{"id": {"S": "1"}, "b": {"B": ""}}]


@pytest.mark.parametrize("empty", ["drop", "null", "keep"])
def test_an_empty_key_is_a_bad_row_whatever_becomes_of_empty_cells(empty: EmptyCells) -> None:
    encoded = encode(id=["1", None], name=["a", "b"], empty=empty)
    assert len(encoded) == 1
    assert complaints(encoded) == ["id: the key is empty"]


@pytest.mark.parametrize("empty", ["drop", "null", "keep"])
def test_an_empty_index_key_is_left_out_of_its_item(empty: EmptyCells) -> None:
    """DynamoDB takes neither an empty nor a NULL index key; without it the item just is not in the index."""
    table = Table("t", "arn", KeyAttribute("id"), index_keys=(KeyAttribute("city"),))
    assert items(encode(table, id=["1"], city=[None], empty=empty)) == [{"id": {"S": "1"}}]


@pytest.mark.parametrize(("name", "limit"), [("id", 2048), ("at", 1024), ("city", 2048), ("born", 1024)], ids=str)
def test_a_key_may_be_as_long_as_dynamodb_allows_and_no_longer(name: str, limit: int) -> None:
    """In bytes of UTF-8; sort keys half as long as partition keys, in indexes as in the table."""
    table = Table(
        "t",
        "arn",
        KeyAttribute("id"),
        KeyAttribute("at"),
        index_keys=(KeyAttribute("city"), KeyAttribute("born")),
        index_sort_keys=frozenset({"born"}),
    )
    cells: dict[str, Cells] = {each: ["x", "y", "z"] for each in ("id", "at", "city", "born")}
    cells[name] = ["é" * (limit // 2), "é" * (limit // 2) + "e", "z"]
    encoded = encode_columns(cells, table)
    assert complaints(encoded) == [f"{name}: the key has {limit + 1} bytes; DynamoDB allows {limit}"]
    assert [encoded.record(item) for item in range(len(encoded))] == [0, 2]


def test_a_binary_key_is_measured_by_its_bytes() -> None:
    table = Table("t", "arn", KeyAttribute("id", "B"))
    encoded = encode(table, id=["AAAA" * 682 + "AAA=", "AAAA" * 683])
    assert len(encoded) == 1
    assert complaints(encoded) == ["id: the key has 2049 bytes; DynamoDB allows 2048"]


def test_a_number_key_has_no_limit_of_bytes() -> None:
    table = Table("t", "arn", KeyAttribute("id", "N"))
    assert len(encode(table, id=["0" * 3000 + "1"])) == 1


@pytest.mark.parametrize(("kind", "text"), [("N", "seven"), ("N", "1" * 39), ("B", "QQ")])
def test_a_key_that_is_no_value_of_its_type_is_a_bad_row(kind: Any, text: str) -> None:
    for table in (
        Table("t", "arn", KeyAttribute("id", kind)),
        Table("t", "arn", KeyAttribute("pk"), KeyAttribute("id", kind)),
        Table("t", "arn", KeyAttribute("pk"), index_keys=(KeyAttribute("id", kind),)),
    ):
        encoded = encode(table, pk=["x"], id=[text])
        assert (len(encoded), len(encoded.bad)) == (0, 1)
        assert encoded.bad[0].column == "id"


def test_an_item_may_be_as_large_as_dynamodb_allows_and_no_larger() -> None:
    """400 KB of names and values (docs/dynamodb.md#item-size), not of JSON, where a control character takes six bytes."""
    room = ITEM_LIMIT - len("id") - 1 - len("näme".encode())
    encoded = encode(id=["1", "2"], näme=["\x01" * room, "\x01" * (room + 1)])
    assert len(encoded) == 1
    assert encoded.sizes.tolist() == [ITEM_LIMIT]
    assert complaints(encoded) == [f"the item has {ITEM_LIMIT + 1} bytes; DynamoDB allows {ITEM_LIMIT}"]


def test_a_bad_row_gives_the_first_reason_and_costs_no_other_row() -> None:
    encoded = encode(
        id=["1", None, "3", "4"],
        n=["1", "x", "y", "4"],
        flag=["true", "no", "maybe", "false"],
        types={"n": "N", "flag": "BOOL"},
    )
    assert [item["id"]["S"] for item in items(encoded)] == ["1", "4"]
    assert complaints(encoded) == ["n: 'x' is not a number", "n: 'y' is not a number"]
    assert [bad.record for bad in encoded.bad] == [1, 2]


def test_the_last_row_of_a_key_wins_inside_a_block() -> None:
    encoded = encode(id=["a", "b", "a", "c", "a"], n=["0", "1", "2", "3", "4"])
    assert [item["n"]["S"] for item in items(encoded)] == ["1", "3", "4"]
    assert encoded.superseded == 2
    assert [encoded.record(item) for item in range(5)] == [1, 3, 4, 0, 2]


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [("N", ["1", "1.0", "01", "1e0", "+1", "0.1e1"]), ("N", ["0", "-0", "0.00"]), ("B", ["QQ==", "QR==", "Qf=="])],
)
def test_keys_are_the_same_by_value_not_by_spelling(kind: Any, spellings: list[str]) -> None:
    encoded = encode(Table("t", "arn", KeyAttribute("id", kind)), id=[*spellings], n=[*map(str, range(len(spellings)))])
    assert (len(encoded), encoded.superseded) == (1, len(spellings) - 1)
    assert items(encoded)[0]["n"] == {"S": str(len(spellings) - 1)}


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("a", "A"), ("a", "a "), ("é", "e\u0301"), ("a", "a\0")])
def test_text_keys_are_the_same_only_letter_by_letter(one: str, other: str) -> None:
    assert len(encode(id=[one, other])) == 2


def test_a_bad_row_does_not_replace_an_earlier_one_of_its_key() -> None:
    encoded = encode(id=["a", "a"], n=["1", "x"], types={"n": "N"})
    assert items(encoded) == [{"id": {"S": "a"}, "n": {"N": "1"}}]
    assert (encoded.superseded, len(encoded.bad)) == (0, 1)


def test_the_predecessor_of_an_item_is_the_row_that_it_replaced_last() -> None:
    encoded = encode(id=["a", "b", "a", "a", "c"])
    by_record = {encoded.record(item): item for item in range(5)}
    assert encoded.predecessor(by_record[3]) == by_record[2]
    assert encoded.predecessor(by_record[2]) == by_record[0]
    assert encoded.predecessor(by_record[0]) is None
    assert encoded.predecessor(by_record[1]) is None


def test_a_row_of_another_key_is_no_predecessor_even_where_the_hashes_are_equal() -> None:
    encoded = encode(id=["b", "a", "b", "a"])
    encoded.hashes = np.full_like(encoded.hashes, 7)
    by_record = {encoded.record(item): item for item in range(4)}
    assert encoded.predecessor(by_record[3]) == by_record[1]
    assert encoded.predecessor(by_record[2]) == by_record[0]


def test_records_are_those_of_the_block_where_the_decoder_has_left_some_out() -> None:
    columns = Columns(
        ("id", "n"),
        (pa.array(["a", "b", "a", "c"]), pa.array(["1", "x", "3", "4"])),
        4,
        np.array([0, 2, 3, 5], dtype=np.int64),
        [BadRow(1, "ragged", ragged=True), BadRow(4, "ragged", ragged=True)],
    )
    block = TextBlock(source=0, number=0, data=b"", offset=0, line=1)
    encoded = run_steps(ColumnEncoder(["id", "n"], BY_ID, {"n": "N"}, "drop").encode(block, columns))
    assert [encoded.record(item) for item in range(len(encoded.sizes))] == [3, 5, 0]
    assert [bad.record for bad in encoded.bad] == [1, 2, 4]
    assert encoded.rows_read == 6


def test_a_block_without_rows_is_a_block_without_items() -> None:
    encoded = encode(id=[], n=[])
    assert (len(encoded), encoded.rows_read, bytes(encoded.data)) == (0, 0, b"")


def test_a_table_of_nothing_but_its_key_can_be_loaded() -> None:
    assert items(encode(id=["a", "b"])) == [{"id": {"S": "a"}}, {"id": {"S": "b"}}]


def test_a_key_as_the_service_spells_it_is_the_key_that_was_sent() -> None:
    """It may normalise numbers in what it hands back."""
    table = Table("t", "arn", KeyAttribute("id", "N"), KeyAttribute("at"))
    encoded = encode(table, id=["1.50"], at=["x"])
    assert key_of({"id": {"N": "1.5"}, "at": {"S": "x"}}, table.key) == encoded.item_key(0)


def test_the_type_of_a_key_is_the_tables() -> None:
    table = Table("t", "arn", KeyAttribute("id", "N"), index_keys=(KeyAttribute("raw", "B"),))
    assert items(encode(table, id=["07"], raw=["QQ=="])) == [{"id": {"N": "07"}, "raw": {"B": "QQ=="}}]
    assert items(encode(table, {"id": "N"}, id=["7"])) == [{"id": {"N": "7"}}]


@pytest.mark.parametrize("name", ["id", "raw"])
def test_a_type_that_contradicts_the_table_is_refused(name: str) -> None:
    table = Table("t", "arn", KeyAttribute("id", "N"), index_keys=(KeyAttribute("raw", "B"),))
    with pytest.raises(UsageError, match=f"--type {name}=S: '{name}' is a key attribute of type"):
        ColumnEncoder(["id", "raw"], table, {name: "S"}, "drop")


def test_a_source_without_the_key_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no column 'at', which is a key of table t"):
        ColumnEncoder(["id"], Table("t", "arn", KeyAttribute("id"), KeyAttribute("at")), {}, "drop")


@pytest.mark.parametrize(
    ("table", "ids", "long"),
    [
        (BY_ID, ["a", "b"], {"binary_join_element_wise"}),
        (BY_ID, ["a", "a"], {"binary_join_element_wise", "superseded_rows"}),
        (Table("t", "arn", KeyAttribute("id", "N")), ["1", "2"], {"binary_join_element_wise", "cells", "_keys"}),
    ],
    ids=["plain", "repeated", "numbers"],
)
def test_what_may_look_at_cells_one_by_one_is_a_long_step(table: Table, ids: list[str], long: set[str]) -> None:
    encoder = ColumnEncoder(["id"], table, {}, "drop")
    run_steps(encoder.encode(TextBlock(0, 0, b"", 0, 1), Columns(("id",), (pa.array(["0"]),), 1)))
    steps = encoder.encode(TextBlock(0, 0, b"", 0, 1), Columns(("id",), (pa.array(ids),), len(ids)))
    calls: list[Any] = []
    told: Any = None
    with contextlib.suppress(StopIteration):
        while True:
            call = steps.send(told)
            calls += [] if call is None else [call]
            told = None if call is None else call()
    assert {call.func.__name__ for call in calls} == long
