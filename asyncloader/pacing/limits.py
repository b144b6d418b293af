"""Where pacing starts and what it never exceeds: the table's description and the user's settings → limits.

A write has another cost for the table and for each of its indexes: an index may hold few of the items, or little of each,
and an overwritten item costs an index nothing where nothing changes there. How much, is learnt from ConsumedCapacity;
until then an item is taken to cost each of them what its own size says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from asyncloader.values.dynamodb import NEW_TABLE_WCU
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Table, Throughput
from asyncloader.values.settings import PacingSettings

OWN_CAP = "--max-wcu"


@dataclass(frozen=True, slots=True)
class CapacityPart:
    """A described capacity in its own WCU/s: the table's (`index` is None), or that of a global index."""

    wcu: float
    index: str | None = None
    limit: CapacityLimit | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Where pacing starts and what it never exceeds, in WCU/s; `limit` describes the cap for people.

    The cap is on all WCU of the table and its indexes together. `parts` are capacities that count only what the
    table, or one index, uses itself.
    """

    start_wcu: float
    cap_wcu: float | None = None
    limit: CapacityLimit | None = None
    parts: tuple[CapacityPart, ...] = ()


def limits_of(table: Table, pacing: PacingSettings) -> Limits | None:
    """The limits of a table; None where nothing is to be paced: no cap, and no description that means anything."""
    most = pacing.max_wcu
    if table.throughput is None or table.is_emulated or pacing.utilization is None:
        return None if most is None else Limits(most, most, own_cap(most))
    parts, start = _parts(table, pacing.utilization), _start(table)
    if parts and table.throughput.provisioned is not None:
        start = min(part.wcu for part in parts)
    cap, limit = None, None
    if len(_described(table)) == 1 and parts:
        # All that is used is used by the table itself, so its capacity can be held in every second.
        cap, limit, parts = parts[0].wcu, parts[0].limit, ()
    if most is not None and (cap is None or most < cap):
        cap, limit = most, own_cap(most)
    return Limits(start if cap is None else min(start, cap), cap, limit, parts)


def describe_pace(table: Table, pacing: PacingSettings) -> str:
    """The line that says that the description sets the pace; empty where it does not."""
    lowest = min(_parts(table, pacing.utilization), key=lambda part: part.wcu, default=None)
    if lowest is None or lowest.limit is None or (pacing.max_wcu is not None and pacing.max_wcu <= lowest.wcu):
        return ""
    return (
        f"paced to {lowest.wcu:,g} WCU/s, {pacing.utilization:.0%} of what is described ({lowest.limit.brief}); "
        "--utilization changes that; 'off' suits a server that does not hold anybody to it"
    )


def own_cap(max_wcu: float) -> CapacityLimit:
    """The cap that the user has set."""
    return CapacityLimit(OWN_CAP, f"{max_wcu:,g} WCU/s", "a higher one lets it go faster")


def limit_of(index: str | None, throughput: Throughput) -> CapacityLimit:
    """A described capacity in words, with the setting that changes it."""
    what = "table" if index is None else f"index {index}"
    if throughput.provisioned is not None:
        return CapacityLimit(what, f"provisioned with {throughput.provisioned:,} WCU/s", "raise its WriteCapacityUnits")
    if throughput.most is None:
        return CapacityLimit(what, "on demand", "it grows with use, or at once by WarmThroughput")
    what = "on-demand maximum" + ("" if index is None else f" of {what}")
    size = f"{throughput.most:,} WCU/s" if throughput.most else ""
    return CapacityLimit(what, size, "raise OnDemandThroughput.MaxWriteRequestUnits")


def _described(table: Table) -> list[tuple[str | None, Throughput]]:
    """The table and its global indexes with what is known of them; local indexes use the table's own capacity."""
    capacities = [
        (None, table.throughput),
        *((index.name, index.throughput) for index in table.indexes if index.is_global),
    ]
    return [(name, throughput) for name, throughput in capacities if throughput is not None]


def _parts(table: Table, utilization: float | None) -> tuple[CapacityPart, ...]:
    if utilization is None or table.throughput is None or table.is_emulated:
        return ()
    capacities = [
        (index, throughput, throughput.most if throughput.provisioned is None else throughput.provisioned)
        for index, throughput in _described(table)
    ]
    return tuple(
        CapacityPart(wcu * utilization, index, limit_of(index, throughput))
        for index, throughput, wcu in capacities
        if wcu
    )


def _start(table: Table) -> float:
    warm = [throughput.warm for _, throughput in _described(table) if throughput.warm]
    return min(warm, default=NEW_TABLE_WCU)


WEIGHT = 0.1
"""Of the newest answer in what is learnt."""
LEAST_SHARE = 0.001
"""An index that an answer does not name has cost nothing this time."""


class IndexLimits:
    """Turns capacities of parts into one rate; which part is the lowest changes with what the items cost it."""

    def __init__(self, parts: Sequence[CapacityPart]) -> None:
        self._parts = parts
        self._ratios = [1.0] * len(parts)
        self._is_known = False

    def learn(self, predicted_wcu: float, consumed_wcu: float, by_index: Mapping[str, float]) -> None:
        """What accepted items cost in all, and of that each global index; local ones use the table's own capacity."""
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
