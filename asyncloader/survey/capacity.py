"""How long writes take at a capacity: a fixed one, or on demand, where it grows. Pure.

On demand a table takes up to twice the highest rate that it has carried 30 minutes before (DYNAMODB.md, On-demand). A
new one takes 4,000 WCU/s at once; whoever uses all of that may use 8,000 half an hour later, and so on, up to the
account's quota.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from asyncloader.values.schema import Throughput

NEW_TABLE_WCU = 4_000
DOUBLING_S = 1_800.0
QUOTA_WCU = 40_000
"""What an account lets a single table have unless it asked for more."""
PARTITION_WCU = 1_000


@dataclass(frozen=True, slots=True)
class Supply:
    """What can be used in WCU/s: `start` at once, doubled every half hour if `grows`, never more than `most`."""

    start: float
    grows: bool = False
    most: float = inf

    def seconds(self, wcu: float) -> float:
        """How long so many units take."""
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
    told = throughput or Throughput()
    if told.provisioned is not None:
        return Supply(told.provisioned * utilization)
    start = told.warm or NEW_TABLE_WCU
    return Supply(start, grows=True, most=told.most * utilization if told.most else max(QUOTA_WCU, start))
