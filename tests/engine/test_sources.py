"""Sources that are no files, beside files and by themselves: one load of all, and what is told beforehand."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from asyncloader.values.capacity_change import CapacitySettings
from asyncloader.values.errors import LoadFailed, UsageError
from asyncloader.values.schema import Table, Throughput
from asyncloader.values.spread import ShardKey, Spread
from tests.engine import loads
from tests.engine.loads import Scene
from tests.faultserver import AccessDenied, FaultServer


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


async def test_capacity_is_not_raised_where_a_crash_would_leave_it_raised(tmp_path: Path) -> None:
    class Provisioned(Scene):
        def table(self) -> Table:
            return dataclasses.replace(super().table(), throughput=Throughput(provisioned=5))

    async with FaultServer() as server:
        server.create_table(loads.TABLE)
        scene = Provisioned(server, tmp_path, given=(FRAME,))
        with pytest.raises(UsageError, match="without which a crash would leave the table's capacity raised"):
            await scene.run(change=CapacitySettings(10))


async def test_a_load_that_stops_says_that_it_cannot_be_resumed(tmp_path: Path) -> None:
    async with FaultServer() as server:
        scene = loads.given(server, tmp_path, pa.table({"id": [f"k{number}" for number in range(5000)]}))
        server.faults = lambda batch: AccessDenied() if batch.number > 20 else None
        with pytest.raises(LoadFailed) as failed:
            await scene.run()
        assert failed.value.resume is None
        assert not list(tmp_path.glob("*.journal"))
