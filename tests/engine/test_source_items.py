"""Iterators of items as sources: what they yield is loaded exactly, and no further ahead than needed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from asyncloader.values.errors import LoadFailed, SourceError
from tests.engine import loads
from tests.engine.sources import loaded
from tests.faultserver import FaultServer, Poison, Throttle
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault


async def _items(*items: Any, pause_s: float = 0.0) -> AsyncIterator[Any]:
    for item in items:
        if pause_s:
            await asyncio.sleep(pause_s)
        yield item


def _numbered(items: dict[str, Any]) -> dict[str, Any]:
    """By key, the attribute `v` alone."""
    return {key: item["v"] for key, item in items.items()}


async def test_an_async_iterator_of_dicts_is_loaded_exactly(tmp_path: Path) -> None:
    item = {"id": "a", "n": Decimal("1.50"), "f": 0.1, "b": b"\0\xff", "none": None, "no": False, "": 1}
    good = {**item, "set": {"x", "y"}, "list": [1, {"deep": None}], "empty": ""}
    del good[""]
    found, scene = await loaded(tmp_path, _items(item, good, {"id": "b", "v": 2**70}))
    assert found["a"] == {
        "id": {"S": "a"},
        "n": {"N": "1.5"},
        "f": {"N": "0.1"},
        "b": {"B": "AP8="},
        "none": {"NULL": True},
        "no": {"BOOL": False},
        "set": {"SS": ["x", "y"]},
        "list": {"L": [{"N": "1"}, {"M": {"deep": {"NULL": True}}}]},
        "empty": {"S": ""},
    }
    assert found["b"]["v"] == {"N": str(2**70)}
    (reject,) = scene.rejects()
    assert reject["_asyncloader_line"] == "1"
    assert "attribute name of 0 bytes" in reject["_asyncloader_error"]
    assert reject["_asyncloader_raw"].startswith('{"id": "a", "n": "1.50", "f": 0.1, "b": "AP8=", "none": null')


@pytest.mark.parametrize("block_bytes", [200, 2**20])
async def test_items_in_any_order_of_keys_end_with_the_last_one_through_throttling(
    tmp_path: Path, block_bytes: int
) -> None:
    items = [{"id": f"k{number % 37}", "v": number} for number in range(2000)]

    def decide(batch: Batch) -> Fault | None:
        return Throttle() if batch.number % 3 == 0 else None

    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, _items(*items))
        server.faults = decide
        report = await scene.run(block_bytes=block_bytes)
        assert _numbered(scene.items()) == {item["id"]: {"N": str(item["v"])} for item in items}
        assert report.counts.rows_read == 2000
        assert report.counts.rows_superseded == 2000 - report.counts.items_written
        assert report.counts.throttled_requests
        assert report.reconciles
        assert server.overlaps == 0


async def test_an_item_that_the_service_refuses_costs_itself_alone_and_stands_as_json(tmp_path: Path) -> None:
    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, [{"id": f"k{n}", "v": n, "raw": b"x"} for n in range(100)])
        server.faults = lambda batch: Poison(lambda item: item["v"] == {"N": "41"})
        report = await scene.run()
        assert report.counts.items_written == 99
        (reject,) = scene.rejects()
        assert reject["_asyncloader_line"] == "42"
        assert reject["_asyncloader_raw"] == '{"id":{"S":"k41"},"v":{"N":"41"},"raw":{"B":"eA=="}}'


async def test_a_dict_may_be_used_again_by_whoever_yields_it(tmp_path: Path) -> None:
    def reusing() -> Iterator[dict[str, Any]]:
        item: dict[str, Any] = {}
        for number in range(50):
            item.update(id=f"k{number}", v=number)
            yield item

    found, _ = await loaded(tmp_path, reusing())
    assert _numbered(found) == {f"k{number}": {"N": str(number)} for number in range(50)}


@pytest.mark.parametrize("item", [None, 7, ["id"], "id", {"id": 7}, {"v": 1}, {7: 1, "id": "a"}])
async def test_what_is_no_item_costs_itself_alone(tmp_path: Path, item: Any) -> None:
    found, scene = await loaded(tmp_path, [{"id": "before"}, item, {"id": "behind"}])
    assert set(found) == {"before", "behind"}
    assert [reject["_asyncloader_line"] for reject in scene.rejects()] == ["2"]


async def test_a_source_that_raises_ends_the_load_with_its_own_words(tmp_path: Path) -> None:
    async def breaking(good: int) -> AsyncIterator[dict[str, Any]]:
        for number in range(good):
            yield {"id": f"k{number}"}
        raise RuntimeError("the cursor is gone")

    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, breaking(0))
        with pytest.raises(SourceError, match="raised RuntimeError behind item 0: the cursor is gone") as nothing:
            await scene.run()
        assert isinstance(nothing.value.__cause__, RuntimeError)

    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, breaking(10))
        with pytest.raises(LoadFailed, match="behind item 10: the cursor is gone") as failed:
            await scene.run()
        assert isinstance(failed.value.__cause__, SourceError)
        assert failed.value.resume is None
        assert failed.value.report is not None
        assert failed.value.report.counts.rows_read == failed.value.report.counts.items_written == 10
        assert len(scene.items()) == 10


async def test_an_iterator_that_waits_does_not_hold_back_what_it_gave(tmp_path: Path) -> None:
    async with FaultServer() as server:

        async def asking() -> AsyncIterator[dict[str, Any]]:
            yield {"id": "first"}
            while not server.items(loads.TABLE):
                await asyncio.sleep(0.001)
            yield {"id": "second"}

        scene = loads.given(server, tmp_path, asking())
        async with asyncio.timeout(60):
            await scene.run()
        assert set(scene.items()) == {"first", "second"}


async def test_a_limit_draws_no_more_than_it_says(tmp_path: Path) -> None:
    items = iter([{"id": f"k{number}"} for number in range(100)])
    found, _ = await loaded(tmp_path, items, limit=7)
    assert len(found) == 7
    assert next(items) == {"id": "k7"}
    found, _ = await loaded(tmp_path, pa.table({"id": [f"k{number}" for number in range(100)]}), limit=7)
    assert len(found) == 7


async def test_the_reader_is_no_further_ahead_than_a_few_blocks(tmp_path: Path) -> None:
    drawn = ahead = 0

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal drawn
        for number in range(20_000):
            drawn += 1
            yield {"id": f"k{number}"}

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal drawn
        for number in range(20_000 // 50):
            drawn += 50
            yield pa.record_batch({"id": [f"k{number}-{row}" for row in range(50)]})

    def reader() -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(pa.schema([("id", pa.string())]), batches())

    def decide(batch: Batch) -> Fault | None:
        nonlocal ahead
        ahead = max(ahead, drawn - len(server.items(loads.TABLE)))
        return None

    for source in (counted(), reader()):
        drawn, ahead = 0, 0
        async with FaultServer(faults=decide) as server:
            scene = loads.given(server, tmp_path, source)
            await scene.run(block_bytes=1000, limit=5000)
        # Six blocks in flight, three being read and encoded, each of 1,000 bytes: 20 items of JSON, 100 rows of Arrow.
        assert 0 < ahead < 1000


async def test_a_cancelled_load_ends_its_generator(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[dict[str, Any]]:
        try:
            number = 0
            while True:
                yield {"id": f"k{number % 100}"}
                number += 1
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, endless())
        before = asyncio.all_tasks()
        running = asyncio.ensure_future(scene.run())
        while not server.items(loads.TABLE):
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended.is_set()
        left = asyncio.all_tasks() - before
        assert all("faultserver" in repr(task.get_coro()) for task in left)


def test_arrow_is_not_imported_for_items() -> None:
    program = """
import asyncio, pathlib, sys, tempfile
from tests.engine import loads
from tests.faultserver import FaultServer

async def main():
    with tempfile.TemporaryDirectory() as folder:
        async with FaultServer() as server:
            report = await loads.given(server, pathlib.Path(folder), [{"id": "a"}, {"id": ""}]).run()
            print(report.counts.items_written, report.counts.rows_rejected, "pyarrow" in sys.modules)

asyncio.run(main())
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["1", "1", "False"]
