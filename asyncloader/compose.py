"""The one place where a load and a plan are composed: sources, connection, table, transports, and what runs on them.

The library's functions and the command call the same two functions.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from asyncloader.cancellation import end_task
from asyncloader.engine.loading.capacity import watch_capacity
from asyncloader.engine.loading.load import Load
from asyncloader.table.aws import Aws, connect, open_transports
from asyncloader.table.throughput import ThroughputUpdater
from asyncloader.values.errors import TableError, TableMissing, UsageError
from asyncloader.values.plan import Plan
from asyncloader.values.report import Report
from asyncloader.values.schema import Table
from asyncloader.values.settings import AwsSettings

if TYPE_CHECKING:
    import aioboto3

    from asyncloader.planning.planner import Planner


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
