"""A plan says what a load does: the same file is planned and loaded, and the two must agree."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import asyncloader
from asyncloader.engine.loading.load import Load
from asyncloader.planning.planner import Planner
from asyncloader.table.description import read_description
from asyncloader.values.errors import SourceError, UsageError
from asyncloader.values.plan import Plan
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import LoadSettings
from asyncloader.values.spread import ShardKey, Spread
from tests.engine.loads import TABLE, Scene, scene
from tests.faultserver import FaultServer

COLUMNS = ("id", "at", "city", "score", "note")
TYPES = {"score": "N"}


def text_of(rows: Sequence[Sequence[str]]) -> bytes:
    """A CSV file; some of its rows are ragged on purpose."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


@st.composite
def messy_rows(draw: st.DrawFn) -> list[list[str]]:
    """Repeated keys, empty keys, wrong numbers, ragged rows, large items, line ends inside cells."""
    count, spread = draw(st.integers(0, 200)), draw(st.integers(1, 150))
    chance = draw(st.randoms(use_true_random=False))
    made = []
    for _ in range(count):
        key = chance.randrange(spread)
        row = [
            chance.choice(["", *[f"k{key}"] * 30]),
            chance.choice([str(key % 7), f"0{key % 7}", f"{key % 7}.0", *(["x"] if chance.random() < 0.2 else [])]),
            chance.choice(["", "Köln", "Rome", "C" * 1500]),
            chance.choice(["", "1", "-2.50", "1e3", "007", "n/a", "9" * 45]),
            chance.choice(["", "plain", 'q"uote', "line\nbreak", "x" * chance.randrange(3000)]),
        ]
        made.append(row if chance.random() > 0.03 else row[:4])
    return made


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A CreateTable request: with or without a sort key, global and local indexes with all kinds of projections."""
    with_sort_key = draw(st.booleans())
    projections = st.sampled_from(
        [
            {"ProjectionType": "ALL"},
            {"ProjectionType": "KEYS_ONLY"},
            {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
        ]
    )

    def keys(*names: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]

    made: dict[str, Any] = {
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": keys("id", "at") if with_sort_key else keys("id"),
    }
    by_city = {"IndexName": "by-city", "KeySchema": keys("city"), "Projection": draw(projections)}
    by_score = {"IndexName": "by-score", "KeySchema": keys("city", "score"), "Projection": draw(projections)}
    if chosen := draw(st.sampled_from([[], [by_city], [by_city, by_score]])):
        made["GlobalSecondaryIndexes"] = chosen
    if with_sort_key and draw(st.booleans()):
        made["LocalSecondaryIndexes"] = [
            {"IndexName": "local", "KeySchema": keys("id", "score"), "Projection": draw(projections)}
        ]
    indexes = [*made.get("GlobalSecondaryIndexes", ()), *made.get("LocalSecondaryIndexes", ())]
    used = {key["AttributeName"] for schema in (made, *indexes) for key in schema["KeySchema"]}
    made["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": "N" if name in ("at", "score") else "S"} for name in sorted(used)
    ]
    return made


async def planned_and_loaded(
    rows: Sequence[Sequence[str]], request: dict[str, Any] | None, *, block_bytes: int = 1024 * 1024, shards: int = 0
) -> tuple[Plan, Report, Scene]:
    with TemporaryDirectory() as folder:
        async with FaultServer() as server:
            if request is None:
                made = scene(server, Path(folder), [])
            else:
                server.store.create(request)
                made = Scene(server, Path(folder))
            made.source.write_bytes(text_of(rows))
            table = read_description(server.store.described(TABLE).description())
            common: dict[str, Any] = {"types": TYPES, "block_bytes": block_bytes}
            if shards and table.sort_key is not None:
                common["spread"] = Spread(shard_key=ShardKey("id", shards))
            plan = await plan_of(made.source, PlanSettings(load=LoadSettings(**common)), table)
            load_settings = made.settings(**common)
            load = Load([made.source], load_settings)
            await load.prepare()
            report = await load.run(made.transports(load_settings), table, server.url)
            assert server.consumed_wcu == report.counts.consumed_wcu
            check_rejects(plan, made)
            return plan, report, made


async def plan_of(source: Path, plan_settings: PlanSettings, table: Table | None = None) -> Plan:
    planner = Planner([source], plan_settings)
    await planner.prepare()
    return await planner.run(table)


def check_rejects(plan: Plan, made: Scene) -> None:
    """The same rows for the same reasons; a plan tells the first 20 lines of each."""
    told = {(int(row["_asyncloader_line"]), row["_asyncloader_error"]) for row in made.rejects()}
    lines = {line for line, _ in told}
    found = [spot for reason in plan.rejects for spot in reason.spots]
    assert {spot.line for spot in found} <= lines
    assert len(found) == sum(min(reason.rows, 20) for reason in plan.rejects)
    assert sum(reason.rows for reason in plan.rejects) == plan.rows_rejected == len(told)
    assert {(reason.spots[0].line, reason.reason) for reason in plan.rejects} <= told


@pytest.mark.timeout(300)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(messy_rows(), requests(), st.sampled_from([0, 0, 3]))
def test_rows_rejects_and_units_are_those_of_the_load(
    rows: list[list[str]], request: dict[str, Any], shards: int
) -> None:
    """Exactly, with every index, also where a row of a block replaces an earlier one, and where keys are split."""
    plan, report, _ = asyncio.run(planned_and_loaded(rows, request, shards=shards))
    counts = report.counts
    assert (plan.rows, plan.items, plan.rows_rejected, plan.rows_superseded) == (
        counts.rows_read,
        counts.items_written,
        counts.rows_rejected,
        counts.rows_superseded,
    )
    assert plan.wcu == counts.consumed_wcu
    assert plan.clean == (counts.rows_rejected == 0)
    assert plan.rows_repeating == plan.rows_superseded
    assert plan.keys == plan.items
    # The partitions of the table bear its local indexes as well, every global index has its own.
    units = {index.name: index.wcu for index in plan.indexes}
    borne = {part.owner: part.wcu for part in plan.partitions}
    assert borne == {"": plan.table_wcu + units.pop("local", 0), **units}


@pytest.mark.timeout(300)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(messy_rows())
def test_many_blocks_tell_the_same_as_the_load(rows: list[list[str]]) -> None:
    """Rows that repeat a key of an earlier block are written twice, and the plan says how many repeat one."""
    plan, report, made = asyncio.run(planned_and_loaded(rows, None, block_bytes=4096))
    assert (plan.rows, plan.items) == (report.counts.rows_read, report.counts.items_written)
    assert (plan.rows_rejected, plan.rows_superseded) == (report.counts.rows_rejected, report.counts.rows_superseded)
    assert plan.keys == len(made.server.items(TABLE))
    assert plan.rows_repeating == plan.rows - plan.rows_rejected - plan.keys
    assert plan.wcu <= report.counts.consumed_wcu


async def test_a_source_without_rows_is_a_plan_of_nothing(tmp_path: Path) -> None:
    source = tmp_path / "empty.csv"
    source.write_text("id,name\n")
    plan = await plan_of(source, PlanSettings(key=KeyAttribute("id")))
    assert (plan.rows, plan.wcu, plan.clean, plan.advice) == (0, 0, True, ())


async def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No journal, no reject file, nothing beside the source."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "people.csv"
    source.write_text("id,name\n,Ana\n1,Ben\n")
    plan = await plan_of(source, PlanSettings(key=KeyAttribute("id")))
    assert plan.rows_rejected == 1
    assert list(tmp_path.iterdir()) == [source]


async def test_without_a_key_there_is_no_plan(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_text("id,name\n1,Ana\n")
    with pytest.raises(UsageError, match=r"name the table by --table, or its key by --key"):
        await plan_of(source, PlanSettings())
    with pytest.raises(UsageError, match=r"--key nr: .*people.csv has no such column; its columns are id, name"):
        await plan_of(source, PlanSettings(key=KeyAttribute("nr")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sort_key": "id"}, "--key and --sort-key must differ"),
        ({"wcu": 0}, "--wcu takes 1 or more WCU a second, not 0"),
        ({"price": -1.0}, "--price takes US dollars for a million write request units, not -1"),
        ({"types": {"nmae": "N"}}, "no source has a column 'nmae'"),
        ({"key": "id:N", "types": {"id": "S"}}, "'id' is a key attribute of type N"),
        ({"sample": "5%", "limit": 9}, "--sample and --limit contradict"),
    ],
)
async def test_what_cannot_be_planned_is_a_usage_error(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    source = tmp_path / "people.csv"
    source.write_text("id,name\n1,Ana\n")
    with pytest.raises(UsageError, match=words):
        await asyncloader.plan(source, **{"key": "id", **changes})


async def test_a_source_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "people.csv.gz"
    source.write_bytes(bytes.fromhex("1f8b0800000000000003"))
    with pytest.raises(SourceError, match="is the file complete"):
        await plan_of(source, PlanSettings(key=KeyAttribute("id")))


async def test_several_sources_are_one_plan(tmp_path: Path) -> None:
    """Columns are told together, keys are counted across, places name their source."""
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("id,name\n1,Ana\n2,Ben\n")
    second.write_text("id,born\n1,1815\n,1816\n")
    planner = Planner([first, second], PlanSettings(key=KeyAttribute("id")))
    await planner.prepare()
    plan = await planner.run(None)
    assert (plan.rows, plan.items, plan.rows_repeating, plan.rows_superseded) == (4, 3, 1, 0)
    assert [column.name for column in plan.columns] == ["id", "name", "born"]
    (reason,) = plan.rejects
    assert str(reason.spots[0]) == f"{second}:3"


async def test_a_key_that_would_be_split_is_planned_as_split(tmp_path: Path) -> None:
    """Its suffix is part of the items' sizes and of the partition keys."""
    source = tmp_path / "events.csv"
    source.write_text("tenant,at,note\n" + "".join(f"t1,{number},{'x' * 1015}\n" for number in range(100)))
    whole = await asyncloader.plan(source, key="tenant", sort_key="at")
    split = await asyncloader.plan(source, key="tenant", sort_key="at", shard_key={"tenant": 4})
    assert (whole.partitions[0].distinct, split.partitions[0].distinct) == (1, 4)
    assert split.sizes.max_bytes == whole.sizes.max_bytes + 2
    assert {hot.key for hot in split.partitions[0].heaviest} == {"t1#0", "t1#1", "t1#2", "t1#3"}


async def test_a_limit_is_kept(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_text("id\n" + "".join(f"{number}\n" for number in range(100)))
    load_settings = LoadSettings(limit=42, block_bytes=64)
    plan = await plan_of(source, PlanSettings(load=load_settings, key=KeyAttribute("id")))
    assert plan.rows == 42
    with pytest.raises(UsageError, match="--sample and --limit"):
        replace(PlanSettings(load=load_settings, key=KeyAttribute("id")), sample=0.5)


@pytest.mark.parametrize("end", ["\n", ""])
async def test_lines_are_right_where_records_are_longer_than_a_line(tmp_path: Path, end: str) -> None:
    """Also where a cell with a line end and a last line without one make as many lines as records."""
    source = tmp_path / "people.csv"
    source.write_text(f'id,name\n1,"two\nlines"\n2,Ben\n,Cem{end}')
    plan = await plan_of(source, PlanSettings(key=KeyAttribute("id")))
    (reason,) = plan.rejects
    assert reason.spots[0].line == 5
    longest = plan.columns[1].longest
    assert longest is not None
    assert longest.spot.line == 2
