"""The plan as a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from asyncloader.cli.result import duration
from asyncloader.values.plan import Advice, ColumnPlan, Cost, Location, Partitions, Plan, Reason

WIDTH = 22
REASONS, SPOTS, KINDS = 10, 3, 3
MINOR = 0.05
"""A limit that holds the load up for less than this part of its time is not shown."""


def plan_lines(plan: Plan) -> Iterator[str]:
    """The page, line by line."""
    yield f"a plan for {_several(plan.sources)} → {f'table {plan.table}' if plan.table else 'a new table'}; nothing was written"
    for part in (
        _rows(plan),
        _capacity(plan),
        _rejects(plan.rejects),
        _partitions(plan),
        _columns(plan),
        _advice(plan.advice),
    ):
        content = list(part)
        if content:
            yield ""
            yield from content


def _rows(plan: Plan) -> Iterator[str]:
    sample = plan.sample
    if sample is not None:
        yield _pair(
            "read",
            f"a sample: {sample.fraction:.2%} in {sample.blocks_read} places, {sample.rows_read:,} rows; "
            "what follows is extrapolated, ± is half of a 95% interval",
        )
    yield _pair("rows", _about(plan.rows, sample.rows_spread if sample else 0))
    yield _pair("  items to write", f"{plan.items:,}")
    yield _pair("  would be rejected", _about(plan.rows_rejected, sample.rejected_spread if sample else 0))
    yield _pair(
        "  superseded",
        f"{plan.rows_superseded:,}" + ("  (a later row of the same key is near)" if plan.rows_superseded else ""),
    )
    where = "in the sample" if sample is not None else ""
    repeating = _about(plan.rows_repeating, plan.repeating_spread)
    yield _pair("rows repeating a key", f"{repeating}  (of {plan.keys:,} different keys{where and ' ' + where})")
    size = plan.sizes
    yield _pair(
        "item size",
        f"mean {size.mean_bytes:,.0f} B, half up to {size.p50_bytes:,} B, 99% up to {size.p99_bytes:,} B, "
        f"largest {size.max_bytes:,} B",
    )


def _capacity(plan: Plan) -> Iterator[str]:
    yield _pair("write capacity", f"{_about(plan.wcu, plan.sample.wcu_spread if plan.sample else 0)} WCU")
    if plan.indexes:
        yield _pair("  the table", f"{plan.table_wcu:,}")
    for index in plan.indexes:
        yield _pair(f"  index {index.name}", f"{index.wcu:,} for {index.entries:,} entries")
    if plan.rows_repeating > plan.rows_superseded:
        yield _pair(
            "", "more where a row overwrites a larger item or moves an index entry, less where an entry stays the same"
        )
    yield _pair("cost on demand", _cost(plan.cost))
    yield _pair("time", f"{_time(plan.duration.seconds)} at least, for {plan.duration.basis}")
    for limit in plan.duration.limits:
        if limit.seconds >= MINOR * plan.duration.seconds and limit.seconds >= 1.0:
            yield _pair(f"  {_time(limit.seconds)}", limit.what)


def _cost(cost: Cost) -> str:
    listed = f", price list of {cost.price_date}" if cost.price_date else ""
    if cost.price_date is None:
        source = "as --price says"
    elif cost.estimated:
        source = f"the price of {cost.price_region}{listed}, as an estimate; say yours with --price"
    else:
        source = f"{cost.price_region}{listed}"
    digits = 2 if cost.usd >= 0.1 or not cost.usd else 6
    return f"${cost.usd:,.{digits}f}, at ${cost.price_usd:g} for a million units ({source})"


def _rejects(reasons: Sequence[Reason]) -> Iterator[str]:
    if reasons:
        yield "rows that would be rejected"
    for reason in reasons[:REASONS]:
        more = ", …" if reason.rows > SPOTS else ""
        yield _pair(f"  {reason.rows:>9,}", f"{reason.reason}  ({_places(reason.spots[:SPOTS])}{more})")
    if len(reasons) > REASONS:
        yield _pair("", f"and {len(reasons) - REASONS} other reasons, which --json tells")


def _places(spots: Sequence[Location]) -> str:
    """The source is named once where it stays the same."""
    parts: list[str] = []
    for before, spot in zip([None, *spots], spots, strict=False):
        same = before is not None and before.source == spot.source and spot.line is not None
        parts.append(str(spot.line) if same else str(spot))
    return ", ".join(parts)


def _partitions(plan: Plan) -> Iterator[str]:
    where = " in the sample" if plan.sample is not None else ""
    for partitions in plan.partitions:
        if not partitions.wcu:
            continue
        owner = f"index {partitions.owner}" if partitions.owner else "the table"
        yield f"partition keys of {owner}: {_rough(partitions)} different values of {partitions.key}{where}"
        for hot in partitions.heaviest:
            about = "" if hot.wcu_least == hot.wcu_most else "at most "
            yield _pair(f"  {hot.share:>8.2%}", f"{hot.key}  ({about}{hot.wcu_most:,} WCU)")
        if not partitions.heaviest:
            yield _pair("", "none takes more than 0.1% of the writes")


def _rough(partitions: Partitions) -> str:
    """Many distinct values are counted by a sketch, which errs by some percent."""
    return f"{partitions.distinct:,}" if partitions.distinct <= 100 else f"about {partitions.distinct:,}"


def _columns(plan: Plan) -> Iterator[str]:
    rows = [("column", "as", "empty", "values", "longest")]
    rows += [
        (column.name, column.type, f"{column.empty:,}", _kinds(column), _longest(column)) for column in plan.columns
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if len(rows) > 1:
        for row in rows:
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _kinds(column: ColumnPlan) -> str:
    """Kinds by number; where there are several, the first value of each minority."""
    parts: list[str] = []
    for place, (kind, count) in enumerate(list(column.kinds.items())[:KINDS]):
        first = column.first[kind]
        example = f" ({first.text!r}, {first.spot})" if place else ""
        parts.append(f"{kind} {count:,}{example}")
    if len(column.kinds) > KINDS:
        parts.append("…")
    if column.leading_zeros:
        parts.append(f"leading zeros {column.leading_zeros:,}")
    if column.beyond_38_digits:
        parts.append(f"beyond 38 digits {column.beyond_38_digits:,}")
    return ", ".join(parts) or "none"


def _longest(column: ColumnPlan) -> str:
    return f"{column.longest_bytes:,} B ({column.longest.spot})" if column.longest is not None else ""


def _advice(advice: Sequence[Advice]) -> Iterator[str]:
    yield "advice" if advice else "no advice: this load is as it should be"
    for number, item in enumerate(advice, start=1):
        option = f": {item.option}" if item.option else ""
        after = "" if item.seconds is None else f" → {_time(item.seconds)}"
        yield f"  {number}. {item.text}{option}{after}"


def _pair(name: str, value: str) -> str:
    return f"{name:<{WIDTH}}{value}"


def _about(value: int, spread: int) -> str:
    return f"{value:,} ± {spread:,}" if spread else f"{value:,}"


def _time(seconds: float) -> str:
    return duration(ceil(seconds))


def _several(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
