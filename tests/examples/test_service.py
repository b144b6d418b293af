"""The example service: a real server process, a real HTTP client, and a table that throttles."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.faultserver import FaultServer, Slow, Throttle
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault

SERVICE = Path(__file__).parents[2] / "examples" / "service"
SLACK_S = 15.0
"""How late an answer may be on a machine that is busy with other things; for ever is later."""


@dataclass(frozen=True)
class Service:
    """A running service: its process, its address, and a client."""

    process: asyncio.subprocess.Process
    url: str
    client: aiohttp.ClientSession

    async def post(self, name: str, **event: Any) -> tuple[int, float]:
        """Send an event; returns the status and the seconds until it was there, 0 where nobody took the request."""
        began = time.monotonic()
        try:
            async with self.client.post(f"{self.url}/events", json={"id": name, "kind": "test"} | event) as answer:
                await answer.read()
                return answer.status, time.monotonic() - began
        except aiohttp.ClientConnectionError:
            return 0, time.monotonic() - began

    async def health(self) -> dict[str, Any]:
        async with self.client.get(f"{self.url}/health") as answer:
            assert answer.status == 200
            told: dict[str, Any] = await answer.json()
            return told

    async def terminate(self) -> None:
        """End it in good order; what it logs as an error would be on stderr."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await self.process.wait()
        # uvicorn ends by the signal that it was sent, once everything is shut down.
        assert self.process.returncode in (0, -signal.SIGTERM)


@asynccontextmanager
async def running(server: FaultServer, *, trouble: str = "", **settings: str) -> AsyncIterator[Service]:
    """The service as its README starts it, on a free port; nothing but `trouble` may be in its log as an error."""
    server.create_table("events")
    arguments = ("uvicorn", "--app-dir", str(SERVICE), "app:app", "--host", "127.0.0.1", "--port", "0")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        env={**os.environ, "EVENTS_ENDPOINT_URL": server.url, **settings},
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr is not None
    said = b""
    try:
        async with asyncio.timeout(90):
            while not (found := re.search(rb"running on (http://[0-9.:]+)", said)):
                line = await process.stderr.readline()
                assert line, said.decode()
                said += line
        drinking = asyncio.create_task(process.stderr.read())
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as client:
            yield Service(process, found[1].decode(), client)
        if process.returncode is None:
            process.terminate()
        log = (await drinking).decode()
        assert trouble in log
        assert trouble or "Traceback" not in log, log
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def stored(server: FaultServer) -> set[str]:
    return {item["id"]["S"] for item in server.items("events")}


async def test_an_event_is_stored_when_its_request_is_answered() -> None:
    async with FaultServer() as server, running(server, EVENTS_TIMEOUT_S="30") as service:
        assert (await service.post("a", payload={"x": 1.5, "tags": ["b", None]}))[0] == 201
        assert server.items("events") == [
            {
                "id": {"S": "a"},
                "kind": {"S": "test"},
                "payload": {"M": {"x": {"N": "1.5"}, "tags": {"L": [{"S": "b"}, {"NULL": True}]}}},
            }
        ]
        assert (await service.post(""))[0] == 422
        assert (await service.post("big", payload={"text": "x" * 500_000}))[0] == 422
        stats = await service.health()
        assert (stats["is_open"], stats["written"], stats["rejected"], stats["pending_items"]) == (True, 1, 1, 0)
        await service.terminate()


async def test_under_load_on_a_table_that_throttles_nobody_waits_too_long_and_201_is_true() -> None:
    refused_of_four = 0

    def decide(batch: Batch) -> Fault | None:
        return Throttle() if batch.number % 4 < refused_of_four else None

    timeout_s = 1.0
    async with (
        FaultServer(faults=decide) as server,
        running(server, EVENTS_TIMEOUT_S=str(timeout_s), EVENTS_MAX_PENDING="100") as service,
    ):
        answers = dict[str, tuple[int, float]]()

        async def send(name: str) -> int:
            answers[name] = await service.post(name)
            if answers[name][0] == 201:
                assert name in stored(server)
            return answers[name][0]

        # Once in good weather, then while three requests of four are refused, all of them, and half of them.
        while await send(f"first-{len(answers)}") != 201:
            pass
        for refused_of_four in (3, 4, 2):
            await asyncio.gather(*(send(f"{refused_of_four}-{number}") for number in range(150)))
        assert {status for status, _ in answers.values()} == {201, 503}
        assert max(seconds for _, seconds in answers.values()) < timeout_s + SLACK_S
        refused_of_four = 0
        while (await service.health())["pending_items"]:
            await asyncio.sleep(0.05)
        while await send(f"last-{len(answers)}") != 201:
            pass
        await service.terminate()
        assert {name for name, (status, _) in answers.items() if status == 201} <= stored(server)
        assert server.overlaps == 0


async def test_a_table_that_takes_nothing_costs_each_request_its_timeout_and_no_more() -> None:
    async with FaultServer(faults=lambda batch: Throttle()) as server:
        settings = {"EVENTS_TIMEOUT_S": "0.3", "EVENTS_MAX_PENDING": "20", "EVENTS_DRAIN_S": "0.5"}
        async with running(server, trouble="TimeoutError", **settings) as service:
            answers = await asyncio.gather(*(service.post(f"k{number}") for number in range(60)))
            assert {status for status, _ in answers} == {503}
            assert max(seconds for _, seconds in answers) < 0.3 + SLACK_S
            assert (await service.health())["pending_items"] == 20
            began = time.monotonic()
            await service.terminate()
            assert time.monotonic() - began < SLACK_S, "the drain has its limit"
        assert not stored(server)


async def test_a_shutdown_answers_what_runs_and_stores_what_is_pending() -> None:
    async with FaultServer(faults=lambda batch: Slow(0.5)) as server:
        # Their time is up long before the table has answered, but they are queued.
        async with running(server, EVENTS_TIMEOUT_S="0.1") as service:
            told = await asyncio.gather(*(service.post(f"late{number}") for number in range(50)))
            assert {status for status, _ in told} == {503}
            await service.terminate()
        assert stored(server) == {f"late{number}" for number in range(50)}

    async with FaultServer(faults=lambda batch: Slow(0.5)) as server, running(server, EVENTS_TIMEOUT_S="30") as service:
        requests = [asyncio.create_task(service.post(f"k{number}")) for number in range(50)]
        while not (await service.health())["in_flight"]:
            await asyncio.sleep(0.01)
        await service.terminate()
        answers = {f"k{number}": status for number, (status, _) in enumerate(await asyncio.gather(*requests))}
        assert set(answers.values()) <= {201, 0}, "done, or never taken"
        assert {name for name, status in answers.items() if status == 201} == stored(server) != set()
