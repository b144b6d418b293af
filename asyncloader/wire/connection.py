"""One keep-alive HTTP/1.1 connection that carries one request at a time."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

import httptools

from asyncloader.values.errors import ConnectionFailed, ServiceUnavailable

ANSWER_LIMIT_BYTES = 64 * 1024 * 1024
"""No answer is longer: UnprocessedItems repeats at most one request."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect; `ssl` is None for plain HTTP."""

    host: str
    port: int
    ssl: ssl.SSLContext | None = None

    @property
    def host_header(self) -> str:
        """The Host header, which SigV4 signs: without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.ssl else 80) else f"{host}:{self.port}"


class HttpResponse:
    """A raw answer: status, head as it came (perhaps with some of the body behind it), body."""

    __slots__ = ("_head", "body", "status")

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        self.status = status
        self.body = body
        self._head = head

    def line(self, name: bytes) -> bytes:
        """One header's line as it came, line ends included; `name` in lower case. Empty if there is none.

        Looked for in the head's own bytes: most headers of most answers are never asked for.
        """
        head = self._head[: self._head.find(b"\r\n\r\n") + 2]
        start = head.lower().find(b"\r\n%b:" % name)
        return head[start : head.find(b"\r\n", start + 2) + 2] if start >= 0 else b""

    def header(self, name: bytes) -> bytes | None:
        """The value of one header; `name` in lower case."""
        line = self.line(name)
        return line[len(name) + 3 :].strip() if line else None

    def has(self, line: bytes) -> bool:
        """Whether this line is in the head, to the letter."""
        return 0 <= self._head.find(line) < self._head.find(b"\r\n\r\n")


class Connection(asyncio.Protocol):
    """Sends a request when the one before is answered; in every other case it closes and raises.

    A connection that broke, timed out or was cancelled in mid-answer is dropped, never used again: an answer that
    comes late must not be taken for the answer to the next request.
    """

    def __init__(
        self, address: Address, coalescer: WriteCoalescer, *, connect_timeout_s: float, request_timeout_s: float
    ) -> None:
        self._address = address
        self._coalescer = coalescer
        self._connect_timeout_s = connect_timeout_s
        self._request_timeout_s = request_timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._reply: asyncio.Future[HttpResponse] | None = None
        self._head = b""
        self._body: list[bytes] = []
        self._received = 0
        self._deadline = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self.used = 0

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent without connecting first."""
        return self._transport is not None and not self._transport.is_closing()

    async def connect(self) -> None:
        """Connect; raises `ConnectionFailed`."""
        self.close()
        address = self._address
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await self._loop.create_connection(lambda: self, address.host, address.port, ssl=address.ssl)
        except TimeoutError:
            raise ConnectionFailed("ConnectTimeout", f"no connection within {self._connect_timeout_s:g} s") from None
        except ssl.SSLError as error:
            raise ConnectionFailed(
                "TLSFailed", f"{error.reason or error}; for a private CA set AWS_CA_BUNDLE"
            ) from error
        except OSError as error:
            raise ConnectionFailed("ConnectFailed", error.strerror or str(error)) from error
        self.used = 0

    async def request(self, message: bytes) -> HttpResponse:
        """Send one request and wait for its answer; raises `ServiceUnavailable` if there is none that can be read."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ServiceUnavailable("ConnectionClosed", "the connection was closed between requests")
        response: asyncio.Future[HttpResponse] = self._loop.create_future()
        self._reply = response
        self._deadline = self._loop.time() + self._request_timeout_s
        if self._watch is None:
            self._watch = self._loop.call_later(self._request_timeout_s, self._check_deadline)
        self.used += 1
        self._coalescer.put(transport, message)
        try:
            return await response
        finally:
            if not response.done() or response.cancelled():
                self.close()
            self._reply = None

    def close(self) -> None:
        """Drop the connection at once."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self._parser = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are no subclass
        self._parser = httptools.HttpResponseParser(self)
        self._forget()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if not self._body:
            self._head = self._head + data if self._head else data
        try:
            if self._parser is not None:
                self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._break("BrokenAnswer", f"the answer is not HTTP: {error}")
        if self._received > ANSWER_LIMIT_BYTES:
            self._break("BrokenAnswer", f"the answer is longer than {ANSWER_LIMIT_BYTES} bytes")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._break("ConnectionLost", str(error) if error else "the connection was closed before the answer")

    def _break(self, code: str, message: str) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ServiceUnavailable(code, message))
        self.close()

    def _forget(self) -> None:
        """Forget an answer that has been read, or that was cut off with its connection."""
        self._head, self._received = b"", 0
        self._body = []

    def _check_deadline(self) -> None:
        # One timer per connection that looks again, not one per request.
        self._watch = None
        now = self._loop.time()
        if self._reply is None:
            return
        if now >= self._deadline:
            self._break("RequestTimeout", f"no answer within {self._request_timeout_s:g} s")
        else:
            self._watch = self._loop.call_at(self._deadline, self._check_deadline)

    # What httptools calls.

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        parser, response = self._parser, self._reply
        if parser is None:
            return
        if response is None or response.done():
            # Nobody asked: whatever this is, it must not be taken for the answer to the next request.
            self.close()
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        response.set_result(HttpResponse(parser.get_status_code(), self._head, body))
        self._forget()
        if not parser.should_keep_alive():
            self.close()


class WriteCoalescer:
    """Messages that go out in this turn of the event loop, after everything that is ready to run has run."""

    def __init__(self) -> None:
        self._messages: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, message: bytes) -> None:
        """Send this soon; never, if the transport is closed before."""
        if not self._messages:
            asyncio.get_running_loop().call_soon(self._send)
        self._messages.append((transport, message))

    def _send(self) -> None:
        messages, self._messages = self._messages, []
        for transport, message in messages:
            if not transport.is_closing():
                transport.write(message)
