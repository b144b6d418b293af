"""A TCP proxy that spoils connections by a seeded script: it cuts them, stalls them, and lets bytes trickle.

It knows nothing of HTTP but that client and server take turns: an exchange starts with the first bytes that a client
sends on a new connection or behind an answer. Each exchange meets at most one trouble. When one side is gone, what
the proxy still holds is dropped and the other side is reset, so that no byte of a request arrives at the server after
the client has given it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from random import Random
from types import TracebackType
from typing import Self, cast

TRICKLE_BYTES, TRICKLE_PAUSE_S = 512, 0.001


class Trouble(Enum):
    """What happens to one exchange."""

    RESET_BEFORE = "reset before a byte of the request is passed on"
    CUT_REQUEST = "reset behind half of the request"
    RESET_AFTER = "reset when the answer has come, before a byte of it is passed on"
    CUT_ANSWER = "reset behind half of the answer"
    PAUSE_REQUEST = "the request waits a moment"
    PAUSE_ANSWER = "the answer waits a moment"
    STALL_REQUEST = "the request waits for ever"
    STALL_ANSWER = "the answer waits for ever"
    TRICKLE_REQUEST = "the request comes in small parts"
    TRICKLE_ANSWER = "the answer comes in small parts"


CUTS = frozenset({Trouble.RESET_BEFORE, Trouble.CUT_REQUEST, Trouble.RESET_AFTER, Trouble.CUT_ANSWER})
PAUSES = frozenset({Trouble.PAUSE_REQUEST, Trouble.PAUSE_ANSWER})
STALLS = frozenset({Trouble.STALL_REQUEST, Trouble.STALL_ANSWER})
TRICKLES = frozenset({Trouble.TRICKLE_REQUEST, Trouble.TRICKLE_ANSWER})
ON_REQUESTS = frozenset(each for each in Trouble if each.name.endswith("REQUEST")) | {Trouble.RESET_BEFORE}


class TcpProxy:
    """Listens on 127.0.0.1 and passes everything on to `target`, but for what the script spoils.

    Each exchange meets one of `weights` by chance (None is no trouble), at most `at_most` of them in all, so that it
    all ends. `counts` tells what was done; `pause_s` is how long a moment is.
    """

    def __init__(
        self,
        target: tuple[str, int],
        *,
        seed: int,
        weights: Mapping[Trouble | None, float],
        at_most: int,
        pause_s: float = 0.02,
    ) -> None:
        self.target = target
        self.pause_s = pause_s
        self.counts: Counter[Trouble] = Counter()
        self.connections = 0
        self.exchanges = 0
        self._chance = Random(seed)
        self._choices, self._weights = list(weights), list(weights.values())
        self._left = at_most
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect."""
        assert self._server is not None, "the proxy is not running"
        host, port = self._server.sockets[0].getsockname()
        return str(host), int(port)

    def counted(self, troubles: frozenset[Trouble]) -> int:
        """How many exchanges met one of these."""
        return sum(self.counts[each] for each in troubles)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Link(self).client, "127.0.0.1", 0, backlog=1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        ends = [link.drop() for link in list(self._links)]
        if ends:
            await asyncio.wait(ends, timeout=5)
        await self._server.wait_closed()

    def mend(self) -> None:
        """From now on nothing fails."""
        self._left = 0

    def draw(self) -> Trouble | None:
        """What the next exchange meets."""
        self.exchanges += 1
        (trouble,) = self._chance.choices(self._choices, self._weights)
        if trouble is None or self._left == 0:
            return None
        self._left -= 1
        self.counts[trouble] += 1
        return trouble

    def opened(self, link: _Link) -> None:
        """A client has connected."""
        self.connections += 1
        self._links.add(link)

    def closed(self, link: _Link) -> None:
        """Both sides of a link are gone."""
        self._links.discard(link)


