"""A table with a sort key, and files that come sorted by its partition key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncloader.values.schema import KeyAttribute, Table
from tests.engine.loads import TABLE, Row, Scene, Typed, csv_bytes, item_of
from tests.faultserver import FaultServer

Key = tuple[str, str]


@dataclass(frozen=True)
class SortedScene(Scene):
    """The partition key is `id`, the sort key `value`."""

    sort_type: Any = "S"

    def table(self) -> Table:
        return Table(TABLE, "arn", KeyAttribute("id"), KeyAttribute("value", self.sort_type))

    def stored(self) -> dict[Key, Typed]:
        """What the table holds, by both keys."""
        items = self.server.items(TABLE)
        return {(item["id"]["S"], item["value"][self.sort_type]): item for item in items}


def sorted_scene(server: FaultServer, folder: Path, rows: Iterable[Sequence[str]], sort_type: str = "S") -> SortedScene:
    """Make the table and the source file."""
    server.create_table(TABLE, "id", f"value:{sort_type}")
    made = SortedScene(server, folder, sort_type=sort_type)
    made.source.write_bytes(csv_bytes(rows))
    return made


def last_rows(rows: Iterable[Row]) -> dict[Key, Typed]:
    """The table after applying the rows one after the other; a row without one of its keys does nothing."""
    return {(row[0], row[1]): item_of(row) for row in rows if row[0] and row[1]}
