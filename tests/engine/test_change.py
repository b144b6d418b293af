"""The library changes capacity and keeps budgets as the command does; what must be set back outlives a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import asyncloader
from asyncloader.records.checkpoint import Checkpoint
from asyncloader.records.journal import Identity, Journal
from asyncloader.values.capacity_change import TABLE, RaisedCapacity
from asyncloader.values.errors import BudgetSpent, UsageError
from tests.faultserver import FaultServer

ROWS = 300


@pytest.fixture
async def provisioned(work_folder: Path) -> AsyncIterator[FaultServer]:
    """A table of 5 WCU/s and a source of 300 rows."""
    (work_folder / "rows.csv").write_text("id,name\n" + "".join(f"{number},v\n" for number in range(ROWS)))
    async with FaultServer(update_s=0.05) as server:
        server.create_table("people", wcu=5, warm_wcu=4000)
        yield server


async def load(server: FaultServer, **options: Any) -> asyncloader.Report:
    return await asyncloader.load("people", "rows.csv", endpoint_url=server.url, **options)


def writes(server: FaultServer) -> int | None:
    return server.store.described("people").write_units


async def test_a_table_is_raised_for_the_load_only(provisioned: FaultServer) -> None:
    seen: set[int | None] = set()
    provisioned.faults = lambda _: seen.add(writes(provisioned))
    report = await load(provisioned, raise_wcu=2000, workers="auto")
    assert report.complete
    assert seen == {2000}
    provisioned.store._clock = lambda: 4e9
    assert writes(provisioned) == 5


async def test_what_nobody_has_foreseen_sets_back_too(
    provisioned: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        assert writes(provisioned) == 2000
        raise ZeroDivisionError

    monkeypatch.setattr("asyncloader.engine.loading.run.LoadRun.run", fails)
    with pytest.raises(ZeroDivisionError):
        await load(provisioned, raise_wcu=2000)
    provisioned.store._clock = lambda: 4e9
    assert provisioned.store.described("people").write_units == 5


async def test_a_budget_is_an_error_that_names_more(provisioned: FaultServer, work_folder: Path) -> None:
    with pytest.raises(BudgetSpent, match="--stop-after-wcu 100") as spent:
        await load(provisioned, stop_after_wcu=100, utilization=None)
    assert spent.value.larger == ("--stop-after-wcu", "200")
    assert spent.value.resume == "the same call with resume=True"
    report = await load(provisioned, stop_after_wcu=1000, stop_after="1h", utilization=None, resume=True)
    assert report.complete
    assert report.counts.consumed_wcu == ROWS


async def test_prewarm_is_agreed_to_by_asking_for_it(provisioned: FaultServer) -> None:
    assert (await load(provisioned, prewarm=5000, utilization=None)).complete
    assert provisioned.store.described("people").warm_wcu == 5000


async def test_a_provisioned_table_has_no_cost_but_at_a_price_that_is_given(provisioned: FaultServer) -> None:
    with pytest.raises(UsageError, match=r"paid by the hour.*--price"):
        await load(provisioned, stop_after_cost=1.0)
    assert (await load(provisioned, stop_after_cost=1.0, price=2.0, utilization=None)).complete


async def test_a_region_without_a_certain_price_wants_one(provisioned: FaultServer) -> None:
    provisioned.store.described("people").go_on_demand()
    with pytest.raises(UsageError, match=r"--stop-after-cost needs --price X.*eu-west-3"):
        await load(provisioned, stop_after_cost=1.0, region="eu-west-3")
    with pytest.raises(BudgetSpent, match=r"--stop-after-cost 0.0000625: 100 WCU"):
        await load(provisioned, stop_after_cost=0.0000625, region="us-east-1")


# What is remembered.


def test_what_is_raised_again_goes_back_to_where_it_first_was() -> None:
    first = RaisedCapacity.to(100, {TABLE: 5, "rich": 900}, None)
    assert (first.before, first.after) == ({TABLE: 5}, {TABLE: 100})
    second = RaisedCapacity.to(200, {TABLE: 100, "rich": 900}, RaisedCapacity.from_json(first.as_json()))
    assert (second.before, second.after) == ({TABLE: 5}, {TABLE: 200})
    for now in (100, 200):
        assert second.to_set_back({TABLE: now}) == {TABLE: 5}
        assert not second.changed_by_others({TABLE: now})
    assert not second.to_set_back({TABLE: 5})
    assert second.changed_by_others({TABLE: 150}) == {TABLE: 150}
    assert second.changed_by_others({}) == {TABLE: None}


def _journal(path: Path, table: str = "people") -> Journal:
    return Journal(path, Identity(table, "http://here", f"arn:{table}", ()))


def _raised(path: Path) -> RaisedCapacity:
    raised = RaisedCapacity.to(100, {TABLE: 5}, None)
    journal = _journal(path)
    journal.begin(Checkpoint())
    journal.remember(raised)
    journal.write(Checkpoint(rejects_bytes=7))
    journal.close(complete=False)
    return raised


def test_a_resume_and_a_restart_know_what_was_raised(tmp_path: Path) -> None:
    path = tmp_path / "load.journal"
    raised = _raised(path)
    resumed = _journal(path)
    assert resumed.find(resume=True, restart=False, how_to_resume="") == Checkpoint(rejects_bytes=7)
    assert resumed.raised == raised
    resumed.close(complete=False)
    restarted = _journal(path)
    assert restarted.find(resume=False, restart=True, how_to_resume="") is None
    restarted.begin(Checkpoint())
    restarted.close(complete=False)
    again = _journal(path)
    assert again.find(resume=True, restart=False, how_to_resume="") == Checkpoint()
    assert again.raised == raised
    again.remember(None)
    again.close(complete=False)
    last = _journal(path)
    assert last.find(resume=True, restart=False, how_to_resume="") == Checkpoint()
    assert last.raised is None
    last.close(complete=True)
    assert not list(tmp_path.iterdir())


def test_a_restart_does_not_forget_what_was_raised_of_another_table(tmp_path: Path) -> None:
    path = tmp_path / "load.journal"
    _raised(path)
    other = _journal(path, "places")
    with pytest.raises(UsageError, match="the capacity of table people was raised and not set back"):
        other.find(resume=False, restart=True, how_to_resume="")
    other.close(complete=False)
