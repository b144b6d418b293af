"""How long a load must take: by described capacities, a cap, on-demand growth and partition keys. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from asyncloader.values.dynamodb import DOUBLING_S, NEW_TABLE_WCU, PARTITION_WCU, TABLE_QUOTA_WCU
from asyncloader.values.plan import Duration, DurationLimit, IndexPlan, Partitions
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.schema import Table, Throughput

ORDER_MATTERS = 1.1
"""Where stretches add up to no more than this factor times the heaviest key, the key is the limit, not the order."""


def table_supply(table: Table, settings: PlanSettings) -> Supply:
    """The capacity given (`--wcu`), else the one described, else a new table's."""
    given = settings.wcu
    return supply_of(table.throughput if given is None else Throughput(round(given)), settings.utilization)


def borne_by_table(table: Table, table_wcu: int, indexes: Sequence[IndexPlan]) -> int:
    """The units that the table's own capacity must take: its items and their entries in local indexes."""
    return table_wcu + sum(plan.wcu for plan, index in zip(indexes, table.indexes, strict=True) if not index.is_global)


def duration_of(
    table: Table,
    settings: PlanSettings,
    table_wcu: int,
    indexes: Sequence[IndexPlan],
    partitions: Sequence[Partitions],
) -> Duration:
    """How long a load takes at least; it is never slower than the slowest of these, if it does everything well."""
    supply = table_supply(table, settings)
    own = borne_by_table(table, table_wcu, indexes)
    limits = [DurationLimit("table", "", f"the table: {own:,} WCU at {supply.words()}", supply.seconds(own))]
    for plan, index in zip(indexes, table.indexes, strict=True):
        if index.is_global:
            index_supply = supply_of(index.throughput, settings.utilization)
            words = f"index {index.name}: {plan.wcu:,} WCU at {index_supply.words()}"
            limits.append(DurationLimit("index", index.name, words, index_supply.seconds(plan.wcu)))
    if settings.load.pacing.max_wcu is not None:
        total = table_wcu + sum(plan.wcu for plan in indexes)
        words = f"--max-wcu {settings.load.pacing.max_wcu:g}: {total:,} WCU"
        limits.append(DurationLimit("cap", "", words, total / settings.load.pacing.max_wcu))
    for owner_partitions in partitions:
        limits += _of_partitions(owner_partitions)
    limits.sort(key=lambda limit: -limit.seconds)
    return Duration(limits[0].seconds, _basis(table, settings), tuple(limits))


def _of_partitions(partitions: Partitions) -> list[DurationLimit]:
    if not partitions.heaviest:
        return []
    heaviest = partitions.heaviest[0]
    where = f"index {partitions.owner}" if partitions.owner else "the table"
    key = (
        f"the heaviest partition key of {where}, {partitions.key} = {heaviest.key!r}: "
        f"{heaviest.wcu_most:,} WCU at {PARTITION_WCU:,} WCU/s"
    )
    order = (
        f"rows of one {partitions.key} are adjacent, so that {where} is written to a key or few at a time: "
        f"{partitions.in_order_wcu:,} WCU at {PARTITION_WCU:,} WCU/s"
    )
    limits = [DurationLimit("key", partitions.owner, key, heaviest.wcu_most / PARTITION_WCU)]
    if partitions.in_order_wcu > ORDER_MATTERS * heaviest.wcu_most:
        limits.append(DurationLimit("order", partitions.owner, order, partitions.in_order_wcu / PARTITION_WCU))
    return limits


def _basis(table: Table, settings: PlanSettings) -> str:
    if settings.wcu is not None:
        return f"a table provisioned with {settings.wcu:,.0f} WCU/s (--wcu), {settings.utilization:.0%} of it used"
    if table.throughput is None:
        return "a new table on demand"
    if table.throughput.provisioned is not None:
        return f"table {table.name}, provisioned with {table.throughput.provisioned:,} WCU/s, {settings.utilization:.0%} of it used"
    warm = table.throughput.warm
    return f"table {table.name}, on demand" + (f", warm for {warm:,} WCU/s" if warm else ", as warm as a new one")


@dataclass(frozen=True, slots=True)
class Supply:
    """What can be used in WCU/s: `start` at once, doubled every half hour if `grows`, never more than `most`."""

    start: float
    grows: bool = False
    most: float = inf

    def seconds(self, wcu: float) -> float:
        """How long `wcu` units take."""
        rate, passed = min(self.start, self.most), 0.0
        if rate <= 0:
            return inf if wcu else 0.0
        while self.grows and rate < self.most and wcu > rate * DOUBLING_S:
            wcu -= rate * DOUBLING_S
            passed += DOUBLING_S
            rate = min(rate * 2, self.most)
        return passed + wcu / rate

    def words(self) -> str:
        """The supply for people."""
        if not self.grows or self.start >= self.most:
            return f"{min(self.start, self.most):,.0f} WCU/s"
        end = f" up to {self.most:,.0f}" if self.most < inf else ""
        return f"{self.start:,.0f} WCU/s at once, doubled every 30 minutes{end}"


def supply_of(throughput: Throughput | None, utilization: float) -> Supply:
    """What a table or index supplies as it is described; one that nobody described is new and on demand."""
    described = throughput or Throughput()
    if described.provisioned is not None:
        return Supply(described.provisioned * utilization)
    start = described.warm or NEW_TABLE_WCU
    return Supply(
        start, grows=True, most=described.most * utilization if described.most else max(TABLE_QUOTA_WCU, start)
    )
