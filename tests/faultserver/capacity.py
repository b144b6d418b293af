"""Token buckets that decide which writes a table, a partition or an index can take now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .table import Cost, Key, Table, partition_hash

TABLE_REASON = "TableWriteProvisionedThroughputExceeded"
PARTITION_REASON = "TableWriteKeyRangeThroughputExceeded"
INDEX_REASON = "IndexWriteProvisionedThroughputExceeded"


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why a write was not taken, as it is in ThrottlingReasons."""

    reason: str
    arn: str


@dataclass(slots=True)
class _Bucket:
    tokens: float
    settled_at: float

    def settle(self, rate: float, burst_s: float, now: float) -> None:
        earned = rate * max(0.0, now - self.settled_at)
        self.tokens = min(self.tokens + earned, rate * burst_s)
        self.settled_at = now

    def allows(self, cost: float, rate: float, burst_s: float) -> bool:
        # A write larger than the whole bucket passes when the bucket is full, and leaves it in debt.
        return rate > 0 and self.tokens >= min(cost, rate * burst_s)


class Capacity:
    """The limits of every table, in write capacity units a second; None stands for no limit.

    The rates may be changed at any time. Unused capacity is kept for `burst_s` seconds. A partition is one
    partition key, or one of `partitions` ranges of them if that is given. With `enforce_provisioned` a table
    that was created with provisioned throughput is held to it where `table_wcu` says nothing.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        table_wcu: float | None = None,
        partition_wcu: float | None = None,
        index_wcu: float | None = None,
        burst_s: float = 1.0,
        partitions: int | None = None,
        enforce_provisioned: bool = False,
    ) -> None:
        self.table_wcu = table_wcu
        self.partition_wcu = partition_wcu
        self.index_wcu = index_wcu
        self.burst_s = burst_s
        self.partitions = partitions
        self.enforce_provisioned = enforce_provisioned
        self._clock = clock
        self._buckets: dict[tuple[object, ...], _Bucket] = {}

    @property
    def limited(self) -> bool:
        """Whether any limit is set at all."""
        rates = (self.table_wcu, self.partition_wcu, self.index_wcu)
        return self.enforce_provisioned or any(rate is not None for rate in rates)

    def admit(self, table: Table, key: Key, cost: Cost) -> Shortage | None:
        """Take the units of one write from all its buckets, or say which one is short and take nothing."""
        now = self._clock()
        taken: list[tuple[_Bucket, int]] = []
        for shortage, rate, name, units in self._demands(table, key, cost):
            bucket = self._buckets.get(name)
            if bucket is None:
                bucket = self._buckets[name] = _Bucket(rate * self.burst_s, now)
            bucket.settle(rate, self.burst_s, now)
            if not bucket.allows(units, rate, self.burst_s):
                return shortage
            taken.append((bucket, units))
        for bucket, units in taken:
            bucket.tokens -= units
        return None

    def _demands(self, table: Table, key: Key, cost: Cost) -> list[tuple[Shortage, float, tuple[object, ...], int]]:
        demands: list[tuple[Shortage, float, tuple[object, ...], int]] = []
        table_rate = self.table_wcu
        if table_rate is None and self.enforce_provisioned:
            table_rate = table.write_units
        if table_rate is not None:
            # Local indexes live on the table's own capacity, global ones have their own.
            local = sum(cost.indexes.get(index.name, 0) for index in table.indexes if not index.is_global)
            demands.append((Shortage(TABLE_REASON, table.arn), table_rate, (table.name,), cost.table + local))
        if self.partition_wcu is not None:
            part: object = key[1] if self.partitions is None else partition_hash(key) % self.partitions
            name = (table.name, "partition", part)
            demands.append((Shortage(PARTITION_REASON, table.arn), self.partition_wcu, name, cost.table))
        if self.index_wcu is not None:
            for index in table.indexes:
                units = cost.indexes.get(index.name, 0)
                if index.is_global and units:
                    name = (table.name, "index", index.name)
                    demands.append((Shortage(INDEX_REASON, index.arn), self.index_wcu, name, units))
        return demands
