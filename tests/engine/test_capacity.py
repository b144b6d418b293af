"""A table's capacity end to end: what is described is kept, what is refused is put down to its cause, hot keys wait alone."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pytest

import asyncloader
from asyncloader.engine.loading import capacity
from asyncloader.table.aws import Aws, static_session
from asyncloader.values.errors import AccessError
from asyncloader.values.report import Report
from asyncloader.values.schema import Table
from tests.faultserver import FaultServer
from tests.faultserver.batch import Batch
from tests.faultserver.store import create_request


async def load(server: FaultServer, folder: Path, rows: Iterable[tuple[str, str]], **options: Any) -> Report:
    """Load rows of a partition key `pk` and a sort key `sk` by the library's own function."""
    source = folder / "rows.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([("pk", "sk"), *rows])
    return await asyncloader.load(
        "people",
        source,
        session=static_session("AKIATEST", "secret", "us-east-1"),
        endpoint_url=server.url,
        journal=folder / "load.journal",
        rejects=folder / "rejects.csv",
        **options,
    )


def numbered(rows: int) -> list[tuple[str, str]]:
    return [(f"k{number}", "s") for number in range(rows)]


async def test_a_provisioned_table_refuses_nothing(tmp_path: Path) -> None:
    """Paced from the first request on, and the result says to what."""
    async with FaultServer(enforce_provisioned=True, burst_s=0.3) as server:
        server.create_table("people", "pk", "sk", wcu=400)
        report = await load(server, tmp_path, numbered(700))
        assert (server.unprocessed_items, server.throttled_requests) == (0, 0)
    assert report.complete
    assert report.limited_by is not None
    assert str(report.limited_by) == "table, provisioned with 400 WCU/s; raise its WriteCapacityUnits"
    assert report.as_dict()["limited_by"] == "table"


@pytest.mark.parametrize("refused", [None, "INDEXES"])
async def test_an_index_with_less_capacity_is_kept_and_named(
    tmp_path: Path, refused: Literal["INDEXES"] | None
) -> None:
    """Also where the server does not tell the share of an index."""
    request = create_request("people", ("pk", "sk"), {"by-sk": "sk"}, 5_000)
    request["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 300}
    async with FaultServer(index_wcu=300, burst_s=0.3, refuse_consumed_capacity=refused) as server:
        server.store.create(request)
        report = await load(server, tmp_path, numbered(500))
        assert (server.unprocessed_items, server.throttled_requests) == (0, 0)
        assert server.consumed_wcu == report.counts.consumed_wcu == 1_000
    assert report.limited_by is not None
    assert report.limited_by.what == "index by-sk"


@pytest.mark.parametrize("transport", ["native", "aioboto3"])
async def test_a_server_that_does_not_tell_what_it_costs_is_loaded_all_the_same(tmp_path: Path, transport: str) -> None:
    """The sizes of the items say what was used."""
    async with FaultServer(refuse_consumed_capacity="TOTAL") as server:
        server.create_table("people", "pk", "sk")
        report = await load(server, tmp_path, numbered(300), transport=transport)
        assert len(server.items("people")) == 300
    assert (report.counts.rows_rejected, report.counts.consumed_wcu) == (0, 300)
    assert report.limited_by is None
    assert report.hot_keys == ()


async def test_one_hot_key_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """With 10 WCU/s for a partition key, every other row is stored while most of the hot ones still wait."""
    rows = [("hot" if number % 25 == 0 else f"k{number}", f"s{number}") for number in range(1_250)]
    async with FaultServer(partition_wcu=10, burst_s=2) as server:
        server.create_table("people", "pk", "sk")
        report = await load(server, tmp_path, rows)
        order = [applied.key[1] == "hot" for applied in server.log]
        last_other = max(place for place, is_hot in enumerate(order) if not is_hot)
        assert sum(order[last_other:]) >= 10
        assert server.overlaps == 0
        assert len(server.items("people")) == len(rows)
    assert report.complete
    assert [key.key for key in report.hot_keys] == ["hot"]
    assert report.hot_keys[0].share > 0.9
    assert report.limited_by is not None
    assert report.limited_by.what == "hot keys"


async def test_a_table_that_is_short_makes_no_key_hot(tmp_path: Path) -> None:
    rows = [("often" if number % 3 == 0 else f"k{number}", f"s{number}") for number in range(900)]
    async with FaultServer(table_wcu=300, burst_s=0.3) as server:
        server.create_table("people", "pk", "sk")
        report = await load(server, tmp_path, rows)
        assert server.unprocessed_items + server.throttled_requests > 0
    assert report.complete
    assert report.hot_keys == ()
    assert report.limited_by is not None
    assert report.limited_by.what == "table"


@pytest.mark.parametrize(("before", "after", "rows"), [(100, 1_000, 500), (1_000, 200, 900)])
async def test_a_described_capacity_that_changes_holds_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, after: int, rows: int
) -> None:
    """The description is asked for again while it sets the pace. The load lasts long enough for that."""
    monkeypatch.setattr(capacity, "DESCRIBE_AGAIN_S", 0.1)
    async with FaultServer(enforce_provisioned=True, burst_s=0.3) as server:
        table = server.create_table("people", "pk", "sk", wcu=before)

        def change(batch: Batch) -> None:
            if batch.number == 5:
                table.request["ProvisionedThroughput"]["WriteCapacityUnits"] = after

        server.faults = change
        report = await load(server, tmp_path, numbered(rows))
        assert len(server.items("people")) == rows
    assert report.limited_by is not None
    assert f"provisioned with {after:,} WCU/s" in str(report.limited_by)


async def test_a_description_that_cannot_be_had_again_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "DESCRIBE_AGAIN_S", 0.05)
    described = 0
    async with FaultServer(enforce_provisioned=True, burst_s=0.3) as server:
        server.create_table("people", "pk", "sk", wcu=200)

        def forbid(batch: Batch) -> None:
            monkeypatch.setattr(Aws, "describe", refuse)

        async def refuse(aws: Aws, name: str) -> Table:
            nonlocal described
            described += 1
            raise AccessError("access denied")

        server.faults = forbid
        report = await load(server, tmp_path, numbered(200))
    assert report.complete
    assert described > 0
