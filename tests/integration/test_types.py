"""Typed columns, keys of every type and index keys: what is in the table is what boto3 would have written."""

from __future__ import annotations

import base64
import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

import asyncloader
from tests.integration.tables import Contents, contents, create
from tests.servers import Server

TYPES = {
    "price": "N",
    "sold": "BOOL",
    "gone": "NULL",
    "blob": "B",
    "tags": "SS",
    "sizes": "NS",
    "parts": "BS",
    "list": "L",
    "map": "M",
}
HEADER = ("id", "text", *TYPES)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


ROWS: list[tuple[Sequence[str], dict[str, Any]]] = [
    (
        ("1", "007", "007.50", "TRUE", "null", _base64(b"\x00\xff"),
         '["b","a"]', '["1", 2.5]', f'["{_base64(b"p")}"]', "[1,true]", '{"a":{"b":null}}'),
        {
            "id": "1",
            "text": "007",
            "price": Decimal("7.5"),
            "sold": True,
            "gone": None,
            "blob": b"\x00\xff",
            "tags": {"a", "b"},
            "sizes": {Decimal(1), Decimal("2.5")},
            "parts": {b"p"},
            "list": [Decimal(1), True],
            "map": {"a": {"b": None}},
        },
    ),
    (
        ("2", "1e3", "-12345678901234567890123456789012345678", "false", "", _base64(bytes(range(256))),
         '["é, \\"q\\""]', "[0]", "", '["ü", {"n": [null]}]', "{}"),
        {
            "id": "2",
            "text": "1e3",
            "price": Decimal("-12345678901234567890123456789012345678"),
            "sold": False,
            "blob": bytes(range(256)),
            "tags": {'é, "q"'},
            "sizes": {Decimal(0)},
            "list": ["ü", {"n": [None]}],
            "map": {},
        },
    ),
    (
        ("3", "", "1.5E-7", "False", "", "", "", "", "", "[]", ""),
        {"id": "3", "price": Decimal("0.00000015"), "sold": False, "list": []},
    ),
    (("4", "", "", "", "", "", "", "", "", "", ""), {"id": "4"}),
]  # fmt: skip


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def _plain(stored: Contents) -> list[dict[str, Any]]:
    """Items as Python values by boto3, in the order of their keys."""
    read = TypeDeserializer().deserialize
    return [_as_bytes({name: read(value) for name, value in stored[key].items()}) for key in sorted(stored)]


def _as_bytes(value: Any) -> Any:
    """Boto3's Binary as plain bytes, at any depth."""
    if isinstance(value, dict):
        return {name: _as_bytes(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_bytes(member) for member in value]
    if isinstance(value, set):
        return {_as_bytes(member) for member in value}
    return value.value if hasattr(value, "value") else value


async def test_every_type_arrives_as_boto3_would_write_it(server: Server, table_name: str, work_folder: Path) -> None:
    """Numbers of 38 digits, exponents, binary, sets, lists and maps; empty cells leave no attribute."""
    source = _write(work_folder / "typed.csv", HEADER, [cells for cells, _ in ROWS])
    with server.client() as client:
        create(client, table_name)
        report = await asyncloader.load(table_name, source, endpoint_url=server.url, types=TYPES)
        stored = contents(client, table_name, "id")
    assert report.counts.rows_rejected == 0
    assert _plain(stored) == [item for _, item in ROWS]


async def test_numeric_keys_are_equal_by_value(server: Server, table_name: str, work_folder: Path) -> None:
    """A key column of type N takes its type from the table; 1, 1.0 and 01 are one key and the last row wins."""
    rows = [("1", "first"), ("2", "two"), ("1.0", "second"), ("-0.5", "negative"), ("01", "third"), ("1e2", "hundred")]
    source = _write(work_folder / "numbers.csv", ("number", "name"), rows)
    with server.client() as client:
        create(client, table_name, "number:N")
        report = await asyncloader.load(table_name, source, endpoint_url=server.url)
        stored = contents(client, table_name, "number")
    found = {Decimal(item["number"]["N"]): item["name"]["S"] for item in stored.values()}
    assert found == {Decimal(1): "third", Decimal(2): "two", Decimal("-0.5"): "negative", Decimal(100): "hundred"}
    assert (report.counts.items_written, report.counts.rows_superseded) == (4, 2)


async def test_binary_keys_and_numeric_sort_keys_are_written_as_such(
    server: Server, table_name: str, work_folder: Path
) -> None:
    """A key pair of B and N: base64 text becomes bytes, and the pair is the key."""
    rows = [
        (_base64(key), number, f"{key!r} {number}")
        for key in (b"\x00", b"\xff\xfe", b"k")
        for number in ("1", "-2", "3.5")
    ]
    source = _write(work_folder / "binary.csv", ("hash", "at", "name"), rows)
    with server.client() as client:
        create(client, table_name, "hash:B", "at:N")
        report = await asyncloader.load(table_name, source, endpoint_url=server.url)
        stored = contents(client, table_name, "hash", "at")
    found = {(key, Decimal(number)): item["name"]["S"] for (key, number), item in stored.items()}
    assert found == {(base64.b64decode(key), Decimal(number)): name for key, number, name in rows}
    assert report.counts.items_written == len(rows)


async def test_rows_with_the_same_partition_key_differ_by_sort_key(
    server: Server, table_name: str, work_folder: Path
) -> None:
    """Only the whole pair is a key: the last row of each pair wins, nothing else is superseded."""
    rows = [(f"user-{number % 3}", f"2024-01-{number % 10:02}", f"row {number}") for number in range(60)]
    source = _write(work_folder / "events.csv", ("user", "day", "note"), rows)
    with server.client() as client:
        create(client, table_name, "user", "day")
        report = await asyncloader.load(table_name, source, endpoint_url=server.url, workers=4)
        stored = contents(client, table_name, "user", "day")
    assert {key: item["note"]["S"] for key, item in stored.items()} == {(user, day): note for user, day, note in rows}
    assert (report.counts.items_written, report.counts.rows_superseded) == (30, 30)


async def test_an_empty_index_key_leaves_the_item_out_of_the_index_only(
    server: Server, table_name: str, work_folder: Path
) -> None:
    """The key attribute of a global index has the type the table names; where its cell is empty the row is loaded."""
    rows = [(str(number), str(number) if number % 2 else "") for number in range(10)]
    source = _write(work_folder / "indexed.csv", ("id", "age"), rows)
    with server.client() as client:
        create(client, table_name, index="age:N")
        report = await asyncloader.load(table_name, source, endpoint_url=server.url, empty="keep")
        stored = contents(client, table_name, "id")
        found = client.query(
            TableName=table_name,
            IndexName="by-age",
            KeyConditionExpression="age = :age",
            ExpressionAttributeValues={":age": {"N": "7"}},
        )
    assert stored == {(key,): {"id": {"S": key}} | ({"age": {"N": age}} if age else {}) for key, age in rows}
    assert found["Items"] == [stored["7",]]
    assert report.counts.rows_rejected == 0
