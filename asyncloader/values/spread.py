"""How the writes of a load are spread over the partitions of its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asyncloader.values.errors import UsageError
from asyncloader.values.schema import Table

MAX_SPLITS = 64
MAX_SHARDS = 1000


@dataclass(frozen=True, slots=True)
class ShardKey:
    """Split every value of a partition key `column` into `shards`, by a suffix `#0`, `#1` and so on."""

    column: str
    shards: int

    def __post_init__(self) -> None:
        if not self.column:
            raise UsageError("--shard-key takes COLUMN=N, for example --shard-key tenant=8; the column is missing")
        if not 2 <= self.shards <= MAX_SHARDS:
            raise UsageError(f"--shard-key {self.column} takes 2 to {MAX_SHARDS} shards, not {self.shards}")

    def check(self, table: Table) -> None:
        """Raises `UsageError` where the table has nothing to split, or nothing to tell the shards by."""
        key = table.partition_key
        if self.column != key.name:
            raise UsageError(
                f"--shard-key {self.column}: is not the partition key of table {table.name}, which is {key.name!r}"
            )
        if key.type != "S":
            raise UsageError(f"--shard-key {self.column}: is of type {key.type}; only text (S) can take a suffix")
        if table.sort_key is None:
            raise UsageError(
                f"--shard-key {self.column}: table {table.name} has no sort key to choose the shard by, and as each value "
                f"of {self.column} is one item, there is nothing to split"
            )

    def explain(self, table: Table) -> dict[str, Any]:
        """What a reader of the table has to know: `column`, `shards`, and in one sentence how to `query`."""
        sort_key = table.sort_key.name if table.sort_key else ""
        last = self.shards - 1
        query = (
            f"query {self.column} = VALUE#0 to VALUE#{last}, all {self.shards} of them; "
            f"the item with a given {sort_key} is in VALUE#S, S = crc32({sort_key}) % {self.shards}"
        )
        return {"column": self.column, "shards": self.shards, "query": query}

    def __str__(self) -> str:
        return f"{self.column}={self.shards}"

    @classmethod
    def of(cls, given: Mapping[str, int] | None) -> ShardKey | None:
        """Read `{column: shards}`, which may hold no more than one."""
        if not given:
            return None
        if len(given) > 1:
            raise UsageError(f"shard_key takes one column, the partition key, not {', '.join(given)}")
        return cls(*next(iter(given.items())))

    @classmethod
    def parse(cls, text: str) -> ShardKey:
        """Read `COLUMN=N`; a column's name may hold an equals sign."""
        column, _, shards = text.rpartition("=")
        if not shards.isdecimal() or not shards.isascii():
            raise UsageError(f"--shard-key takes COLUMN=N, for example --shard-key tenant=8, not {text!r}")
        return cls(column, int(shards))


@dataclass(frozen=True, slots=True)
class Spread:
    """`splits` places of the sources are read at once; partition keys are split as `shard_key` says."""

    splits: int = 1
    shard_key: ShardKey | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.splits <= MAX_SPLITS:
            raise UsageError(f"--spread takes 1 to {MAX_SPLITS} places, not {self.splits}")
