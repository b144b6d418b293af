"""The sums over all blocks and the plan that follows from them; rejects by reason. Pure, in the order of the sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from asyncloader.formats.columns import BadRow
from asyncloader.planning.advice import AdviceContext, advise
from asyncloader.planning.block_profile import BlockProfile
from asyncloader.planning.columns import ColumnTally
from asyncloader.planning.duration import duration_of
from asyncloader.planning.estimators import KeyCounter, Ratio, SizeTally
from asyncloader.planning.partitions import PartitionTally
from asyncloader.values.plan import IndexPlan, Location, Plan, Reason, Sample
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.prices import cost_of
from asyncloader.values.schema import AttributeType, Table


class PlanTally:
    """Adds up block profiles; memory does not grow with their number."""

    def __init__(self, table: Table, settings: PlanSettings) -> None:
        self._table = table
        self._settings = settings
        self._rows, self._rejected, self._wcu = Ratio(), Ratio(), Ratio()
        self._items = self._superseded = self._table_wcu = 0
        self._entries = np.zeros((len(table.indexes), 2), dtype=np.int64)
        self._reasons = ReasonTally()
        self._keys = KeyCounter()
        self._sizes = SizeTally()
        owners = [("", table.partition_key)]
        owners += [(index.name, index.partition_key) for index in table.indexes if index.is_global]
        stretch = settings.load.blocks_in_flight
        self._partitions = [PartitionTally(owner, key, stretch) for owner, key in owners]
        self._columns: dict[str, ColumnTally] = {}

    @property
    def rows_read(self) -> int:
        return round(self._rows.amount)

    def add(self, profile: BlockProfile, size_bytes: int, spot: Callable[[int], Location]) -> None:
        """The next block, of `size_bytes`; `spot` returns where one of its records is."""
        self._rows.add(size_bytes, profile.rows)
        self._rejected.add(size_bytes, len(profile.bad))
        self._wcu.add(size_bytes, profile.wcu)
        self._items += profile.items
        self._superseded += profile.superseded
        self._table_wcu += profile.table_wcu
        if len(self._entries):
            self._entries += np.array(profile.entries, dtype=np.int64)
        self._reasons.add(list(profile.bad), spot)
        self._keys.add(profile.hashes)
        self._sizes.add(profile.sizes)
        for tally, keys in zip(self._partitions, profile.partitions, strict=True):
            tally.add(keys)
        for name, column in profile.columns.items():
            known = self._columns.setdefault(name, ColumnTally(name))
            known.add(column, lambda row: spot(profile.record(row)))

    def plan(
        self,
        sources: tuple[str, ...],
        *,
        total_bytes: int,
        spreadable: bool,
        name: str | None,
        region: str | None,
        elapsed_s: float,
    ) -> Plan:
        """The result, for sources with `total_bytes` of text; `spreadable` says that `--spread` can read them."""
        table, settings = self._table, self._settings
        fraction = min(self._rows.size / total_bytes, 1.0) if total_bytes else 1.0
        scale = 1.0 / fraction if fraction else 1.0
        repeats = self._keys.repeats()
        indexes = tuple(
            IndexPlan(index.name, round(int(entries) * scale), round(int(wcu) * scale))
            for index, (entries, wcu) in zip(table.indexes, self._entries, strict=True)
        )
        partitions = tuple(tally.plan(scale) for tally in self._partitions)
        table_wcu = round(self._table_wcu * scale)
        wcu = table_wcu + sum(index.wcu for index in indexes)
        duration = duration_of(table, settings, table_wcu, indexes, partitions)
        columns = tuple(column.plan(self._type(column.name)) for column in self._columns.values())
        reasons = self._reasons.plan(scale)
        items, superseded = round(self._items * scale), round(self._superseded * scale)
        rejected = round(self._rejected.amount * scale)
        context = AdviceContext(
            table, settings, duration, table_wcu, indexes, partitions, columns, reasons, repeats.rows > 0, spreadable
        )
        return Plan(
            sources=sources,
            table=name,
            rows=items + superseded + rejected,
            items=items,
            rows_rejected=rejected,
            rows_superseded=superseded,
            rows_repeating=repeats.rows,
            repeating_spread=repeats.spread,
            keys=repeats.keys,
            rejects=reasons,
            sizes=self._sizes.plan(),
            wcu=wcu,
            table_wcu=table_wcu,
            indexes=indexes,
            partitions=partitions,
            cost=cost_of(wcu, region, settings.price_usd),
            duration=duration,
            columns=columns,
            advice=advise(context),
            sample=None if fraction >= 1.0 else self._sample(fraction),
            elapsed_s=elapsed_s,
        )

    def _sample(self, fraction: float) -> Sample:
        return Sample(
            fraction=fraction,
            rows_read=self.rows_read,
            blocks_read=self._rows.blocks,
            rows_spread=self._rows.spread(fraction),
            rejected_spread=self._rejected.spread(fraction),
            wcu_spread=self._wcu.spread(fraction),
        )

    def _type(self, name: str) -> str:
        demanded: Mapping[str, AttributeType] = {**self._settings.load.types, **self._table.typed}
        return demanded.get(name, "S")


MOST_REASONS = 100
SPOTS = 20
OTHERS = "other reasons"
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+|0x[0-9a-f]+")
"""What differs between rows that are rejected for the same thing."""


@dataclass(slots=True)
class ReasonTally:
    """Counts reasons; `spot` of `add` returns where a record of the block is, and is called only for the first ones."""

    _reasons: dict[str, Reason] = field(default_factory=dict)

    def add(self, bad: list[BadRow], spot: Callable[[int], Location]) -> None:
        """The rejected rows of the next block."""
        for row in bad:
            reason = str(row)
            like = f"{row.column}: {_PARTICULAR.sub('?', row.reason)}"
            if like not in self._reasons and len(self._reasons) >= MOST_REASONS:
                like = reason = OTHERS
            known = self._reasons.get(like) or Reason(reason, 0, ())
            spots = known.spots if len(known.spots) >= SPOTS else (*known.spots, spot(row.record))
            self._reasons[like] = Reason(known.reason, known.rows + 1, spots)

    def plan(self, scale: float) -> tuple[Reason, ...]:
        """The reasons, those of most rows first."""
        usual = sorted(self._reasons.values(), key=lambda reason: -reason.rows)
        return tuple(replace(reason, rows=round(reason.rows * scale)) for reason in usual)
