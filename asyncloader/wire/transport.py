"""The port between the engine and the network, and the body that both of its implementations send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import orjson

from asyncloader.wire.answer import Answer

Payload = Sequence[bytes | memoryview]
"""Items as `{"PutRequest":{"Item":{…}}}` or `{"DeleteRequest":{"Key":{…}}}`, in parts of one or more joined by commas."""

TARGET = "DynamoDB_20120810.BatchWriteItem"


class Transport(Protocol):
    """One writer's way to the table: one request at a time."""

    async def send(self, payload: Payload) -> Answer:
        """Send one BatchWriteItem request; raises one of the `ServiceError` family.

        Whoever is cancelled here must take the items as neither written nor unwritten.
        """
        ...

    async def close(self) -> None:
        """Let the connection go; waits for nothing that is under way."""
        ...


class Gateway(Protocol):
    """Makes transports, one for each writer, and knows what they share: address and credentials."""

    def transport(self) -> Transport:
        """A new transport; it connects when it first sends."""
        ...


class Envelope:
    """What stands around the items in every request for one table."""

    def __init__(self, table: str) -> None:
        name = orjson.dumps(table)
        self._open = b'{"RequestItems":{' + name + b":["
        self._close = b']},"ReturnConsumedCapacity":"TOTAL"}'

    def wrap(self, payload: Payload) -> bytes:
        """The whole body: the one place where items are copied."""
        if len(payload) == 1:
            return b"".join((self._open, payload[0], self._close))
        return b"".join((self._open, b",".join(payload), self._close))
