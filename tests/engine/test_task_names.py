"""Names that do not resolve, clocks that disagree, connections that close between requests: all of them in mid-load."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asyncloader.values.errors import AccessError, LoadFailed
from tests.engine.loads import QUICK, Row, Scene, applied, scene
from tests.faultserver import CloseAfterAnswer, FaultServer
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault

NAME = "dynamodb.test"
WORKERS = 4
ATTEMPTS = 6


class Names:
    """A resolver that knows one name; while `fails` it does not even know that. `asked` and `failed` count."""

    def __init__(self) -> None:
        self.fails: Callable[[], bool] = lambda: False
        self.asked = 0
        self.failed = 0

    async def getaddrinfo(self, loop: Any, host: Any, port: Any, **_: Any) -> list[Any]:
        """What `loop.getaddrinfo` is during a test."""
        assert host == NAME
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails():
            self.failed += 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    def fail_next(self, times: int) -> None:
        """Fail this number of times from now on."""
        until = self.failed + times
        self.fails = lambda: self.failed < until


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The resolver of this test's loop."""
    made = Names()

    async def getaddrinfo(self: Any, host: Any, port: Any, **rest: Any) -> list[Any]:
        return await made.getaddrinfo(self, host, port, **rest)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return made


def _rows(count: int) -> list[Row]:
    return [(f"k{number % 300}", f"v{number}", "") for number in range(count)]


def _named(made: Scene) -> Scene:
    """The same server, by its name."""
    made.server.url = made.server.url.replace("127.0.0.1", NAME)
    return made


def _after(requests: int, act: Callable[[], object]) -> Callable[[Batch], Fault | None]:
    """From a request on every connection is closed behind its answer; that first one also acts."""

    def decide(batch: Batch) -> Fault | None:
        if batch.number == requests:
            act()
        return CloseAfterAnswer() if batch.number >= requests else None

    return decide


async def test_names_that_do_not_resolve_for_a_while_cost_only_time(tmp_path: Path, names: Names) -> None:
    rows = _rows(1200)
    async with FaultServer() as server:
        made = _named(scene(server, tmp_path, rows))
        server.faults = _after(10, lambda: names.fail_next(3 * WORKERS))
        report = await made.run(workers=WORKERS)
        assert names.failed == 3 * WORKERS
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(rows)
        assert server.overlaps == 0
        # Nobody sends before there is a connection.
        assert report.counts.requests >= server.requests["BatchWriteItem"] + names.failed


async def test_names_that_never_resolve_again_stop_the_load_resumably(tmp_path: Path, names: Names) -> None:
    rows = _rows(1200)
    retry = replace(QUICK, attempts=ATTEMPTS)
    async with FaultServer() as server:
        made = _named(scene(server, tmp_path, rows))
        server.faults = _after(10, lambda: setattr(names, "fails", lambda: True))
        with pytest.raises(
            LoadFailed, match=r"no progress in \d+ attempts.*Temporary failure in name resolution"
        ) as stop:
            await made.run(workers=WORKERS, retry=retry)
        assert stop.value.resume
        assert stop.value.report is not None
        assert not stop.value.report.complete
        assert stop.value.report.counts.items_written >= 10 * 25
        # Each batch may try so often; a few are under way.
        assert ATTEMPTS <= names.failed <= 3 * WORKERS * ATTEMPTS
        assert (tmp_path / "load.journal").exists()

        names.fails = lambda: False
        server.faults = None
        report = await made.run(workers=WORKERS, resume=True)
        assert report.complete
        assert report.reconciles
        assert report.this_run.rows_read < len(rows)
        assert made.items() == applied(rows)


async def test_a_name_that_does_not_resolve_from_the_start_writes_nothing(tmp_path: Path, names: Names) -> None:
    names.fails = lambda: True
    async with FaultServer() as server:
        made = _named(scene(server, tmp_path, _rows(100)))
        with pytest.raises(AccessError, match="Temporary failure in name resolution"):
            await made.run(retry=replace(QUICK, attempts=ATTEMPTS))
        assert not made.items()
        assert server.connections == 0
        assert not (tmp_path / "load.journal").exists()


class Clock:
    """The server's time, `offset_s` seconds from ours; `carried_out` counts the requests that it took for timely."""

    def __init__(self, offset_s: float = 0.0, jumps: dict[int, float] | None = None) -> None:
        self.offset_s = offset_s
        self.carried_out = 0
        self._jumps = jumps or {}

    def __call__(self) -> float:
        return time.time() + self.offset_s

    def script(self, batch: Batch) -> Fault | None:
        """Count, and jump behind some requests."""
        self.carried_out += 1
        self.offset_s = self._jumps.get(batch.number, self.offset_s)
        return None


@pytest.mark.parametrize("offset_s", [3600.0, -3600.0], ids=["ahead", "behind"])
async def test_a_server_whose_clock_is_an_hour_off_costs_each_writer_one_request(
    tmp_path: Path, offset_s: float
) -> None:
    rows = _rows(1000)
    clock = Clock(offset_s)
    async with FaultServer(clock=clock, faults=clock.script) as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(workers=WORKERS)
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(rows)
        assert 1 <= server.requests["BatchWriteItem"] - clock.carried_out <= WORKERS


async def test_a_clock_that_jumps_in_mid_load_is_followed(tmp_path: Path) -> None:
    """A laptop that wakes up, or a time server that is reached at last: forwards an hour, then back two."""
    rows = _rows(1500)
    clock = Clock(jumps={10: 3600.0, 30: -3600.0})
    async with FaultServer(clock=clock, faults=clock.script) as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(workers=WORKERS)
        assert clock.offset_s == -3600.0
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(rows)
        assert 2 <= server.requests["BatchWriteItem"] - clock.carried_out <= 2 * WORKERS


@pytest.mark.parametrize("announced", [True, False])
async def test_connections_that_close_behind_every_answer_cost_no_row(tmp_path: Path, announced: bool) -> None:
    rows = _rows(1500)
    closing = CloseAfterAnswer(announced=announced)
    async with FaultServer(faults=lambda _: closing) as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(workers=WORKERS)
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(rows)
        assert server.connections >= server.requests["BatchWriteItem"]
        # Told beforehand, nobody writes to a connection that is about to close.
        if announced:
            assert report.counts.retried_items == 0


async def test_a_connection_closed_between_two_requests_is_made_anew_unnoticed(tmp_path: Path) -> None:
    """A writer that had nothing to do for a while has lost its connection; its next request is not lost with it."""
    async with FaultServer(faults=lambda _: CloseAfterAnswer()) as server:
        made = scene(server, tmp_path, [])
        transport = made.transports(made.settings()).transport()
        try:
            for number in range(3):
                await transport.send([b'{"PutRequest":{"Item":{"id":{"S":"k%d"}}}}' % number])
                async with asyncio.timeout(5):
                    while transport._connection.is_open:
                        await asyncio.sleep(0)
        finally:
            await transport.close()
        assert len(made.items()) == server.connections == server.requests["BatchWriteItem"] == 3
