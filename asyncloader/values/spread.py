"""How the writes of a load are spread over the partitions of its table."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.values.errors import UsageError

MOST_LANES = 64
MOST_SHARDS = 1000


@dataclass(frozen=True, slots=True)
class ShardKey:
    """Split every value of a partition key `column` into `shards`, by a suffix `#0`, `#1` and so on."""

    column: str
    shards: int

    def __post_init__(self) -> None:
        if not self.column:
            raise UsageError("--shard-key takes COLUMN=N, for example --shard-key tenant=8; the column is missing")
        if not 2 <= self.shards <= MOST_SHARDS:
            raise UsageError(f"--shard-key {self.column} takes 2 to {MOST_SHARDS} shards, not {self.shards}")

    @classmethod
    def parse(cls, text: str) -> ShardKey:
        """Read `COLUMN=N`; a column's name may hold an equals sign."""
        column, _, shards = text.rpartition("=")
        if not shards.isdecimal() or not shards.isascii():
            raise UsageError(f"--shard-key takes COLUMN=N, for example --shard-key tenant=8, not {text!r}")
        return cls(column, int(shards))


@dataclass(frozen=True, slots=True)
class Spread:
    """`lanes` places of the sources are read at once; partition keys are split as `shard_key` says."""

    lanes: int = 1
    shard_key: ShardKey | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.lanes <= MOST_LANES:
            raise UsageError(f"--spread takes 1 to {MOST_LANES} places, not {self.lanes}")
