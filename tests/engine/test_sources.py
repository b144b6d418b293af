"""Sources that are no files: frames of several libraries and iterators of items, with all that a file's load has."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from asyncloader.decode.arrow import batches_of
from asyncloader.values.change import CapacityChange
from asyncloader.values.errors import LoadFailed, SourceError, UsageError
from asyncloader.values.schema import Table, Throughput
from asyncloader.values.spread import ShardKey, Spread
from tests.engine import loads
from tests.engine.loads import Scene
from tests.faultserver import AccessDenied, FaultServer, Poison, Throttle
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault


async def _items(*items: Any, pause_s: float = 0.0) -> AsyncIterator[Any]:
    for item in items:
        if pause_s:
            await asyncio.sleep(pause_s)
        yield item


async def _table(folder: Path, *sources: Any, **changes: Any) -> tuple[dict[str, Any], Scene]:
    async with FaultServer() as server:
        scene = loads.given(server, folder, *sources)
        report = await scene.run(**changes)
        assert report.complete
        assert report.reconciles
        return scene.items(), scene


def _numbered(items: dict[str, Any]) -> dict[str, Any]:
    """By key, the attribute `v` alone."""
    return {key: item["v"] for key, item in items.items()}


async def test_an_async_iterator_of_dicts_is_loaded_exactly(tmp_path: Path) -> None:
    item = {"id": "a", "n": Decimal("1.50"), "f": 0.1, "b": b"\0\xff", "none": None, "no": False, "": 1}
    good = {**item, "set": {"x", "y"}, "list": [1, {"deep": None}], "empty": ""}
    del good[""]
    found, scene = await _table(tmp_path, _items(item, good, {"id": "b", "v": 2**70}))
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

    found, _ = await _table(tmp_path, reusing())
    assert _numbered(found) == {f"k{number}": {"N": str(number)} for number in range(50)}


@pytest.mark.parametrize("item", [None, 7, ["id"], "id", {"id": 7}, {"v": 1}, {7: 1, "id": "a"}])
async def test_what_is_no_item_costs_itself_alone(tmp_path: Path, item: Any) -> None:
    found, scene = await _table(tmp_path, [{"id": "before"}, item, {"id": "behind"}])
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
    found, _ = await _table(tmp_path, items, limit=7)
    assert len(found) == 7
    assert next(items) == {"id": "k7"}
    found, _ = await _table(tmp_path, pa.table({"id": [f"k{number}" for number in range(100)]}), limit=7)
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


def _people() -> dict[str, list[Any]]:
    return {
        "id": ["01", "02", "03"],
        "n": [1, None, 3],
        "f": [0.5, 1e20, None],
        "at": [datetime.datetime(2026, 1, 2, 3, 4, 5, 60), None, datetime.datetime(1815, 12, 10)],
        "tags": [["a", "b"], [], None],
        "ok": [True, False, None],
        "note": ["", 'q"', None],
    }


PEOPLE = {
    "01": {
        "id": {"S": "01"},
        "n": {"N": "1"},
        "f": {"N": "0.5"},
        "at": {"S": "2026-01-02T03:04:05.000060"},
        "tags": {"L": [{"S": "a"}, {"S": "b"}]},
        "ok": {"BOOL": True},
        "note": {"S": ""},
    },
    "02": {
        "id": {"S": "02"},
        "f": {"N": "100000000000000000000"},
        "tags": {"L": []},
        "ok": {"BOOL": False},
        "note": {"S": 'q"'},
    },
    "03": {"id": {"S": "03"}, "n": {"N": "3"}, "at": {"S": "1815-12-10T00:00:00.000000"}},
}


class OnlyStream:
    """A frame of a library that nobody has heard of."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class OnlyArray:
    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        pair: tuple[object, object] = self._batch.__arrow_c_array__(requested_schema)
        return pair


@pytest.mark.parametrize("library", ["pyarrow", "batch", "reader", "polars", "stream", "array"])
async def test_frames_of_any_library_are_the_same_table(tmp_path: Path, library: str) -> None:
    table = pa.table(_people())
    batch = table.to_batches()[0]
    frame: Any = {
        "pyarrow": table,
        "batch": batch,
        "reader": table.to_reader(),
        "polars": pl.DataFrame(_people()),
        "stream": OnlyStream(table),
        "array": OnlyArray(batch),
    }[library]
    found, _ = await _table(tmp_path, frame)
    assert found == PEOPLE


