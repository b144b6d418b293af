"""Cancellation at every step of the loop: nothing is left behind, and the load can be resumed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from pathlib import Path

import pytest

from asyncloader.values.errors import LoadInterrupted
from tests.engine.loads import Row, applied, scene
from tests.faultserver import FaultServer, RandomFaults, ResetAfterWrite, Throttle, Unprocessed

ROWS: list[Row] = [("" if number % 40 == 3 else f"k{number % 150}", f"v{number}", "") for number in range(400)]


def _faults(seed: int) -> RandomFaults:
    return RandomFaults(seed, {None: 4, Unprocessed(fraction=0.5): 1, Throttle(): 1, ResetAfterWrite(): 1})


async def _run_cancelled_at(step: int, folder: Path) -> bool:
    """Cancel a load at a step of the loop, look for what it left, and resume it. Returns whether it had ended before."""
    async with FaultServer(faults=_faults(step)) as server:
        made = scene(server, folder, ROWS)
        before = asyncio.all_tasks()
        task = asyncio.create_task(made.run(block_bytes=1024))
        for _ in range(step):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        ended = not task.cancelled()
        assert asyncio.all_tasks() <= before | {task} | _of_server()
        gc.collect()
        if not ended:
            report = await made.run(resume=True, block_bytes=1024)
            assert report.complete
            assert report.reconciles
        assert made.items() == applied(ROWS)
        assert len(made.rejects()) == 10
        assert server.overlaps == 0
        return ended


def _of_server() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if "faultserver" in repr(task.get_coro())}


@pytest.mark.timeout(240)
async def test_a_load_cancelled_at_any_step_leaves_nothing_behind_and_resumes(tmp_path: Path) -> None:
    step, runs = 0, 0
    while True:
        folder = tmp_path / str(step)
        folder.mkdir()
        if await _run_cancelled_at(step, folder):
            break
        runs += 1
        step += 1 if step < 60 else 11
    assert runs > 60


async def test_an_interrupt_drains_what_is_in_flight_and_can_be_resumed(tmp_path: Path) -> None:
    async with FaultServer(latency_s=0.005) as server:
        made = scene(server, tmp_path, [(f"k{number}", "v", "") for number in range(2000)])
        settings = made.settings()
        load = await made.prepared(settings)
        running = asyncio.create_task(load.run(made.transports(settings), made.table(), server.url))
        while load.counts.items_written < 200:
            await asyncio.sleep(0)
        load.interrupt()
        with pytest.raises(LoadInterrupted) as stopped:
            await running
        report = stopped.value.report
        assert report is not None
        # Every request that went out was answered and counted: none was cut off.
        assert report.counts.items_written == sum(server.accepted.values()) == len(made.items())
        assert not report.complete
        again = await made.run(resume=True)
        assert again.complete
        assert len(made.items()) == 2000