class _Side(asyncio.Protocol):
    """One of a link's two connections; it holds back what is to wait for a while, or for ever."""

    def __init__(self, made: Callable[[], None], received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.held: bytearray | None = None
        self._made, self._received, self._lost = made, received, lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._made()

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._lost()

    def write(self, data: bytes) -> None:
        """Send, behind what is held back."""
        if self.held is not None:
            self.held += data
        elif self.transport is not None and data:
            self.transport.write(data)

    def release(self, most_bytes: int | None = None) -> bool:
        """Send what is held back, or its first bytes; returns whether there is more."""
        held, self.held = self.held or bytearray(), None
        self.write(bytes(held[:most_bytes]))
        if most_bytes is not None and len(held) > most_bytes:
            self.held = held[most_bytes:]
        return self.held is not None

    def reset(self) -> None:
        """Drop the connection with a RST, and with it every byte that has not arrived."""
        self.held = None
        if self.transport is not None and not self.transport.is_closing():
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


class _Link:
    """One client's connection and the one to the target that belongs to it."""

    def __init__(self, proxy: TcpProxy) -> None:
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self.client = _Side(self._begin, self._from_client, self._end)
        self._server = _Side(self._connected, self._from_server, self._end)
        self._connecting: asyncio.Task[None] | None = None
        self._early: bytearray | None = bytearray()
        """What has come before there is a connection to the target."""
        self._asking = False
        self._trouble: Trouble | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()

    def drop(self) -> asyncio.Future[None]:
        """Reset both sides and forget what is held; the future is done when both are gone."""
        if self._timer is not None:
            self._timer.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        self.client.reset()
        self._server.reset()
        return self._ended

    # What happens on the two sides.

    def _begin(self) -> None:
        self._proxy.opened(self)
        self._connecting = self._loop.create_task(self._connect())
        self._connecting.add_done_callback(lambda _: self._end())

    async def _connect(self) -> None:
        with contextlib.suppress(OSError):
            await self._loop.create_connection(lambda: self._server, *self._proxy.target)

    def _connected(self) -> None:
        early, self._early = bytes(self._early or b""), None
        if early:
            self._from_client(early)

    def _end(self) -> None:
        """A side is gone, or the attempt to connect is over: with one side goes the other."""
        connecting = self._connecting is not None and not self._connecting.done()
        gone = self.client.transport is None, self._server.transport is None and not connecting
        if gone == (False, True) and self.client.held is None and self._early is None:
            assert self.client.transport is not None
            self.client.transport.close()  # behind a whole answer
        elif any(gone):
            self.drop()
        if all(gone):
            self._proxy.closed(self)
            if not self._ended.done():
                self._ended.set_result(None)

    def _from_client(self, data: bytes) -> None:
        if self._early is not None:
            self._early += data
        elif not self._asking:
            self._asking, self._trouble = True, self._proxy.draw()
            self._forward(self._server, data, spoiled=self._trouble in ON_REQUESTS)
        else:
            self._server.write(data)

    def _from_server(self, data: bytes) -> None:
        spoiled = self._asking and self._trouble is not None and self._trouble not in ON_REQUESTS
        self._asking = False
        self._forward(self.client, data, spoiled=spoiled)

    def _forward(self, to: _Side, data: bytes, *, spoiled: bool) -> None:
        """Pass on the first bytes of one half of an exchange, or let its trouble begin."""
        trouble = self._trouble
        if not spoiled:
            to.write(data)
        elif trouble in CUTS:
            if trouble in (Trouble.CUT_REQUEST, Trouble.CUT_ANSWER):
                to.write(data[: len(data) // 2])
            self.drop()
        else:
            to.held = bytearray(data)
            if trouble in PAUSES:
                self._timer = self._loop.call_later(self._proxy.pause_s, to.release)
            elif trouble in TRICKLES:
                self._trickle(to)

    def _trickle(self, to: _Side) -> None:
        if to.release(TRICKLE_BYTES):
            self._timer = self._loop.call_later(TRICKLE_PAUSE_S, self._trickle, to)
