"""`--workers auto`, and batches of large items where requests time out: exact all the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from asyncloader.pacing.concurrency import START, ConcurrencyLimit
from asyncloader.values.budget import Budget
from asyncloader.values.errors import BudgetSpent
from asyncloader.values.settings import AUTO_WORKERS
from tests.engine.loads import QUICK, Row, applied, scene
from tests.faultserver import FaultServer, RandomFaults, ServerError, Slow, Throttle, Unprocessed
from tests.faultserver.batch import Batch

ROWS: list[Row] = [(f"k{number % 3000}", f"v{number}", "") for number in range(4000)]


async def test_auto_starts_with_few_and_takes_more_where_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are never more connections than the highest limit that there was."""
    limits, set_limit = [START], ConcurrencyLimit._set

    def record(limit: ConcurrencyLimit, value: float) -> None:
        set_limit(limit, value)
        limits.append(limit.limit)

    monkeypatch.setattr(ConcurrencyLimit, "_set", record)
    rows: list[Row] = [(f"k{number}", f"v{number}", "") for number in range(12_000)]
    async with FaultServer(latency_s=0.05) as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(workers=AUTO_WORKERS, auto_workers=True, block_bytes=100_000)
        assert report.complete
        assert made.items() == applied(rows)
        assert 16 <= server.max_in_flight <= AUTO_WORKERS
        assert server.connections <= max(limits)


async def test_auto_is_exact_under_faults(tmp_path: Path) -> None:
    faults = RandomFaults(
        11, {None: 6, Unprocessed(fraction=0.5): 1, Throttle(): 1, ServerError(500, written=0.5): 1}
    )  # fmt: skip
    async with FaultServer(faults=faults, latency_s=0.005) as server:
        made = scene(server, tmp_path, ROWS)
        report = await made.run(workers=AUTO_WORKERS, auto_workers=True)
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(ROWS)
        assert server.overlaps == 0


async def test_auto_stops_in_good_order_with_writers_at_rest(tmp_path: Path) -> None:
    async with FaultServer(latency_s=0.005) as server:
        made = scene(server, tmp_path, ROWS)
        with pytest.raises(BudgetSpent):
            await made.run(workers=AUTO_WORKERS, auto_workers=True, budget=Budget(wcu=500))
        assert server.consumed_wcu == 500
        report = await made.run(workers=AUTO_WORKERS, auto_workers=True, resume=True)
        assert report.complete
        assert made.items() == applied(ROWS)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_where_full_batches_time_out_smaller_ones_get_through(tmp_path: Path) -> None:
    """A server that needs a second for what 25 of these items take, and answers one item soon enough."""
    rows: list[Row] = [(f"k{number}", f"v{number}", "x" * 8000) for number in range(150)]
    slow = replace(QUICK, request_timeout_s=0.5)

    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)

        def takes_its_time(batch: Batch) -> Slow:
            return Slow(0.05 * len(batch.writes))

        server.faults = takes_its_time
        report = await made.run(workers=2, block_bytes=500_000, retry=slow)
        assert report.complete
        assert report.counts.rows_rejected == 0
        assert made.items() == applied(rows)
        assert server.overlaps == 0
