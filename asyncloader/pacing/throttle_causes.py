"""What held a load back: refusals by the limit that caused them, and the time spent waiting for a cap. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from asyncloader.pacing.limits import OWN_CAP, limit_of
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Table, Throughput

HOT_KEYS = CapacityLimit("hot keys", "", "spread the rows over more partition keys")
ACCOUNT = CapacityLimit("account", "the write capacity of the account in this region", "have its quota raised")
WAITED, MUCH_REFUSED = 0.2, 0.03
"""A cap limits a load that waited for it in this part of the time, unless this part of its items was refused all the same."""


class ThrottleCauses:
    """Counts refused items by the limit that refused them (docs/dynamodb.md#throttling-reasons).

    `passed_items` were accepted; `waited_s` are seconds in which a request waited for its pace.
    """

    def __init__(self, table: Table) -> None:
        self.items: Counter[CapacityLimit] = Counter()
        self.passed_items = 0
        self.waited_s = 0.0
        self._throughputs = {index.name: index.throughput or Throughput() for index in table.indexes}
        self._own = table.throughput or Throughput()
        self._last_named: CapacityLimit | None = None

    def note(self, limit: CapacityLimit, items: int) -> bool:
        """`items` items were refused by this limit; True if that is new."""
        is_new = limit not in self.items
        self.items[limit] += items
        return is_new

    def named(self, reason: str, resource: str) -> CapacityLimit:
        """The limit that a reason of the service means."""
        index = resource.rpartition("/index/")[2] if "/index/" in resource else None
        throughput = self._own if index is None else self._throughputs.get(index, Throughput())
        if "KeyRange" in reason:
            return HOT_KEYS
        if "AccountLimit" in reason:
            limit = ACCOUNT
        elif "MaxOnDemand" in reason:
            limit = limit_of(index, Throughput(most=throughput.most or 0))
        else:
            limit = limit_of(index, throughput)
        self._last_named = limit
        return limit

    def inferred(self, cap: CapacityLimit | None) -> CapacityLimit:
        """The limit behind items that were handed back without a reason: the last one named, or the lowest described."""
        if self._last_named is not None:
            return self._last_named
        return cap if cap is not None and cap.what != OWN_CAP else limit_of(None, self._own)

    @property
    def top(self) -> CapacityLimit | None:
        """What refused most."""
        return self.items.most_common(1)[0][0] if self.items else None

    def limited_by(self, cap: CapacityLimit | None, elapsed_s: float) -> CapacityLimit | None:
        """What held the load back most in `elapsed_s` seconds: `cap`, where it waited for that, or what refused most."""
        refused = sum(self.items.values())
        waited = self.waited_s > WAITED * elapsed_s
        if cap is not None and waited and refused <= MUCH_REFUSED * (refused + self.passed_items):
            return cap
        return self.top


def is_key_range(reasons: Sequence[str]) -> bool:
    """Whether a refusal was for its key range alone."""
    return bool(reasons) and all("KeyRange" in reason for reason in reasons)
