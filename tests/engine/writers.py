"""A writer against the fault server, by the shortest way: without the control plane of the AWS."""

from __future__ import annotations

import asyncio
from typing import Any

from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.wire.connection import Address
from asyncloader.wire.native import NativeTransportFactory
from asyncloader.wire.transport import TransportFactory
from asyncloader.writer import BatchWriter
from tests.engine.loads import QUICK, Keys
from tests.faultserver import FaultServer
from tests.faultserver.values import Item

TABLE = "events"
FOR_EVER = 3600.0


class Writer(BatchWriter):
    """Knows its table and its address beforehand; retries without noticeable waits."""

    def __init__(self, server: FaultServer, **options: Any) -> None:
        super().__init__(TABLE, **{"retry": QUICK, "linger": 0.001, **options})
        self._server = server

    async def _connect(self) -> tuple[TransportFactory, Table]:
        host, port = self._server.url.removeprefix("http://").split(":")
        transports = NativeTransportFactory(
            address=Address(host, int(port)),
            region="us-east-1",
            table=TABLE,
            credentials=Keys(),
            retry=self._settings.retry,
        )
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}"
        return transports, Table(TABLE, arn, KeyAttribute("id"))


def contents(server: FaultServer) -> dict[str, Any]:
    """What the table holds, by its key's text."""
    return {next(iter(item["id"].values())): item for item in server.items(TABLE)}


def made(**options: Any) -> FaultServer:
    """A server with the table."""
    server = FaultServer(**options)
    server.create_table(TABLE)
    return server


def is_bad(item: Item) -> bool:
    return "bad" in item


async def gone_idle(turns: int = 20) -> None:
    """Let everybody in the loop come so far that they wait."""
    for _ in range(turns):
        await asyncio.sleep(0)
