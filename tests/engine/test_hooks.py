"""Hooks of a load: every rejected row, every retry, every request; and an error in one changes nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

import asyncloader
from asyncloader import BatchSent, Rejection, Retry
from tests.engine.loads import QUICK, csv_bytes
from tests.faultserver import FaultServer, RefuseItem, Throttle, Unprocessed
from tests.faultserver.values import Item

ROWS = [("a", "v1", ""), ("", "v2", ""), ("b", "refused", ""), ("c", "v3", "")]


def _is_refused(item: Item) -> bool:
    return item.get("value") == {"S": "refused"}


def _server() -> FaultServer:
    server = FaultServer(
        check_signatures=False, faults=[Throttle(), Unprocessed(indices=(0,))], rules=[RefuseItem(_is_refused)]
    )
    server.create_table("people", "id")
    return server


async def test_the_hooks_of_a_load_are_told_of_rows_requests_and_retries(work_folder: Path) -> None:
    rejections: list[Rejection] = []
    retries: list[Retry] = []
    batches: list[BatchSent] = []
    source = work_folder / "people.csv"
    source.write_bytes(csv_bytes(ROWS))
    async with _server() as server:
        report = await asyncloader.load(
            "people",
            source,
            endpoint_url=server.url,
            retry=QUICK,
            on_reject=rejections.append,
            on_retry=retries.append,
            on_batch=batches.append,
        )
    assert report.counts.rows_rejected == 2
    assert [(each.line, each.key, each.item) for each in rejections] == [
        (3, None, {"id": "", "value": "v2", "note": ""}),
        (4, {"id": "b"}, {"id": "b", "value": "refused", "note": ""}),
    ]
    assert rejections[0].source == str(source)
    assert rejections[0].reason == "id: the key is empty"
    assert sum(each.written for each in batches) == 2
    assert len(batches) == report.counts.requests
    assert {each.code for each in retries} <= {"ProvisionedThroughputExceededException", "UnprocessedItems"}
    assert all(each.table == "people" and each.elapsed_s >= 0 for each in batches)


async def test_on_reject_is_told_of_items_as_they_came_or_in_dynamodb_json(work_folder: Path) -> None:
    rejections: list[Rejection] = []
    items: list[Any] = [
        {"id": "a", "value": "v"},
        {"id": "b", "value": float("inf")},
        {"id": "c", "value": "refused"},
        7,
    ]
    async with _server() as server:
        await asyncloader.load("people", items, endpoint_url=server.url, retry=QUICK, on_reject=rejections.append)
    assert [(each.source, each.line, each.key, each.item) for each in rejections] == [
        ("list", 2, {"id": "b"}, {"id": "b", "value": float("inf")}),
        ("list", 3, {"id": {"S": "c"}}, {"id": {"S": "c"}, "value": {"S": "refused"}}),
        ("list", 4, None, None),
    ]


async def test_a_row_whose_cells_cannot_be_told_apart_is_told_by_its_text(work_folder: Path) -> None:
    rejections: list[Rejection] = []
    source = work_folder / "people.csv"
    source.write_bytes(csv_bytes([("a", "v1", "")]) + b"b,too,many,cells\n")
    async with _server() as server:
        await asyncloader.load("people", source, endpoint_url=server.url, retry=QUICK, on_reject=rejections.append)
    assert [(each.item, each.raw) for each in rejections] == [(None, "b,too,many,cells")]


async def test_an_error_in_a_hook_of_a_load_is_logged_and_loses_nothing(
    work_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the hook is broken")

    source = work_folder / "people.csv"
    source.write_bytes(csv_bytes(ROWS))
    async with _server() as server:
        with caplog.at_level(logging.ERROR, "asyncloader"):
            report = await asyncloader.load(
                "people",
                source,
                endpoint_url=server.url,
                retry=QUICK,
                on_reject=broken,
                on_retry=broken,
                on_batch=broken,
            )
        assert report.reconciles
        assert len(server.items("people")) == 2
    for hook in ("on_reject", "on_batch"):
        assert f"the hook {hook} failed; the items are not affected" in caplog.text
    assert "the hook on_reject has failed 2 times" in caplog.text
