"""The fault server's books, in the test's own event loop: what overlaps, hangs or is given up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.faults.clients import (
    FakeClock,
    numbered,
    people,
    put,
    raw_request,
)
from tests.faultserver import (
    FaultServer,
    Hang,
    Slow,
)


class Wire:
    """A bare connection of a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, server: FaultServer) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2])))

    def send(self, payload: Any) -> None:
        self._writer.write(raw_request(payload))

    async def receive(self) -> Any:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return json.loads(await self._reader.readexactly(length))

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something has come true."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_key_in_two_open_requests_is_an_overlap() -> None:
    async with FaultServer(check_signatures=False, latency_s=0.005) as server:
        server.create_table("people")
        first, second = await Wire.to(server), await Wire.to(server)
        first.send(people(put(id="1", a="old"), put(id="2")))
        await until(lambda: server.ledger.in_flight == 1)
        second.send(people(put(id="1", a="new"), put(id="3")))
        await first.receive()
        await second.receive()
        assert (server.overlaps, server.max_in_flight) == (1, 2)
        first.send(people(put(id="1")))
        await first.receive()
        assert server.overlaps == 1
        assert [applied.key[1] for applied in server.log] == ["1", "2", "1", "3", "1"]
        await first.close()
        await second.close()


async def test_a_client_that_drops_a_hanging_request_may_send_its_keys_again() -> None:
    async with FaultServer(check_signatures=False, faults=[Hang()]) as server:
        server.create_table("people")
        first, second = await Wire.to(server), await Wire.to(server)
        first.send(numbered(2))
        await until(lambda: server.ledger.in_flight == 1)
        second.send(numbered(2))
        await first.close()
        await second.receive()
        assert server.overlaps == 0
        assert server.accepted.total() == 2
        await second.close()


async def test_a_hanging_request_that_stays_open_is_held_against_the_client() -> None:
    async with FaultServer(check_signatures=False, faults=[Hang()]) as server:
        now = FakeClock()
        server.ledger._monotonic = now
        server.create_table("people")
        first, second = await Wire.to(server), await Wire.to(server)
        first.send(numbered(2))
        await until(lambda: server.ledger.in_flight == 1)
        second.send(numbered(2))
        await second.receive()
        now.now += 1
        assert server.overlaps == 2
        await first.close()
        await until(lambda: server.ledger.in_flight == 0)
        assert server.overlaps == 2
        await second.close()


async def test_a_slow_request_that_the_client_gives_up_is_never_carried_out() -> None:
    async with FaultServer(check_signatures=False, faults=[Slow(60)]) as server:
        server.create_table("people")
        wire = await Wire.to(server)
        wire.send(numbered(2))
        await until(lambda: server.ledger.in_flight == 1)
        await wire.close()
        await until(lambda: server.ledger.in_flight == 0)
        assert server.log == []


async def test_requests_on_one_connection_are_answered_in_turn() -> None:
    async with FaultServer(check_signatures=False, faults=[Slow(0.002)]) as server:
        server.create_table("people")
        wire = await Wire.to(server)
        wire.send(people(put(id="1")))
        wire.send(people(put(id="")))
        assert (await wire.receive()) == {"UnprocessedItems": {}}
        assert "message" in await wire.receive()
        assert (server.connections, server.max_in_flight) == (1, 1)
        await wire.close()


async def test_the_server_stops_while_requests_hang() -> None:
    async with FaultServer(check_signatures=False, faults=[Hang(), Slow(60)]) as server:
        server.create_table("people")
        wires = [await Wire.to(server) for _ in range(2)]
        for wire in wires:
            wire.send(numbered(1))
        await until(lambda: server.ledger.in_flight == 2)
    assert server.ledger.in_flight == 0
    for wire in wires:
        await wire.close()
