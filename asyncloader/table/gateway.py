"""The way to a table that fits: the lean transport, or aioboto3's where a proxy stands between or the user says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncloader.table.aws import Aws
from asyncloader.values.settings import RetrySettings, TransportName
from asyncloader.wire.lean import LeanGateway
from asyncloader.wire.transport import Gateway


@asynccontextmanager
async def gateway(
    aws: Aws, table: str, *, transport: TransportName, workers: int, retry: RetrySettings
) -> AsyncIterator[Gateway]:
    """Open the way to a table for so many requests at once."""
    if transport == "aioboto3" or (transport == "auto" and aws.wants_plain):
        from asyncloader.wire.plain import PlainGateway

        async with aws.plain_client(workers, retry) as client:
            yield PlainGateway(client, table, aws.credentials)
    else:
        yield LeanGateway(
            address=aws.address(), region=aws.region, table=table, credentials=aws.credentials, retry=retry
        )
