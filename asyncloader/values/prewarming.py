"""A question before something that cannot be taken back: more warm throughput, for good and for money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from asyncloader.values.errors import TableError
from asyncloader.values.raised import TABLE
from asyncloader.values.schema import Table


@dataclass(frozen=True, slots=True)
class Prewarming:
    """What is to be raised: warm WCU/s by index name, as it is and as it is to be; empty where all is warm already."""

    table: str
    now: Mapping[str, int]
    after: Mapping[str, int]

    @classmethod
    def to(cls, wcu: int, table: Table) -> Prewarming:
        """The table and each of its global indexes that takes less at once; raises `TableError` where nobody knows."""
        told = {TABLE: table.throughput} | {index.name: index.throughput for index in table.indexes if index.is_global}
        warm = {name: each.warm for name, each in told.items() if each is not None and each.warm is not None}
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
