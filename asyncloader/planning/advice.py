"""What to do about a load before it runs, in the order of its effect. Pure.

First what would be rejected, since no speed makes up for it; then time: what a load waits for longest is mended first,
and each figure supposes the advice before it; then types. Nothing is advised that gains less than a tenth.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from asyncloader.planning.duration import Supply, borne_by_table, supply_of, table_supply
from asyncloader.values.dynamodb import TABLE_QUOTA_WCU
from asyncloader.values.plan import (
    Advice,
    ColumnPlan,
    Duration,
    DurationLimit,
    IndexPlan,
    LimitKind,
    Partitions,
    Reason,
)
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.schema import Table
from asyncloader.values.spread import MAX_SPLITS

Mended = tuple[str, str | None, float]
"""What helps, the option for it, and how many seconds it then still takes."""

QUICK_S = 120.0
"""A load that takes no longer needs no advice on its time."""
GAIN = 0.9
MARGIN = 2
"""The factor on the number of splits or shards that would just do, since they are never quite even."""
MOST_SHARDS = 100
ROUND_WCU = 1_000
NAMED = 5
MOSTLY = 0.99


@dataclass(frozen=True, slots=True)
class AdviceContext:
    """What advice is based on. `repeats` says that keys occur in several rows, `spreadable` that all sources are plain
    files, which `--spread` needs."""

    table: Table
    settings: PlanSettings
    duration: Duration
    table_wcu: int
    indexes: Sequence[IndexPlan]
    partitions: Sequence[Partitions]
    columns: Sequence[ColumnPlan]
    reasons: Sequence[Reason]
    repeats: bool
    spreadable: bool


def advise(context: AdviceContext) -> tuple[Advice, ...]:
    """All advice that is worth giving."""
    return (*_on_rejects(context.reasons), *_on_time(context), *_on_types(context))


def _on_rejects(reasons: Sequence[Reason]) -> Iterator[Advice]:
    if reasons:
        first = reasons[0]
        others = len(reasons) - 1
        more = f"; {others} other reason{'' if others == 1 else 's'} above" if others else ""
        yield Advice(
            f"mend the rows that would be rejected, most of them for “{first.reason}” ({first.spots[0]}{more})"
        )


def _on_time(context: AdviceContext) -> Iterator[Advice]:
    limits = {(limit.kind, limit.owner): limit for limit in context.duration.limits}
    mended: set[tuple[LimitKind, str]] = set()
    while True:
        order = sorted(limits.values(), key=lambda limit: -limit.seconds)
        worst = order[0]
        if worst.seconds <= QUICK_S or (worst.kind, worst.owner) in mended:
            return
        rest = order[1].seconds if len(order) > 1 else 0.0
        aim = max(rest, worst.seconds / 10, QUICK_S / 2)
        text, option, seconds = _mended(context, worst, aim)
        after = max(rest, seconds)
        if after > worst.seconds * GAIN:
            return
        yield Advice(text, option, after)
        mended.add((worst.kind, worst.owner))
        limits[worst.kind, worst.owner] = replace(worst, seconds=min(worst.seconds, seconds))


def _mended(context: AdviceContext, worst: DurationLimit, aim: float) -> Mended:
    """What helps against one limit."""
    if worst.kind == "table":
        return _more_for_table(context, aim)
    if worst.kind == "index":
        return _more_for_index(context, worst, aim)
    if worst.kind == "cap":
        cap = context.settings.load.pacing.max_wcu or 0.0
        need = _rounded(cap * worst.seconds / aim)
        return f"allow more than --max-wcu {cap:g}", f"--max-wcu {need}", cap * worst.seconds / need
    if worst.kind == "order":
        return _spread(context, worst, aim)
    return _split(context, worst, aim)


def _more_for_table(context: AdviceContext, aim: float) -> Mended:
    table, settings = context.table, context.settings
    supply = table_supply(table, settings)
    wcu = borne_by_table(table, context.table_wcu, context.indexes)
    if supply.grows:
        need = min(_rounded(wcu / aim), TABLE_QUOTA_WCU)
        throughput = table.throughput
        if throughput is not None and throughput.most is not None and need > throughput.most:
            return f"let the table take more than its MaxWriteRequestUnits of {throughput.most:,}", None, wcu / need
        return (
            f"pre-warm the table to {need:,} WCU/s (its price is paid once)",
            f"--prewarm {need}",
            Supply(max(need, supply.start), grows=True, most=max(supply.most, need)).seconds(wcu),
        )
    need = min(_rounded(wcu / aim / settings.utilization), TABLE_QUOTA_WCU)
    return (
        f"raise the table's write capacity to {need:,} WCU for the time of the load",
        f"--raise-wcu {need}",
        Supply(need * settings.utilization).seconds(wcu),
    )


def _more_for_index(context: AdviceContext, worst: DurationLimit, aim: float) -> Mended:
    place = next(at for at, index in enumerate(context.table.indexes) if index.name == worst.owner)
    wcu, throughput = context.indexes[place].wcu, context.table.indexes[place].throughput
    supply = supply_of(throughput, context.settings.utilization)
    need = min(_rounded(wcu / aim / (1.0 if supply.grows else context.settings.utilization)), TABLE_QUOTA_WCU)
    verb = "pre-warm" if supply.grows else "raise"
    return (
        f"{verb} index {worst.owner} to {need:,} WCU, or make it only after the load",
        None,
        wcu / need if supply.grows else wcu / (need * context.settings.utilization),
    )


def _spread(context: AdviceContext, worst: DurationLimit, aim: float) -> Mended:
    key = _partitions(context, worst.owner).key
    splits = min(max(ceil(MARGIN * worst.seconds / aim), 2), MAX_SPLITS)
    after = worst.seconds / splits
    mixed = f"let rows of different {key} alternate in the source, where rows of one are adjacent"
    if context.repeats:
        return f"{mixed} (keys repeat, so the order of their rows must stay; --spread would not keep it)", None, after
    if not context.spreadable:
        return f"{mixed}, or name plain files, which --spread can read", None, after
    return (
        f"read {splits} places of the source at once, since its rows are sorted by {key}",
        f"--spread {splits}",
        after,
    )


def _split(context: AdviceContext, worst: DurationLimit, aim: float) -> Mended:
    partitions = _partitions(context, worst.owner)
    hot = partitions.heaviest[0]
    if worst.owner:
        return (
            f"make index {worst.owner} only after the load, or split its key {partitions.key}: it has {partitions.distinct:,} values, "
            f"and {hot.key!r} takes {hot.share:.0%} of its writes",
            None,
            0.0,
        )
    shards = min(max(ceil(MARGIN * worst.seconds / aim), 2), MOST_SHARDS)
    text = f"split the partition key {partitions.key}: {hot.key!r} takes {hot.share:.0%} of all writes"
    if context.table.sort_key is None:
        return text, None, worst.seconds
    return text, shlex.join(["--shard-key", f"{partitions.key}={shards}"]), worst.seconds / shards


def _partitions(context: AdviceContext, owner: str) -> Partitions:
    return next(partitions for partitions in context.partitions if partitions.owner == owner)


def _on_types(context: AdviceContext) -> Iterator[Advice]:
    keys = {key.name for key in (*context.table.key, *context.table.index_keys)}
    given = context.settings.load.types
    for column in context.columns:
        if column.type == "N" and column.leading_zeros:
            yield Advice(
                f"{column.name}: {column.leading_zeros:,} values begin with zeros, which a number loses; store it as S if they matter"
            )
    free = [column for column in context.columns if column.name not in keys and column.name not in given]
    for kind, name in (("number", "N"), ("boolean", "BOOL")):
        fit = [column for column in free if _all_of(column, kind) and not column.leading_zeros]
        if fit:
            named = ", ".join(column.name for column in fit[:NAMED]) + (", …" if len(fit) > NAMED else "")
            option = shlex.join(part for column in fit[:NAMED] for part in ("--type", f"{column.name}={name}"))
            yield Advice(f"only {kind}s, stored as text unless you say otherwise: {named}", option)
    for column in free:
        numbers, others = column.kinds.get("number", 0), {k: n for k, n in column.kinds.items() if k != "number"}
        total = numbers + sum(others.values())
        if others and numbers >= MOSTLY * total:
            odd = column.first[next(iter(others))]
            yield Advice(
                f"{column.name}: numbers but for {sum(others.values()):,} values, the first {odd.text!r} ({odd.spot}); "
                f"--type {column.name}=N would reject those"
            )


def _all_of(column: ColumnPlan, kind: str) -> bool:
    return set(column.kinds) == {kind}


def _rounded(wcu: float) -> int:
    return max(ceil(wcu / ROUND_WCU), 1) * ROUND_WCU
