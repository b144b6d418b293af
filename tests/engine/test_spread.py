"""--spread: several places of the sources are read at once, and the load is what a load in order would have been."""

from __future__ import annotations

import asyncio
import gzip
import io
import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncloader.engine.loading.load import Load
from asyncloader.engine.reading.reader import bind, inspect, read_split, read_splits
from asyncloader.engine.reading.splits import SplitFinder
from asyncloader.formats.csv.grammar import grammar
from asyncloader.records.checkpoint import UNSPLIT, Split
from asyncloader.sources.resolve import expand_paths
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import LoadFailed, UsageError
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import LoadSettings
from asyncloader.values.spread import Spread
from tests.engine.loads import Row, Scene, applied, csv_bytes, scene
from tests.engine.strategies import scripts
from tests.engine.test_resume import stopping_after
from tests.faultserver import FaultServer, RandomFaults

TABLE = Table("people", "arn", KeyAttribute("id"))
NOTES = ("", "plain", 'q"uote', "line\nbreak", 'two\n"quoted"\nbreaks', "ünï", "x" * 90, ",,", "\r\n")
Record = tuple[int, int, int, bytes]


@st.composite
def files(draw: st.DrawFn) -> list[list[Row]]:
    """One to three sources, each with rows of their own keys whose cells hold whatever makes a record's end hard to see."""
    number = itertools.count()
    chance = draw(st.randoms(use_true_random=False))
    return [
        [(f"k{next(number)}", chance.choice(NOTES), chance.choice(NOTES)) for _ in range(draw(st.integers(1, 60)))]
        for _ in range(draw(st.integers(1, 3)))
    ]


async def _records(inputs: Any, asked: LoadSettings, splits: tuple[Split, ...]) -> list[list[Record]]:
    """Every record by split: source, offset, line and text."""
    found: list[list[Record]] = [[] for _ in splits]
    rules = grammar(asked.dialect)
    async for blocks in read_splits(inputs, asked, splits):
        for split, block in blocks:
            data = block.data  # type: ignore[attr-defined]  # a block of text
            for each in rules.records(data, block.line):
                record = (block.source, block.offset + each.start, each.line, data[each.start : each.end])
                found[split].append(record)
    return found


async def _both_ways(sources: list[list[Row]], splits: int, block_bytes: int) -> None:
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.csv" for number in range(len(sources))]
        for path, rows in zip(paths, sources, strict=True):
            path.write_bytes(csv_bytes(rows))
        asked = LoadSettings(spread=Spread(splits), block_bytes=block_bytes)
        inputs = await inspect(expand_paths(paths), Dialect())
        bind(inputs, TABLE, asked)
        found = await SplitFinder(inputs, asked, Path(folder)).find()
        in_order = (await _records(inputs, asked, UNSPLIT))[0]
        by_split = await _records(inputs, asked, found)
        assert list(itertools.chain(*by_split)) == in_order
        assert all(by_split)
        assert len(found) <= splits


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(files(), st.integers(2, 9), st.integers(16, 3000))
def test_the_splits_hold_every_record_once_with_its_place_and_line(
    sources: list[list[Row]], splits: int, block_bytes: int
) -> None:
    """Record for record what is read in one split, wherever quotes and line breaks stand."""
    asyncio.run(_both_ways(sources, splits, block_bytes))


async def test_the_splits_of_a_long_file_are_evenly_spaced(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_bytes(csv_bytes((f"k{number}", "v", "") for number in range(20_000)))
    asked = LoadSettings(spread=Spread(8))
    inputs = await inspect(expand_paths([source]), Dialect())
    bind(inputs, TABLE, asked)
    splits = await SplitFinder(inputs, asked, tmp_path).find()
    starts = [split.position.offset for split in splits]
    size = source.stat().st_size
    assert len(splits) == 8
    for number, start in enumerate(starts):
        assert abs(start - size * number / 8) <= size / 8 / 8
    blocks = [block async for block in read_split(inputs, asked, splits[3])]
    assert blocks[0].line == source.read_bytes()[: starts[3]].count(b"\n") + 1


def _distinct(count: int) -> list[Row]:
    """Rows with keys of their own; every fiftieth has none and is rejected."""
    return [("" if number % 50 == 7 else f"k{number}", f"v{number}", NOTES[number % 9]) for number in range(count)]


async def _run(rows: list[Row], script: RandomFaults, **changes: Any) -> tuple[Scene, FaultServer, Report]:
    with TemporaryDirectory() as folder:
        async with FaultServer(faults=script) as server:
            made = scene(server, Path(folder), rows)
            report = await made.run(**changes)
            rejected = [int(row["_asyncloader_line"]) for row in made.rejects()]
            assert sorted(rejected) == _lines_without_key(rows)
            return made, server, report


def _lines_without_key(rows: list[Row]) -> list[int]:
    lines, line = [], 2
    for row in rows:
        if not row[0]:
            lines.append(line)
        line += len(io.BytesIO(csv_bytes([row])).readlines()) - 1
    return lines


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 400), scripts(), st.integers(2, 7), st.integers(300, 4000))
def test_under_any_faults_the_table_is_as_after_a_load_in_order(
    count: int, script: RandomFaults, splits: int, block_bytes: int
) -> None:
    rows = _distinct(count)
    made, server, report = asyncio.run(_run(rows, script, spread=Spread(splits), block_bytes=block_bytes))
    assert made.items() == applied(rows)
    assert server.overlaps == 0
    assert report.complete
    assert report.reconciles
    assert report.counts.rows_read == count


