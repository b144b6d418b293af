"""Changes of a table's capacity: what is asked for, what pre-warming costs, and what was raised and must be restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asyncloader.values.errors import TableError, UsageError
from asyncloader.values.schema import Table


@dataclass(frozen=True, slots=True)
class CapacitySettings:
    """`raise_wcu` is for the time of the load only; `prewarm` is for good. Both in WCU/s; None changes nothing."""

    raise_wcu: int | None = None
    prewarm: int | None = None

    def __post_init__(self) -> None:
        for option, value in (("--raise-wcu", self.raise_wcu), ("--prewarm", self.prewarm)):
            if value is not None and value < 1:
                raise UsageError(f"{option} takes 1 or more WCU a second, not {value}")


TABLE = ""
"""Stands for the table itself where indexes are known by their names."""


def provisioned_units(table: Table) -> dict[str, int]:
    """Provisioned WCU/s of the table and of its global indexes; empty on demand."""
    throughputs = {TABLE: table.throughput} | {index.name: index.throughput for index in table.indexes}
    return {
        name: throughput.provisioned
        for name, throughput in throughputs.items()
        if throughput is not None and throughput.provisioned
    }


@dataclass(frozen=True, slots=True)
class RaisedCapacity:
    """WCU/s by index name: `before` is what to set back, `after` what was asked for.

    `ours` are all values that this load may have set, over several runs: anything else was somebody else's doing.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    ours: Mapping[str, tuple[int, ...]]

    @classmethod
    def to(cls, wcu: int, now: Mapping[str, int], earlier: RaisedCapacity | None) -> RaisedCapacity:
        """What it takes that neither the table nor an index has less than `wcu`; `earlier` runs' doing stays known."""
        before = {}
        for name, units in now.items():
            was_us = earlier is not None and units in earlier.ours.get(name, ())
            before[name] = earlier.before[name] if earlier is not None and was_us else units
        after = {name: max(wcu, now[name]) for name, units in before.items() if units < max(wcu, now[name])}
        known = {} if earlier is None else earlier.ours
        ours = {name: tuple(dict.fromkeys((*known.get(name, ()), units))) for name, units in after.items()}
        return cls({name: before[name] for name in after}, after, ours)

    def to_set_back(self, now: Mapping[str, int]) -> dict[str, int]:
        """What must be changed so that all is as before, but for what somebody else has changed meanwhile."""
        return {
            name: units
            for name, units in self.before.items()
            if now.get(name) in self.ours[name] and now.get(name) != units
        }

    def changed_by_others(self, now: Mapping[str, int]) -> dict[str, int | None]:
        """What is neither as it was before nor as we set it; None for what is not provisioned any more."""
        return {
            name: now.get(name)
            for name, units in self.before.items()
            if now.get(name) not in self.ours[name] and now.get(name) != units
        }

    def as_json(self) -> dict[str, Any]:
        """What the journal keeps."""
        return {"before": self.before, "after": self.after, "ours": self.ours}

    @classmethod
    def from_json(cls, held: Mapping[str, Any]) -> RaisedCapacity:
        """What the journal kept."""
        return cls(held["before"], held["after"], {name: tuple(units) for name, units in held["ours"].items()})


@dataclass(frozen=True, slots=True)
class Prewarming:
    """What is to be raised: warm WCU/s by index name, as it is and as it is to be; empty where all is warm already."""

    table: str
    now: Mapping[str, int]
    after: Mapping[str, int]

    @classmethod
    def to(cls, wcu: int, table: Table) -> Prewarming:
        """The table and each of its global indexes that takes less at once; raises `TableError` where nobody knows."""
        throughputs = {TABLE: table.throughput} | {
            index.name: index.throughput for index in table.indexes if index.is_global
        }
        warm = {
            name: throughput.warm
            for name, throughput in throughputs.items()
            if throughput is not None and throughput.warm is not None
        }
        if TABLE not in warm:
            raise TableError(
                f"the service does not tell the warm throughput of table {table.name}; leave --prewarm out"
            )
        low = {name: units for name, units in warm.items() if units < wcu}
        return cls(table.name, low, dict.fromkeys(low, wcu))

    def __str__(self) -> str:
        """What it means, in words."""
        parts = [
            f"{f'index {name}' if name != TABLE else f'table {self.table}'} from {units:,} to {self.after[name]:,} WCU/s"
            for name, units in self.now.items()
        ]
        return (
            f"pre-warm {' and '.join(parts)}: AWS charges this once, at the price of warm throughput in its region, "
            "and it cannot be lowered again"
        )
