"""What a load has raised of a table's provisioned capacity, so that it can be set back whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asyncloader.values.schema import Table

TABLE = ""
"""Stands for the table itself where indexes are known by their names."""


def provisioned_units(table: Table) -> dict[str, int]:
    """Provisioned WCU/s of the table and of its global indexes; empty on demand."""
    found = {TABLE: table.throughput} | {index.name: index.throughput for index in table.indexes}
    return {name: each.provisioned for name, each in found.items() if each is not None and each.provisioned}


@dataclass(frozen=True, slots=True)
class Raised:
    """WCU/s by index name: `before` is what to set back, `after` what was asked for.

    `ours` are all values that this load may have set, over several runs: anything else was somebody else's doing.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    ours: Mapping[str, tuple[int, ...]]

    @classmethod
    def to(cls, wcu: int, now: Mapping[str, int], earlier: Raised | None) -> Raised:
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
    def from_json(cls, told: Mapping[str, Any]) -> Raised:
        """What the journal kept."""
        return cls(told["before"], told["after"], {name: tuple(units) for name, units in told["ours"].items()})
