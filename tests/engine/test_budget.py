"""The budget gate: each limit ends the load in good order, and a resume with a larger one completes it exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asyncloader.values.budget import Budget
from asyncloader.values.errors import BudgetSpent
from tests.engine.loads import Row, Scene, applied, scene
from tests.faultserver import FaultServer, RandomFaults, ServerError, Throttle, Unprocessed

ROWS: list[Row] = [(f"k{number % 900}", f"v{number}", "x" * (number % 3000)) for number in range(1200)]


async def _stopped(made: Scene, budget: Budget, **changes: Any) -> BudgetSpent:
    with pytest.raises(BudgetSpent) as end:
        await made.run(budget=budget, **changes)
    assert end.value.report is not None
    assert not end.value.report.complete
    assert end.value.resume
    return end.value


@pytest.mark.parametrize("limit", [1, 7, 250, 700])
async def test_the_capacity_used_is_exactly_within_the_limit_where_costs_are_known(tmp_path: Path, limit: int) -> None:
    rows: list[Row] = [(f"k{number}", "v", "") for number in range(1200)]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        end = await _stopped(made, Budget(wcu=limit), workers=16)
        assert f"--stop-after-wcu {limit}" in str(end)
        assert server.consumed_wcu == limit
        assert end.larger == ("--stop-after-wcu", str(2 * limit))
        report = await made.run(resume=True)
        assert report.complete
        assert made.items() == applied(rows)


async def test_large_items_leave_less_than_one_item_costs(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", "v", "x" * 5000) for number in range(300)]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        await _stopped(made, Budget(wcu=103))
        assert server.consumed_wcu == 100


@pytest.mark.parametrize("seed", range(3))
async def test_faults_do_not_pass_the_limit_and_a_resume_is_exact(tmp_path: Path, seed: int) -> None:
    """Requests that were refused are given back; a write without an answer counts, so less is used, never more."""
    faults = RandomFaults(
        seed, {None: 6, Unprocessed(fraction=0.5): 1, Throttle(): 1, ServerError(500, written=0.5): 1}
    )
    async with FaultServer(faults=faults) as server:
        made = scene(server, tmp_path, ROWS)
        for limit in (400, 800, 1200):
            end = await _stopped(made, Budget(wcu=limit), resume=limit > 400)
            assert end.report is not None
            assert end.report.counts.consumed_wcu <= limit
        report = await made.run(resume=True)
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(ROWS)
        assert server.overlaps == 0


async def test_an_index_costs_as_much_again_and_only_the_first_request_does_not_know_it(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", f"v{number}", "") for number in range(1200)]
    async with FaultServer() as server:
        server.create_table("people", "id", indexes={"by-value": "value"})
        made = Scene(server, tmp_path)
        made.source.write_bytes(b"id,value,note\n" + b"".join(f"{row[0]},{row[1]},\n".encode() for row in rows))
        await _stopped(made, Budget(wcu=400), workers=16)
        assert server.consumed_wcu == 400


async def test_the_same_limit_stops_at_once_and_changes_nothing(tmp_path: Path) -> None:
    rows: list[Row] = [("", "bad", ""), *((f"k{number}", "v", "") for number in range(300))]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        await _stopped(made, Budget(wcu=100))
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        requests = server.requests.copy()
        end = await _stopped(made, Budget(wcu=100), resume=True)
        assert "--stop-after-wcu 100: 100 WCU have been used" in str(end)
        assert end.report is not None
        assert end.report.rejects_file == str(tmp_path / "rejects.csv")
        assert server.requests == requests
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
        assert (await made.run(resume=True, budget=Budget(wcu=100_000))).complete
        assert made.items() == applied(rows)


async def test_a_cost_stops_at_its_price(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", "v", "") for number in range(300)]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        end = await _stopped(made, Budget(cost=0.0001, price=0.5))
        assert "--stop-after-cost 0.0001" in str(end)
        assert server.consumed_wcu == 200
        assert (await made.run(resume=True)).complete


async def test_a_run_ends_in_time_and_the_next_has_as_long_again(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", f"v{number}", "") for number in range(3000)]
    async with FaultServer(latency_s=0.05) as server:
        made = scene(server, tmp_path, rows)
        end = await _stopped(made, Budget(seconds=0.4), workers=2)
        assert str(end) == "stopped by --stop-after 0.4s"
        assert end.larger is None
        server.latency_s = 0.0
        assert (await made.run(resume=True, budget=Budget(seconds=60.0))).complete
        assert made.items() == applied(rows)


async def test_a_load_within_its_budget_completes(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", "v", "") for number in range(300)]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(budget=Budget(wcu=300, seconds=60.0))
        assert report.complete
        assert report.counts.consumed_wcu == 300
