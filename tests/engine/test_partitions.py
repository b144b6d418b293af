"""Partition keys: files that are sorted by them load as fast as others, and in the end nothing else is different."""

from __future__ import annotations

import asyncio
import time
import zlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncloader.encode import interleave
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.engine.loading.load import Load
from asyncloader.values.errors import LoadFailed, UsageError
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.spread import ShardKey, Spread
from tests.engine.loads import QUICK, Row, item_of
from tests.engine.sorted import SortedScene, last_rows, sorted_scene
from tests.engine.strategies import scripts
from tests.engine.test_resume import stopping_after
from tests.faultserver import FaultServer, RandomFaults
from tests.faultserver.batch import Batch

PER_REQUEST_S = 0.02
"""On the server's clock every request takes as long, whatever the machine does."""


@st.composite
def sorted_rows(draw: st.DrawFn) -> list[Row]:
    """Rows in the order of their partition keys, some of which come twice with the same sort key."""
    chance = draw(st.randoms(use_true_random=False))
    made: list[Row] = []
    for key in range(draw(st.integers(1, 40))):
        for _ in range(chance.randrange(1, 30)):
            text = "" if chance.random() < 0.02 else f"s{chance.randrange(25)}"
            made.append((f"p{key:02}", text, f"row {len(made)}"))
    return made


async def _load(made_rows: list[Row], script: RandomFaults, **changes: Any) -> tuple[SortedScene, FaultServer, Report]:
    with TemporaryDirectory() as folder:
        async with FaultServer(faults=script) as server:
            made = sorted_scene(server, Path(folder), made_rows)
            report = await made.run(**changes)
            lines = [int(row["_asyncloader_line"]) for row in made.rejects()]
            assert lines == [line for line, row in enumerate(made_rows, start=2) if not row[1]]
            return made, server, report


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(sorted_rows(), scripts(), st.integers(1, 8), st.integers(200, 20_000))
def test_interleaved_rows_end_as_if_they_had_been_applied_one_after_the_other(
    made_rows: list[Row], script: RandomFaults, workers: int, block_bytes: int
) -> None:
    made, server, report = asyncio.run(_load(made_rows, script, workers=workers, block_bytes=block_bytes))
    assert made.stored() == last_rows(made_rows)
    assert server.overlaps == 0
    assert report.complete
    assert report.reconciles


@pytest.mark.parametrize("requests", [3, 20, 60])
async def test_a_resume_inside_an_interleaved_block_misses_nothing(tmp_path: Path, requests: int) -> None:
    rows: list[Row] = [(f"p{number // 100}", f"s{number % 90}", f"row {number}") for number in range(2000)]
    async with FaultServer(faults=stopping_after(requests)) as server:
        made = sorted_scene(server, tmp_path, rows)
        with pytest.raises(LoadFailed):
            await made.run(block_bytes=8192)
        server.faults = None
        report = await made.run(block_bytes=8192, resume=True)
        assert made.stored() == last_rows(rows)
        assert report.complete
        assert report.reconciles


async def _requests(folder: Path, rows: list[Row], **changes: Any) -> tuple[int, int]:
    """How many requests a load takes, and how many items came back, where a partition key takes 50 WCU/s."""
    began, passed = time.time(), 0.0

    def tick(batch: Batch) -> None:
        nonlocal passed
        passed += PER_REQUEST_S

    async with FaultServer(faults=tick, clock=lambda: began + passed, partition_wcu=50) as server:
        made = sorted_scene(server, folder, rows)
        report = await made.run(workers=4, retry=QUICK, **changes)
        assert made.stored() == last_rows(rows)
        return report.counts.requests, report.counts.unprocessed_items


SORTED: list[Row] = [(f"p{number // 200:02}", f"s{number % 200}", "") for number in range(6000)]
"""30 partition keys of 200 items each."""


