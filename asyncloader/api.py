"""The library's functions, and the one place where a load and a plan are composed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from asyncloader.cancellation import end_task
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.loading.capacity import watch_capacity
from asyncloader.engine.loading.load import Load
from asyncloader.sources.resolve import SourceLike, StrPath
from asyncloader.table.aws import Aws, connect, open_transports
from asyncloader.table.throughput import ThroughputUpdater
from asyncloader.values.budget import Budget
from asyncloader.values.capacity_change import CapacitySettings
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import TableError, TableMissing, UsageError
from asyncloader.values.hooks import OnBatch, OnReject, OnRetry
from asyncloader.values.plan import Plan
from asyncloader.values.plan_settings import PlanSettings, parse_sample
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table, attribute_type
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

    from asyncloader.planning.planner import Planner


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

    `sources` are paths, globs or `-` for standard input. `types` maps columns to DynamoDB types (`"N"`, `"BOOL"`, …);
    key attributes have the type that the table says, all others are S. `workers` is the number of BatchWriteItem
    requests in flight; `"auto"` finds it out. `create` makes the table on demand if it is missing, with `key` and `sort_key` as
    `NAME[:S|N|B]`. `rejects` names the reject file (default `TABLE.rejects.csv` in the current folder), `max_rejects`
    a number of rows or a percentage such as `"5%"`. `max_wcu` caps the write
    capacity used in any second, `utilization` is the part of the described capacity that is used (None: no pace is kept
    but `max_wcu`). `spread` places of the files are read at once, without order between them: for files that are
    sorted by partition key. `shard_key`, as in `{"tenant": 8}`, splits each value of the partition key by a suffix `#0`
    to `#7`, chosen by a hash of the sort key; `report.shard_key` says how to query it. `stop_after_wcu` and
    `stop_after_cost` (at `price` for a million write request units) limit what the load uses since its first start,
    `stop_after` how long this run lasts (seconds, or a text like `"1h30m"`). `raise_wcu` raises a provisioned table for
    the time of the load; `prewarm` raises its warm throughput for good, which AWS charges once. What is done is kept in
    `journal` (default `TABLE-XXXXXXXX.journal` in the current folder) until the load is complete; `resume` goes on from
    there, `restart` begins anew. The hooks are called in the event loop and must not wait; `on_reject` hears of a row
    when it stands in the reject file, and after a crash may hear of it again.

    Raises `UsageError` (`SourceError`, `TableError`, `AccessError`) before anything is written, `LoadFailed` when the
    load stops after its first write; it is `BudgetSpent` where a limit ended it in good order. Rejected rows raise
    nothing: look at `report.counts.rows_rejected`.
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
    return await run_load(Load(sources, settings, hooks=hooks), table, aws_settings, session)


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

    With `table` its description is asked for (DescribeTable and nothing else); without it `key` and `sort_key`, as
    `NAME[:S|N|B]`, stand for it and nothing is asked of anybody. `sample` reads a part, as a fraction or a percentage
    such as `"5%"`, and extrapolates. `types`, `empty`, `dialect`, `limit`, `max_wcu`, `utilization` and
    `shard_key` are as for `load`. `wcu` is the capacity of a provisioned table in WCU/s to plan for, `price` that of a
    million write request units in US dollars.

    Raises `UsageError` (`SourceError`, `TableError`, `AccessError`). Rows that would be rejected raise nothing: look at
    `plan.clean` and `plan.rejects`.
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
    return await run_plan(
        planner, table, AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url), session
    )


async def run_load(
    load: Load,
    table: str,
    settings: AwsSettings,
    session: aioboto3.Session | None = None,
    *,
    endpoint: str | None = None,
    on_complete: Callable[[Aws], Awaitable[None]] | None = None,
) -> Report:
    """Look at the sources, connect, describe or create the table, and run the load: how every load is composed.

    `endpoint` is what the journal knows the service by, where that is not its address: the embedded server has
    another port each time. `on_complete` is awaited after a complete load, while the client is still open.
    """
    await load.prepare()
    retry, workers = load.settings.retry, load.settings.workers
    async with AsyncExitStack() as stack:
        aws = await stack.enter_async_context(connect(settings, session))
        described = await _describe_or_create(load, aws, table)
        opening = open_transports(aws, table, transport=settings.transport, workers=workers, retry=retry)
        transports = await stack.enter_async_context(opening)
        watching = asyncio.create_task(watch_capacity(load, lambda: aws.describe(table)))
        try:
            throughput = ThroughputUpdater(aws, table)
            report = await load.run(transports, described, endpoint or aws.endpoint_url, throughput)
        finally:
            await end_task(watching)
        if on_complete is not None:
            await on_complete(aws)
        return report


async def run_plan(
    planner: Planner, table: str | None, settings: AwsSettings, session: aioboto3.Session | None = None
) -> Plan:
    """Look at the sources, describe the table if one is named, and make the plan: how every plan is composed."""
    await planner.prepare()
    if table is None:
        region = settings.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return await planner.run(None, region)
    if planner.names_key:
        raise UsageError("--table tells the key; leave --key and --sort-key out")
    async with connect(settings, session) as aws:
        described = await aws.describe(table)
        region = aws.region
    return await planner.run(described, region)


async def _describe_or_create(load: Load, aws: Aws, name: str) -> Table:
    create = load.settings.create
    if create is None:
        return await aws.describe(name)
    for source in load.inputs:
        for key in (create.key, create.sort_key):
            if key is not None and source.columns is not None and key.name not in source.columns:
                raise TableError(
                    f"{source.name}: has no column {key.name!r}, which --create is to make a key of {name}"
                )
    try:
        return await aws.describe(name)
    except TableMissing:
        return await aws.create(name, create)
