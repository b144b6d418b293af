"""A writer whose block is cancelled at any step of the loop leaves no task, no socket and no unresolved ack."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest

from asyncloader import Ack, LoadFailed, Receipt
from tests.engine.writers import TABLE, Writer, contents
from tests.faultserver import FaultServer, RandomFaults, ResetAfterWrite, Throttle, Unprocessed


def _faults(seed: int) -> RandomFaults:
    return RandomFaults(seed, {None: 4, Unprocessed(fraction=0.5): 1, Throttle(): 1, ResetAfterWrite(): 1}, at_most=8)


async def _block(writer: Writer, sinks: list[Ack | Receipt]) -> None:
    """A bit of everything: room that is short, keys that repeat, deletes, a flush in between."""
    async with writer:
        for number in range(60):
            # One by one: what was put before a cancellation must be in the list.
            sinks.append(await writer.put({"id": f"k{number % 40}", "version": number}))  # noqa: PERF401
        await writer.flush()
        sinks.append(await writer.put_many({"id": f"m{number}"} for number in range(30)))
        for number in range(10):
            sinks.append(await writer.delete({"id": f"k{number}"}))  # noqa: PERF401
        await sinks[-1]


async def _run_cancelled_at(step: int) -> bool:
    """Cancel the block at a step of the loop and look for what it left. Returns whether it had ended before."""
    async with FaultServer(faults=_faults(step)) as server:
        server.create_table(TABLE)
        before = asyncio.all_tasks()
        sinks: list[Ack | Receipt] = []
        writer = Writer(server, max_pending_items=20, linger=0.0, workers=3)
        task = asyncio.create_task(_block(writer, sinks))
        for _ in range(step):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        ended = not task.cancelled()
        assert asyncio.all_tasks() <= before | {task} | _of_server()
        assert all(sink.done() for sink in sinks)
        outcomes = await asyncio.gather(*sinks, return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, LoadFailed) for outcome in outcomes)
        stored = contents(server)
        for sink, outcome, number in zip(sinks, outcomes, range(60), strict=False):
            if outcome is None and isinstance(sink, Ack) and not ended:
                assert f"k{number % 40}" in stored or f"k{number % 40}" in {f"k{gone}" for gone in range(10)}
        assert server.overlaps == 0
        if ended:
            assert all(outcome is None for outcome in outcomes)
            assert len(stored) == 30 + 30
        del writer
        gc.collect()
        return ended


def _of_server() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if "faultserver" in repr(task.get_coro())}


@pytest.mark.timeout(240)
async def test_a_block_cancelled_at_any_step_leaves_nothing_behind() -> None:
    step, runs = 0, 0
    while not await _run_cancelled_at(step):
        runs += 1
        step += 1 if step < 40 else 7
    assert runs > 40


async def test_a_second_cancellation_while_the_first_is_cleaned_up_leaves_nothing_either() -> None:
    for step in range(0, 60, 5):
        for pause in (0, 1, 2, 4):
            async with FaultServer(faults=_faults(step), latency_s=0.001) as server:
                server.create_table(TABLE)
                before = asyncio.all_tasks()
                sinks: list[Ack | Receipt] = []
                task = asyncio.create_task(_block(Writer(server, max_pending_items=20, linger=0.0), sinks))
                for _ in range(step):
                    await asyncio.sleep(0)
                task.cancel()
                for _ in range(pause):
                    await asyncio.sleep(0)
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                assert asyncio.all_tasks() <= before | {task} | _of_server()
                assert all(sink.done() for sink in sinks)
                gc.collect()