async def test_a_frame_of_pandas_is_loaded_without_the_numbers_of_its_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(_people() | {"n": pd.array([1, None, 3], dtype="Int64")})
    assert frame["f"].isna().sum() == 1
    found, _ = await _table(tmp_path, frame[frame["id"] != "02"])
    assert found == {key: item for key, item in PEOPLE.items() if key != "02"}
    (tmp_path / "named").mkdir()
    found, _ = await _table(tmp_path / "named", frame[["id", "ok"]].set_index("id"))
    assert set(found) == {"01", "02", "03"}, "an index with a name is a column"


async def test_rejects_of_a_frame_stand_with_their_cells_and_numbers(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", "", "c", None, "e"],
            "f": [float("nan"), 1.0, float("inf"), 2.0, 3.0],
            "raw": [b"\xff", b"", b"x", b"y", b"z"],
            "deep": [[{"x": 1}], None, [{"x": float("nan")}], [], [{"x": float("-inf")}]],
        }
    )
    found, scene = await _table(tmp_path, table)
    assert found == {}
    told = [(row["_asyncloader_line"], row["_asyncloader_error"]) for row in scene.rejects()]
    assert told == [
        ("1", "f: 'nan' is not a number"),
        ("2", "id: the key is empty"),
        ("3", "f: 'inf' is not a number"),
        ("4", "id: the key is empty"),
        ("5", "deep: x: '-inf' is not a number"),
    ]
    assert scene.rejects()[0] == {
        "id": "a",
        "f": "nan",
        "raw": "/w==",
        "deep": '[{"x":1.0}]',
        "_asyncloader_line": "1",
        "_asyncloader_error": "f: 'nan' is not a number",
        "_asyncloader_raw": "",
    }


async def test_types_turn_columns_into_others(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [1, 2], "n": ["007", ""], "b": [True, None], "tags": [["a", "b"], []], "json": ["[1]", "2"]}
    )
    types = {"n": "N", "b": "S", "tags": "SS", "json": "L"}
    found, scene = await _table(tmp_path, table, types=types)
    assert found == {
        "1": {
            "id": {"S": "1"},
            "n": {"N": "7"},
            "b": {"S": "true"},
            "tags": {"SS": ["a", "b"]},
            "json": {"L": [{"N": "1"}]},
        }
    }
    assert [row["_asyncloader_error"] for row in scene.rejects()] == ["n: '' is no N"]


@pytest.mark.parametrize(
    ("empty", "second"), [("drop", {}), ("null", {"note": {"NULL": True}}), ("keep", {"note": {"S": ""}})]
)
async def test_nulls_of_a_frame_follow_empty_and_empty_strings_stay(
    tmp_path: Path, empty: str, second: dict[str, Any]
) -> None:
    found, _ = await _table(tmp_path, pa.table({"id": ["1", "2"], "note": ["", None]}), empty=empty)
    assert found == {"1": {"id": {"S": "1"}, "note": {"S": ""}}, "2": {"id": {"S": "2"}} | second}


async def test_less_usual_types_have_their_exact_texts(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "id": ["a"],
            "ns": pa.array([1_000_000_001], pa.timestamp("ns")),
            "zone": pa.array([moment], pa.timestamp("ms", "Europe/Berlin")),
            "half": pa.array([0.1], pa.float16()),
            "single": pa.array([0.1], pa.float32()),
            "wide": pa.array([Decimal("12345678901234567890123456789012345.678")], pa.decimal128(38, 3)),
            "uuid": pa.array([UUID(int=7).bytes], pa.uuid()),
            "runs": pa.RunEndEncodedArray.from_arrays([1], ["x"]),
            "_asyncloader_line": [7],
        }
    )
    found, _ = await _table(tmp_path, table)
    assert found["a"] == {
        "id": {"S": "a"},
        "ns": {"S": "1970-01-01T00:00:01.000000001"},
        "zone": {"S": "2026-07-01T12:00:00.000Z"},
        "half": {"N": "0.1"},
        "single": {"N": "0.1"},
        "wide": {"N": "12345678901234567890123456789012345.678"},
        "uuid": {"S": "00000000-0000-0000-0000-000000000007"},
        "runs": {"S": "x"},
    }


