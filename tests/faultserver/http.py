"""A small HTTP/1.1 server: keep-alive, Content-Length, one request of a connection at a time.

A connection reads a request, hands it to the handler, writes the reply and takes up the next request. The
handler answers at once or with a coroutine; when the client goes away meanwhile, the coroutine is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

import httptools

MAX_BUFFERED_BYTES = 64 * 1024 * 1024
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Then(Enum):
    """What happens to the connection behind a reply."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()


@dataclass(slots=True)
class Request:
    """A request that has been read to its end; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool
    done: Callable[[bool], None] | None = None
    """Called once: with True when the reply goes out, with False when the client has gone before."""

    def finish(self, answered: bool) -> None:
        """Report the request's end, if anybody asked for it."""
        if (done := self.done) is not None:
            self.done = None
            done(answered)


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes of an answer (none for silence) and what follows."""

    data: bytes
    then: Then = Then.KEEP


Handler = Callable[[Request], Reply | Awaitable[Reply]]


class HttpServer:
    """Listens on the loopback address."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        """Replies that are still waited for."""
        self.connections = 0
        """How many connections were accepted so far."""

    async def start(self, port: int) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._handler, self), "127.0.0.1", port, ssl=self._tls, backlog=1024
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and cut all connections."""
        if self._server is None:
            return
        self._server.close()
        ends = [connection.cut() for connection in list(self._connections)]
        if ends:
            await asyncio.wait(ends, timeout=5)
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=5)
        await self._server.wait_closed()
        self._server = None

    def opened(self, connection: Connection) -> None:
        """A connection has been made."""
        self.connections += 1
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, handler: Handler, server: HttpServer) -> None:
        self._handler = handler
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._current: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of it.
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.closed(self)
        self._transport = None
        if self._task is not None:
            self._task.cancel()
        for request in (self._current, *self._waiting):
            if request is not None:
                request.finish(False)
        self._current = None
        self._waiting.clear()
        if not self._ended.done():
            self._ended.set_result(None)

    def cut(self) -> asyncio.Future[None]:
        """Drop the connection now; the future is done when it is gone."""
        if self._transport is not None:
            self._transport.abort()
        return self._ended

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # A mistake in here, not in the request.
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self._transport is not None:
                self._transport.write(_BAD_REQUEST)
                self._transport.close()

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser; a header that comes twice is joined as SigV4 does."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]},{text}" if key in self._headers else text

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._size += len(body)
        if self._size > MAX_BUFFERED_BYTES:
            raise ValueError("the body is larger than any request of a test")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        request = Request(
            method=self._parser.get_method().decode(),
            path=self._url.decode("latin-1"),
            headers=self._headers,
            body=self._body[0] if len(self._body) == 1 else b"".join(self._body),
            keep_alive=self._parser.should_keep_alive(),
        )
        self._begin()
        if self._current is None:
            self._start(request)
        else:
            self._waiting.append(request)

    def _start(self, request: Request) -> None:
        self._current = request
        outcome = self._handler(request)
        if isinstance(outcome, Reply):
            self._finish(outcome)
        else:
            self._task = asyncio.get_running_loop().create_task(self._later(outcome))
            self._server.tasks.add(self._task)
            self._task.add_done_callback(self._server.tasks.discard)

    async def _later(self, outcome: Awaitable[Reply]) -> None:
        reply = await outcome
        self._task = None
        self._finish(reply)

    def _finish(self, reply: Reply) -> None:
        request, transport = self._current, self._transport
        if request is None or transport is None or transport.is_closing():
            return  # connection_lost has ended the request, or is about to.
        self._current = None
        # Before the bytes go out: a test in another thread may look at the books once it has the answer.
        request.finish(True)
        if reply.data:
            transport.write(reply.data)
        if reply.then is Then.RESET:
            _reset_on_close(transport)
            transport.abort()
        elif reply.then is Then.CLOSE or not request.keep_alive:
            transport.close()
        elif self._waiting:
            self._start(self._waiting.popleft())


def _reset_on_close(transport: asyncio.Transport) -> None:
    """Make the kernel send RST instead of FIN when the socket is closed."""
    raw = transport.get_extra_info("socket")
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(raw.fileno())) as twin:
        # Options belong to the socket, not to the descriptor; uvloop's own socket object has no setsockopt.
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
