"""What refused the items of a load: by the reasons that the service gave, or by what is known of the table. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from asyncloader.pacing.limits import OWN_CAP, limit_of
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Table, Throughput

HOT_KEYS = CapacityLimit("hot keys", "", "spread the rows over more partition keys")
ACCOUNT = CapacityLimit("account", "the write capacity of the account in this region", "have its quota raised")


class ThrottleCauses:
    """Counts refused items by the limit that refused them (DYNAMODB.md, ThrottlingReasons)."""

    def __init__(self, table: Table) -> None:
        self.items: Counter[CapacityLimit] = Counter()
        self._throughputs = {index.name: index.throughput or Throughput() for index in table.indexes}
        self._own = table.throughput or Throughput()
        self._told: CapacityLimit | None = None

    def note(self, limit: CapacityLimit, items: int) -> bool:
        """So many items were refused by this limit; true if that is new."""
        is_new = limit not in self.items
        self.items[limit] += items
        return is_new

    def told(self, reason: str, resource: str) -> CapacityLimit:
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
        self._told = limit
        return limit

    def guessed(self, cap: CapacityLimit | None) -> CapacityLimit:
        """The limit that handed items back, which comes without a reason: the last one told, or the lowest described."""
        if self._told is not None:
            return self._told
        return cap if cap is not None and cap.what != OWN_CAP else limit_of(None, self._own)

    @property
    def top(self) -> CapacityLimit | None:
        """What refused most."""
        return self.items.most_common(1)[0][0] if self.items else None


def is_key_range(reasons: Sequence[str]) -> bool:
    """Whether a refusal was for its key range alone."""
    return bool(reasons) and all("KeyRange" in reason for reason in reasons)
