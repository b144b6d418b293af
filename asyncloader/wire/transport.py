"""The port between the engine and the network, and the body that both of its implementations send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, get_args

import orjson

from asyncloader.values.errors import BatchRefused, ServiceError
from asyncloader.wire.response import BatchWriteResult

Payload = Sequence[bytes | memoryview]
"""Items as `{"PutRequest":{"Item":{…}}}` or `{"DeleteRequest":{"Key":{…}}}`, in parts of one or more joined by commas."""

CapacityDetail = Literal["INDEXES", "TOTAL", "NONE"]
"""How much of ConsumedCapacity an answer has."""

TARGET = "DynamoDB_20120810.BatchWriteItem"


class Transport(Protocol):
    """One writer's connection to the table: one request at a time."""

    async def send(self, payload: Payload) -> BatchWriteResult:
        """Send one BatchWriteItem request; raises one of the `ServiceError` family.

        If it is cancelled, the items may have been written or not.
        """
        ...

    async def close(self) -> None:
        """Close the connection; waits for no request in flight."""
        ...


class TransportFactory(Protocol):
    """Makes transports, one for each writer, and holds what they share: address, credentials, `capacity_mode`."""

    capacity_mode: ConsumedCapacityMode

    def transport(self) -> Transport:
        """A new transport; it connects when it first sends."""
        ...


class ConsumedCapacityMode:
    """How much of ConsumedCapacity is asked for: TOTAL, or INDEXES for the share of each; less once a server refuses it.

    Alternator, for example, does not know INDEXES.
    """

    def __init__(self) -> None:
        self.mode: CapacityDetail = "TOTAL"

    def step_down(self, error: ServiceError, asked: CapacityDetail) -> bool:
        """Whether a request that asked for `asked` was refused for that, and is worth sending again: less is asked now."""
        if not isinstance(error, BatchRefused) or "returnconsumedcapacity" not in error.message.lower():
            return False
        if asked == "NONE":
            return False
        if self.mode == asked:
            self.mode = "TOTAL" if asked == "INDEXES" else "NONE"
        return True


class Envelope:
    """The JSON around the items in every request for one table."""

    def __init__(self, table: str) -> None:
        name = orjson.dumps(table)
        self.capacity_mode = ConsumedCapacityMode()
        self._open = b'{"RequestItems":{' + name + b":["
        self._ends = {
            detail: b']},"ReturnConsumedCapacity":"' + detail.encode() + b'"}' for detail in get_args(CapacityDetail)
        }

    def wrap(self, payload: Payload) -> bytes:
        """The whole body: the one place where items are copied."""
        end = self._ends[self.capacity_mode.mode]
        if len(payload) == 1:
            return b"".join((self._open, payload[0], end))
        return b"".join((self._open, b",".join(payload), end))