@pytest.mark.parametrize("requests", [1, 5, 20, 45])
async def test_every_split_resumes_where_it_was(tmp_path: Path, requests: int) -> None:
    rows = _distinct(1500)
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        server.faults = stopping_after(requests)
        with pytest.raises(LoadFailed):
            await made.run(spread=Spread(4))
        server.faults = None
        report = await made.run(spread=Spread(4), resume=True)
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(rows)
        assert report.counts.rows_read == len(rows)
        assert report.counts.rows_rejected == 30
        assert sorted(int(row["_asyncloader_line"]) for row in made.rejects()) == _lines_without_key(rows)
        if requests == 45:
            assert report.this_run.rows_read < len(rows)


async def test_a_resume_with_other_splits_is_refused(tmp_path: Path) -> None:
    async with FaultServer(faults=stopping_after(5)) as server:
        made = scene(server, tmp_path, _distinct(1500))
        with pytest.raises(LoadFailed):
            await made.run(spread=Spread(4))
        with pytest.raises(UsageError, match="--spread was 4 and is 1"):
            await made.run(resume=True)


async def test_a_key_in_two_places_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    rows = _distinct(1500)
    rows[1400] = (rows[90][0], "newer", "")
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        lines = csv_bytes(rows[:90]).count(b"\n") + 1, csv_bytes(rows[:1400]).count(b"\n") + 1
        found = rf"the key k90 .*people\.csv:{lines[0]} and .*people\.csv:{lines[1]}; .*load without --spread"
        with pytest.raises(UsageError, match=found):
            await made.run(spread=Spread(4))
        assert server.requests["BatchWriteItem"] == 0
        assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


async def test_number_keys_are_compared_by_value(tmp_path: Path) -> None:
    rows: list[Row] = [(str(number), "v", "") for number in range(1500)]
    rows[1400] = ("9e1", "newer", "")
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows, key_type="N")
        with pytest.raises(UsageError, match="the key 90 stands in two"):
            await made.run(spread=Spread(4))


async def test_a_key_that_comes_again_in_its_own_place_is_the_last_row(tmp_path: Path) -> None:
    """Near the middle, where the second split starts, no key stands twice."""
    rows: list[Row] = [
        (f"k{number if 600 <= number < 900 else number // 3 + 2000}", f"v{number}", "") for number in range(1500)
    ]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(spread=Spread(2))
        assert made.items() == applied(rows)
        assert report.counts.rows_read == 1500
        assert report.reconciles


async def _refusal(folder: Path, data: bytes, **changes: Any) -> str:
    async with FaultServer() as server:
        made = scene(server, folder, [])
        made.source.write_bytes(data)
        with pytest.raises(UsageError) as refused:
            await made.run(**changes)
        return str(refused.value)


async def test_what_cannot_be_sought_is_refused(tmp_path: Path) -> None:
    rows = csv_bytes(_distinct(10))
    four = Spread(4)
    assert "a compressed file can only be read from its start" in await _refusal(
        tmp_path, gzip.compress(rows), spread=four
    )
    latin = Dialect(encoding="latin-1")
    assert "latin-1 text is turned into UTF-8" in await _refusal(tmp_path, rows, spread=four, dialect=latin)
    with pytest.raises(UsageError, match="--limit counts rows from the start"):
        LoadSettings(spread=four, limit=10)
    with pytest.raises(UsageError, match="takes 1 to 64 places, not 65"):
        Spread(65)


async def test_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    read, write = os.pipe()
    os.write(write, csv_bytes(_distinct(3)))
    os.close(write)
    monkeypatch.setattr("asyncloader.sources.stream.STDIN_DESCRIPTOR", read)
    try:
        with pytest.raises(UsageError, match="a stream cannot be sought; load it without --spread"):
            await Load(["-"], LoadSettings(spread=Spread(2))).prepare()
    finally:
        os.close(read)


async def test_several_sources_are_divided_as_one(tmp_path: Path) -> None:
    rows = _distinct(900)
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        parts = [tmp_path / f"part{number}.csv" for number in range(3)]
        for number, part in enumerate(parts):
            part.write_bytes(csv_bytes(rows[number * 300 : number * 300 + 300]))
        asked = made.settings(spread=Spread(5))
        load = Load(parts, asked)
        await load.prepare()
        report = await load.run(made.transports(asked), made.table(), server.url)
        assert report.complete
        assert made.items() == applied(rows)
        assert load.settled_bytes == load.total_bytes
        assert {row["_asyncloader_source"] for row in made.rejects()} == {str(part) for part in parts}


async def test_a_byte_order_mark_moves_no_split(tmp_path: Path) -> None:
    rows = _distinct(600)
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        made.source.write_bytes(b"\xef\xbb\xbf" + csv_bytes(rows))
        report = await made.run(spread=Spread(6))
        assert report.complete
        assert made.items() == applied(rows)


async def test_every_moment_has_items_of_every_split(tmp_path: Path) -> None:
    """A file sorted by its key, far longer than what is in flight, is written from all its places at once."""
    rows: list[Row] = [(f"k{number:05}", "v", "x" * 100) for number in range(4000)]
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        await made.run(spread=Spread(8), blocks_in_flight=2)
        order = [int(str(each.key[1])[1:]) for each in server.log]
        for at in range(0, len(order) - 400, 100):
            assert {number // 500 for number in order[at : at + 400]} >= set(range(1, 7))
