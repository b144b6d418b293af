"""A block of rows by the book: what becomes of each row, worked out row by row from Python values."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from asyncloader.values.schema import AttributeType, Table
from asyncloader.values.settings import EmptyCells
from tests.properties import boto3_oracle
from tests.properties.strategies import Cell

Row = Mapping[str, Cell]
Key = tuple[object, ...]


@dataclass(frozen=True)
class Expected:
    """What becomes of every row: its item, or the columns that are to blame; and which items a later row replaces."""

    items: dict[int, dict[str, object]] = field(default_factory=dict)
    bad: dict[int, set[str | None]] = field(default_factory=dict)
    superseded: set[int] = field(default_factory=set)
    keys: dict[int, Key] = field(default_factory=dict)

    @property
    def sent(self) -> list[int]:
        """The rows whose items go to the table, in the order of the file."""
        return [row for row in self.items if row not in self.superseded]


def key_value(kind: str, text: str) -> object:
    """The value by which DynamoDB compares keys of this type."""
    match kind:
        case "N":
            return Decimal(text)
        case "B":
            return base64.b64decode(text)
    return text


def expect(rows: Sequence[Row], kinds: Mapping[str, AttributeType], table: Table, empty: EmptyCells) -> Expected:
    """What becomes of `rows`."""
    found = Expected()
    last: dict[Key, int] = {}
    for number, row in enumerate(rows):
        item, blamed = _item(row, kinds, table, empty)
        if not blamed and boto3_oracle.item_size(item) > 400 * 1024:
            blamed.add(None)
        if blamed:
            found.bad[number] = blamed
            continue
        key = tuple(key_value(each.type, row[each.name].text or "") for each in table.key)
        if key in last:
            found.superseded.add(last[key])
        last[key] = number
        found.items[number], found.keys[number] = item, key
    return found


def _item(
    row: Row, kinds: Mapping[str, AttributeType], table: Table, empty: EmptyCells
) -> tuple[dict[str, object], set[str | None]]:
    key_names = {each.name for each in table.key}
    index_names = {each.name for each in table.index_keys}
    item: dict[str, object] = {}
    blamed: set[str | None] = set()
    for name, cell in row.items():
        if not cell.valid:
            blamed.add(name)
        elif cell.text is not None:
            item[name] = boto3_oracle.python_value(kinds[name], cell.text)
        elif name in key_names:
            blamed.add(name)
        elif empty == "null" and name not in index_names:
            item[name] = None
        elif empty == "keep" and name not in index_names:
            if kinds[name] in ("S", "B"):
                item[name] = "" if kinds[name] == "S" else b""
            else:
                blamed.add(name)
    return item, blamed
