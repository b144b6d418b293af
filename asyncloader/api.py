"""The library's functions: their parameters become settings, `compose` does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from asyncloader import compose
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.loading.load import Load
from asyncloader.sources.resolve import SourceLike, StrPath
from asyncloader.values.budget import Budget
from asyncloader.values.capacity_change import CapacitySettings
from asyncloader.values.dialect import Dialect
from asyncloader.values.hooks import OnBatch, OnReject, OnRetry
from asyncloader.values.plan import Plan
from asyncloader.values.plan_settings import PlanSettings, parse_sample
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, attribute_type
from asyncloader.values.settings import (
    UTILIZATION,
    AwsSettings,
    CreateSettings,
    EmptyCells,
    LoadSettings,
    PacingSettings,
    RejectLimit,
    RetrySettings,
    TransportName,
    read_workers,
)
from asyncloader.values.spread import ShardKey, Spread

if TYPE_CHECKING:
    import aioboto3


async def load(
    table: str,
    *sources: SourceLike,
    session: aioboto3.Session | None = None,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    workers: int | Literal["auto"] = 32,
    types: Mapping[str, str] | None = None,
    empty: EmptyCells = "drop",
    dialect: Dialect | None = None,
    limit: int | None = None,
    create: bool = False,
    key: str | None = None,
    sort_key: str | None = None,
    rejects: StrPath | None = None,
    max_rejects: int | str | None = None,
    max_wcu: float | None = None,
    stop_after_wcu: float | None = None,
    stop_after_cost: float | None = None,
    stop_after: str | float | None = None,
    price: float | None = None,
    utilization: float | None = UTILIZATION,
    spread: int = 1,
    shard_key: Mapping[str, int] | None = None,
    raise_wcu: int | None = None,
    prewarm: int | None = None,
    journal: StrPath | None = None,
    resume: bool = False,
    restart: bool = False,
    transport: TransportName = "auto",
    retry: RetrySettings | None = None,
    on_reject: OnReject | None = None,
    on_retry: OnRetry | None = None,
    on_batch: OnBatch | None = None,
) -> Report:
    """Load files, frames or items into a table; every row is written, rejected with its reason, or superseded.

    The rows of a key are written in the order of the sources, so the last one wins. What is done is kept in a journal until
    the load is complete; frames and iterators can be read only once, so a load of them keeps none.

    Args:
        table: Name or ARN of the table.
        sources: Paths, globs, `-` for standard input, frames (Arrow, pandas, polars), or iterables of dicts, async or not.
        session: An `aioboto3.Session`; without it `region` and `profile` are found as by any AWS tool.
        region: AWS region of the table.
        profile: Profile of the AWS configuration files.
        endpoint_url: Address of the service, where it is not AWS's own.
        workers: BatchWriteItem requests in flight, 1 to 1024; "auto" finds the number.
        types: DynamoDB type ("N", "BOOL", …) by column; key attributes have the table's type, all others are S.
        empty: Empty cells: "drop" leaves the attribute out, "null" stores NULL, "keep" an empty string.
        dialect: How CSV sources are written.
        limit: Rows to read at most.
        create: Create the table on demand if it is missing, with `key` and `sort_key`.
        key: Partition key of a table to create, as `NAME[:S|N|B]`.
        sort_key: Sort key of a table to create, as `NAME[:S|N|B]`.
        rejects: Path of the reject file; default `TABLE.rejects.csv` in the current folder.
        max_rejects: Rows that may be rejected: a number, or a percentage of the rows read such as "5%".
        max_wcu: Cap on the write capacity used in any second, in WCU.
        stop_after_wcu: Write capacity that may be used since the load's first start, in WCU.
        stop_after_cost: The same in US dollars, at `price`.
        stop_after: How long this run may last: seconds, or a text such as "1h30m".
        price: US dollars for a million write request units; needed where the region's price is not known.
        utilization: Part of the described capacity that is used, 0 to 1; None: no pace is kept but `max_wcu`.
        spread: Places of the files that are read at once, 1 to 64, without order between them: for files that are
            sorted by partition key.
        shard_key: `{"tenant": 8}` splits each value of the partition key by a suffix `#0` to `#7`, chosen by a hash of
            the sort key; `report.shard_key` says how to query it.
        raise_wcu: Provisioned WCU/s of the table for the time of the load; restored afterwards.
        prewarm: Warm throughput of the table in WCU/s, for good; AWS charges once for it.
        journal: Path of the journal; default `TABLE-XXXXXXXX.journal` in the current folder.
        resume: Go on where the journal says.
        restart: Start anew although there is a journal.
        transport: "auto", "native" (own connections) or "aioboto3".
        retry: When items are sent again, and when the load gives up.
        on_reject: Called with each row once it is in the reject file, in the event loop; must not wait. After a crash it
            may be called with a row again.
        on_retry: Called when items will be sent again.
        on_batch: Called when a request has ended.

    Returns:
        The report. Rejected rows raise nothing: look at `report.counts.rows_rejected`.

    Raises:
        UsageError: Before anything is written; also `SourceError`, `TableError` and `AccessError`.
        LoadFailed: The load stopped after its first write; `BudgetSpent` where a limit ended it in good order.
    """
    most, auto = read_workers(workers)
    settings = LoadSettings(
        workers=most,
        auto_workers=auto,
        types={name: attribute_type(kind) for name, kind in (types or {}).items()},
        empty=empty,
        dialect=dialect or Dialect(),
        limit=limit,
        create=CreateSettings.of(key, sort_key) if create else None,
        rejects=None if rejects is None else Path(rejects),
        max_rejects=None if max_rejects is None else RejectLimit.parse(str(max_rejects)),
        budget=Budget.of(stop_after_wcu, stop_after_cost, stop_after, price),
        pacing=PacingSettings(max_wcu, utilization),
        spread=Spread(spread, ShardKey.of(shard_key)),
        change=CapacitySettings(raise_wcu, prewarm),
        journal=None if journal is None else Path(journal),
        resume=resume,
        restart=restart,
        retry=retry or RetrySettings(),
    )
    aws_settings = AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url, transport=transport)
    hooks = Hooks(on_reject=on_reject, on_retry=on_retry, on_batch=on_batch)
    return await compose.run_load(Load(sources, settings, hooks=hooks), table, aws_settings, session)


async def plan(
    *sources: StrPath,
    table: str | None = None,
    key: str | None = None,
    sort_key: str | None = None,
    sample: float | str | None = None,
    session: aioboto3.Session | None = None,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    types: Mapping[str, str] | None = None,
    empty: EmptyCells = "drop",
    dialect: Dialect | None = None,
    limit: int | None = None,
    max_wcu: float | None = None,
    utilization: float | None = UTILIZATION,
    shard_key: Mapping[str, int] | None = None,
    wcu: float | None = None,
    price: float | None = None,
) -> Plan:
    """Tell what a load of these sources would do, without writing anything: rejects, capacity, cost, time, advice.

    Args:
        sources: Paths, globs, or `-` for standard input.
        table: A table to describe (DescribeTable and nothing else); without it `key` is needed and nothing is asked.
        key: Partition key of the table to plan for, as `NAME[:S|N|B]`.
        sort_key: Sort key of the table to plan for, as `NAME[:S|N|B]`.
        sample: Part of the sources to read: a fraction, or a percentage such as "5%"; the rest is extrapolated.
        session: As for `load`, like `region`, `profile` and `endpoint_url`.
        region: AWS region, whose prices are used.
        profile: Profile of the AWS configuration files.
        endpoint_url: Address of the service, where it is not AWS's own.
        types: As for `load`, like `empty`, `dialect`, `limit`, `max_wcu`, `utilization` and `shard_key`.
        empty: What becomes of empty cells.
        dialect: How CSV sources are written.
        limit: Rows to read at most.
        max_wcu: Cap on the write capacity used in any second, in WCU.
        utilization: Part of the described capacity that is used, 0 to 1.
        shard_key: The partition key to split, and into how many parts.
        wcu: Capacity of a provisioned table to plan for, in WCU/s.
        price: US dollars for a million write request units.

    Returns:
        The plan. Rows that would be rejected raise nothing: look at `plan.clean` and `plan.rejects`.

    Raises:
        UsageError: Options, sources and table do not fit; also `SourceError`, `TableError` and `AccessError`.
    """
    from asyncloader.planning.planner import Planner

    planner = Planner(
        sources,
        PlanSettings(
            load=LoadSettings(
                types={name: attribute_type(kind) for name, kind in (types or {}).items()},
                empty=empty,
                dialect=dialect or Dialect(),
                limit=limit,
                pacing=PacingSettings(max_wcu, utilization),
                spread=Spread(shard_key=ShardKey.of(shard_key)),
            ),
            key=None if key is None else KeyAttribute.parse(key),
            sort_key=None if sort_key is None else KeyAttribute.parse(sort_key),
            sample=parse_sample(sample) if isinstance(sample, str) else sample,
            wcu=wcu,
            price_usd=price,
        ),
    )
    return await compose.run_plan(
        planner, table, AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url), session
    )
