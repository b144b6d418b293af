"""One connection: an answer is read however it is split, and a header is found only in the head."""

from __future__ import annotations

import asyncio

import pytest

from asyncloader.wire.connection import Address, Connection, HttpResponse, WriteCoalescer

BODY = b'{"x-amz-crc32: 7":"\r\nx-amz-crc32: 8\r\n"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nX-Amz-Crc32:  42 \r\nDate: now\r\nContent-Length: "
    + str(len(BODY)).encode()
    + b"\r\n\r\n"
    + BODY
)


class Wire(asyncio.Transport):
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


async def asked(wire: Wire) -> tuple[Connection, asyncio.Task[HttpResponse]]:
    """A connection over this wire, and the task that waits for the answer to a request."""
    connection = Connection(Address("localhost", 80), WriteCoalescer(), connect_timeout_s=1.0, request_timeout_s=1.0)
    connection.connection_made(wire)
    asking = asyncio.create_task(connection.request(b"request"))
    while not wire.sent:
        await asyncio.sleep(0)
    return connection, asking


@pytest.mark.parametrize("size", [1, 2, 7, 60, len(ANSWER)])
async def test_an_answer_may_come_in_parts(size: int) -> None:
    connection, asking = await asked(Wire())
    for first in range(0, len(ANSWER), size):
        connection.data_received(ANSWER[first : first + size])
    reply = await asking
    assert (reply.status, reply.body) == (200, BODY)
    assert reply.header(b"x-amz-crc32") == b"42"
    assert reply.header(b"date") == b"now"
    assert reply.header(b"x-amzn-requestid") is None
    assert reply.line(b"x-amz-crc32") == b"\r\nX-Amz-Crc32:  42 \r\n"
    assert reply.has(reply.line(b"x-amz-crc32"))
    assert not reply.has(b"\r\nx-amz-crc32: 8\r\n"), "that is in the body"
    connection.close()


async def test_nothing_of_an_answer_is_left_for_the_next_one() -> None:
    connection, asking = await asked(Wire())
    for _ in range(2):
        connection.data_received(ANSWER)
        assert (await asking).body == BODY
        asking = asyncio.create_task(connection.request(b"request"))
        await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 204 No Content\r\nDate: later\r\n\r\n")
    reply = await asking
    assert (reply.status, reply.body, reply.header(b"date")) == (204, b"", b"later")
    assert reply.header(b"x-amz-crc32") is None
    connection.close()


async def test_a_half_answer_goes_with_its_connection() -> None:
    connection, asking = await asked(Wire())
    connection.data_received(ANSWER[:40])
    asking.cancel()
    await asyncio.wait([asking])
    assert not connection.is_open
    connection.connection_made(Wire())
    again = asyncio.create_task(connection.request(b"request"))
    await asyncio.sleep(0)
    connection.data_received(ANSWER)
    assert (await again).header(b"x-amz-crc32") == b"42"
    connection.close()


async def test_what_is_ready_together_is_sent_together_in_its_order() -> None:
    coalescer, wires = WriteCoalescer(), [Wire(), Wire(), Wire()]
    for number, wire in enumerate(wires):
        coalescer.put(wire, b"%d" % number)
    coalescer.put(wires[0], b"last")
    assert not any(wire.sent for wire in wires)
    wires[1].closed = True
    await asyncio.sleep(0)
    assert [wire.sent for wire in wires] == [[b"0", b"last"], [], [b"2"]]
    coalescer.put(wires[2], b"next turn")
    await asyncio.sleep(0)
    assert wires[2].sent == [b"2", b"next turn"]


async def test_a_request_that_is_cancelled_before_its_turn_is_never_sent() -> None:
    wire = Wire()
    connection = Connection(Address("localhost", 80), WriteCoalescer(), connect_timeout_s=1.0, request_timeout_s=1.0)
    connection.connection_made(wire)
    request = connection.request(b"request")
    request.send(None)
    request.close()
    await asyncio.sleep(0)
    assert (wire.sent, wire.closed) == ([], True)