async def test_a_sorted_file_takes_a_third_of_the_requests_once_it_is_interleaved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted on a clock that only requests move: 1,250 items a second come to 30 partition keys of 50 WCU/s each."""
    interleaved, refused = await _requests(tmp_path, SORTED, block_bytes=1024 * 1024)
    assert interleaved <= 1.1 * len(SORTED) / 25
    assert refused <= 0.1 * len(SORTED)
    monkeypatch.setattr(interleave, "is_clustered", lambda partitions: False)
    in_order, came_back = await _requests(tmp_path, SORTED, block_bytes=1024 * 1024)
    assert in_order >= 3 * interleaved
    assert came_back >= 20 * max(refused, 1)


async def test_a_file_longer_than_any_window_needs_to_be_read_in_several_places(tmp_path: Path) -> None:
    """Here a window holds the rows of one partition key or two, and interleaving alone is of little use."""
    small, rows = {"block_bytes": 2400, "blocks_in_flight": 2}, SORTED[:3000]
    in_one, _ = await _requests(tmp_path, rows, **small)
    in_fifteen, _ = await _requests(tmp_path, rows, **small, spread=Spread(15))
    assert in_one >= 2 * in_fifteen
    assert in_fifteen <= 2 * len(rows) / 25


def _shard(text: str, shards: int) -> int:
    return zlib.crc32(text.encode()) % shards


async def test_a_sharded_key_is_where_the_hash_of_its_sort_key_says(tmp_path: Path) -> None:
    """Rows of one key lie in all shards, each where a reader computes it; rejects keep the cell that stood in the file."""
    rows: list[Row] = [("tenant", "" if number == 7 else f"s{number}", f"row {number}") for number in range(400)]
    rows += [("tenant", "s5", "newer")]
    async with FaultServer() as server:
        made = sorted_scene(server, tmp_path, rows)
        report = await made.run(spread=Spread(shard_key=ShardKey("id", 8)), block_bytes=100_000)
        expected = {}
        for (key, sort), item in last_rows(rows).items():
            sharded = f"{key}#{_shard(sort, 8)}"
            expected[sharded, sort] = {**item, "id": {"S": sharded}}
        assert made.stored() == expected
        assert {key for key, _ in expected} == {f"tenant#{shard}" for shard in range(8)}
        assert report.counts.rows_superseded == 1
        assert [row["id"] for row in made.rejects()] == ["tenant"]
        assert report.shard_key is not None
        assert report.as_dict()["shard_key"] == {
            "column": "id",
            "shards": 8,
            "query": "query id = VALUE#0 to VALUE#7, all 8 of them; the item with a given value is in VALUE#S, "
            "S = crc32(value) % 8",
        }


async def test_numbers_choose_their_shard_by_value(tmp_path: Path) -> None:
    rows: list[Row] = [
        ("a", "1", "first"),
        ("a", "1.0", "newer"),
        ("a", "12e1", ""),
        ("a", "-0.50", ""),
        ("a", "x", ""),
    ]
    async with FaultServer() as server:
        made = sorted_scene(server, tmp_path, rows, sort_type="N")
        report = await made.run(spread=Spread(shard_key=ShardKey("id", 100)))
        assert {key for key, _ in made.stored()} == {f"a#{_shard(text, 100)}" for text in ("1", "120", "-0.5")}
        assert (report.counts.rows_superseded, report.counts.rows_rejected) == (1, 1)


async def test_a_resume_with_other_shards_is_refused(tmp_path: Path) -> None:
    rows: list[Row] = [("tenant", f"s{number}", "") for number in range(2000)]
    async with FaultServer(faults=stopping_after(5)) as server:
        made = sorted_scene(server, tmp_path, rows)
        with pytest.raises(LoadFailed):
            await made.run(spread=Spread(shard_key=ShardKey("id", 8)))
        with pytest.raises(UsageError, match='--shard-key was "id=8" and is "id=9"'):
            await made.run(spread=Spread(shard_key=ShardKey("id", 9)), resume=True)


async def test_splits_and_shards_go_together(tmp_path: Path) -> None:
    rows: list[Row] = [(f"p{number // 500}", f"s{number % 500}", "") for number in range(2000)]
    async with FaultServer() as server:
        made = sorted_scene(server, tmp_path, rows)
        await made.run(spread=Spread(4, ShardKey("id", 3)))
        assert {(key.split("#")[0], sort): item_of((key.split("#")[0], sort, "")) for key, sort in made.stored()} == (
            last_rows(rows)
        )


@pytest.mark.parametrize(
    ("column", "table", "message"),
    [
        ("value", Table("t", "", KeyAttribute("id"), KeyAttribute("value")), "is not the partition key of table t"),
        ("id", Table("t", "", KeyAttribute("id", "N"), KeyAttribute("value")), "is of type N; only text"),
        ("id", Table("t", "", KeyAttribute("id")), "has no sort key to choose the shard by"),
    ],
)
def test_what_cannot_be_sharded_is_refused(column: str, table: Table, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ColumnEncoder(["id", "value"], table, {}, "drop", shard_key=ShardKey(column, 8))


async def test_a_frame_is_sharded_as_a_file_is_and_read_in_one_place(tmp_path: Path) -> None:
    frame = pa.table({"id": ["tenant"] * 50, "value": [f"s{row}" for row in range(50)]})
    async with FaultServer() as server:
        made = sorted_scene(server, tmp_path, [])
        for spread, refusal in ((Spread(2), "in several places at once: it is not a file"), (Spread(), None)):
            asked = made.settings(spread=replace(spread, shard_key=ShardKey("id", 4)), journal=None)
            load = Load([frame], asked)
            if refusal is not None:
                with pytest.raises(UsageError, match=refusal):
                    await load.prepare()
                continue
            await load.prepare()
            await load.run(made.transports(asked), made.table(), server.url)
        assert set(made.stored()) == {(f"tenant#{_shard(f's{row}', 4)}", f"s{row}") for row in range(50)}


async def test_items_of_an_iterator_have_their_suffix_or_have_none(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = sorted_scene(server, tmp_path, [])
        asked = made.settings(spread=Spread(shard_key=ShardKey("id", 4)), journal=None)
        load = Load([iter([{"id": "a", "value": "b"}])], asked)
        await load.prepare()
        with pytest.raises(UsageError, match="give items their suffix where they are made"):
            await load.run(made.transports(asked), made.table(), server.url)
