"""The ceiling: what a table and its global indexes allow together, when each has a capacity of its own.

A write costs the table and each of its indexes something else: an index may hold few of the items, or little of each,
and an overwritten item costs its index nothing where nothing changes there. How much is learnt from ConsumedCapacity;
until then an item is taken to cost each of them what its own size says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from asyncloader.schedule.limits import Part
from asyncloader.values.report import CapacityLimit

WEIGHT = 0.1
"""Of the newest answer in what is learnt."""
LEAST_SHARE = 0.001
"""An index that an answer does not name has cost nothing this time."""


class Ceiling:
    """Turns capacities of parts into one rate; which part is the lowest changes with what the items cost it."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._ratios = [1.0] * len(parts)
        self._is_known = False

    def learn(self, predicted_wcu: float, consumed_wcu: float, by_index: Mapping[str, float]) -> None:
        """What accepted items cost in all, and of that each global index; local ones live on the table's own capacity."""
        weight = WEIGHT if self._is_known else 1.0
        own_wcu = consumed_wcu - sum(by_index.values())
        for place, part in enumerate(self._parts):
            wcu = own_wcu if part.index is None else by_index.get(part.index, 0.0)
            self._ratios[place] += weight * (max(wcu / predicted_wcu, LEAST_SHARE) - self._ratios[place])
        self._is_known = True

    def wcu(self, cost_ratio: float) -> float:
        """The rate, in WCU of all parts together, at which the lowest part is used up; infinite without parts.

        `cost_ratio` is what an item costs in all by what its size says.
        """
        rates = [part.wcu / ratio for part, ratio in zip(self._parts, self._ratios, strict=True)]
        return min(rates) * cost_ratio if rates else inf

    @property
    def limit(self) -> CapacityLimit | None:
        """The lowest part in words."""
        pairs = zip(self._parts, self._ratios, strict=True)
        lowest = min(pairs, key=lambda pair: pair[0].wcu / pair[1], default=None)
        return None if lowest is None else lowest[0].limit