async def test_sources_of_all_kinds_are_one_load_and_the_last_row_of_all_wins(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,v\nx,file\ny,file\n")
    for sources, last in (
        ((pa.table({"id": ["x"], "v": ["frame"]}), [{"id": "x", "v": "item"}], file), "file"),
        ((file, [{"id": "x", "v": "item"}, {}], pa.table({"id": ["x"], "v": ["frame"]})), "frame"),
    ):
        async with FaultServer() as server:
            scene = loads.given(server, tmp_path, *sources)
            report = await scene.run(block_bytes=30)
            assert scene.items()["x"]["v"] == {"S": last}
            assert report.reconciles
    (reject,) = scene.rejects()
    assert reject["_asyncloader_source"] == "list (source 2)"
    assert report.sources == (str(file), "list (source 2)", "pyarrow.Table (source 3)")


FRAME = pa.table({"id": ["a"], "v": [1]})


@pytest.mark.parametrize(
    ("source", "changes", "message"),
    [
        ({"id": "a"}, {}, "dict: is one item, not a source of them; give a list of items"),
        (b"people.csv", {}, "bytes: is neither a path nor items"),
        (["a.csv", "b.csv"], {}, r"list: is a list of paths; give them one by one: load\(table, \*paths\)"),
        (7, {}, "int: is no source; give a path, an iterable of dicts"),
        ([{"id": "a"}], {"types": {"v": "N"}}, "types are for the columns of files and frames"),
        (FRAME, {"types": {"w": "N"}}, "no source has a column 'w'"),
        (FRAME, {"types": {"v": "BOOL"}}, "column 'v' is int64, which can be N or S, not BOOL; cast it first"),
        ([{"id": "a"}], {"spread": Spread(1, ShardKey("id", 2))}, "shard_key splits the keys of files and frames"),
        ([{"id": "a"}], {"spread": Spread(2)}, "list: cannot be read in several places at once: it is not a file"),
        (FRAME, {"resume": True}, "pyarrow.Table: can be read only once, so a load of it keeps no journal"),
        (FRAME.drop_columns("id"), {}, "has no column 'id', which is a key of table people; its columns are v"),
        (FRAME.rename_columns(["id", "id"]), {}, "has two columns 'id'"),
        (FRAME.rename_columns(["id", ""]), {}, "has a column without a name"),
        (pa.table({"id": [datetime.timedelta(1)]}), {}, r"column 'id': is duration\[us\], which DynamoDB has no type"),
        (pa.table({"id": [b"a"]}), {}, "column 'id' is binary, which can be B, not S; cast it first"),
        (pa.table({"id": ["a"], "v": pa.array([[(1, 2)]], pa.map_(pa.int8(), pa.int8()))}), {}, "cast its keys first"),
    ],
)
async def test_what_cannot_be_loaded_is_told_before_anything_is_written(
    tmp_path: Path, source: Any, changes: dict[str, Any], message: str
) -> None:
    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, source)
        with pytest.raises(UsageError, match=message):
            await scene.run(**changes)
        assert scene.items() == {}


@pytest.mark.parametrize(
    "table",
    [
        pa.table({f"column{place}": pa.array([1] * 50_000, pa.int8()) for place in range(30)}),
        pa.table({"text": ["x" * 100] * 50_000}),
        pa.table({"text": pa.array(["x" * 1000] * 50_000).dictionary_encode()}),
        pa.table({"text": ["x" * 300_000] * 5 + ["y"] * 1000}),
    ],
)
def test_blocks_of_frames_are_bounded_as_they_are_and_as_json(table: pa.Table) -> None:
    (batch,) = table.combine_chunks().to_batches()
    pieces = list(batches_of(batch, 2**18))
    assert pa.Table.from_batches(pieces) == table
    for piece in pieces:
        json = sum(len(str(row)) for row in piece.slice(0, 10).to_pylist()) / min(piece.num_rows, 10) * piece.num_rows
        assert piece.num_rows == 1 or json < 5 * 2**18
    assert len(pieces) < 300


async def test_capacity_is_not_raised_where_a_crash_would_leave_it_raised(tmp_path: Path) -> None:
    class Provisioned(Scene):
        def table(self) -> Table:
            return dataclasses.replace(super().table(), throughput=Throughput(provisioned=5))

    async with FaultServer() as server:
        server.create_table(loads.TABLE)
        scene = Provisioned(server, tmp_path, given=(FRAME,))
        with pytest.raises(UsageError, match="without which a crash would leave the table's capacity raised"):
            await scene.run(change=CapacityChange(10))


async def test_a_load_that_stops_says_that_it_cannot_be_resumed(tmp_path: Path) -> None:
    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, pa.table({"id": [f"k{number}" for number in range(5000)]}))
        server.faults = lambda batch: AccessDenied() if batch.number > 20 else None
        with pytest.raises(LoadFailed) as failed:
            await scene.run()
        assert failed.value.resume is None
        assert not list(tmp_path.glob("*.journal"))


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
