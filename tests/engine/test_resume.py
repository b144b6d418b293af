"""The journal: what a resume goes on from, and what it refuses."""

from __future__ import annotations

import bz2
import fcntl
import gzip
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asyncloader.engine.loading.load import Load
from asyncloader.records.journal import Journal
from asyncloader.sources.resolve import expand_paths
from asyncloader.sources.stream import open_source
from asyncloader.values.errors import LoadFailed, SourceError, UsageError
from asyncloader.values.settings import RejectLimit
from tests.engine.loads import Row, Scene, applied, csv_bytes, scene
from tests.faultserver import AccessDenied, FaultServer, Poison
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault

ROWS: list[Row] = [("" if number % 50 == 7 else f"k{number % 700}", f"v{number}", "") for number in range(1500)]


def stopping_after(requests: int) -> Any:
    """The first requests succeed, all later ones fail."""

    def decide(batch: Batch) -> Fault | None:
        return AccessDenied() if batch.number >= requests else None

    return decide


async def _stopped(made: Scene, requests: int = 20, **changes: Any) -> LoadFailed:
    made.server.faults = stopping_after(requests)
    with pytest.raises(LoadFailed) as failure:
        await made.run(**changes)
    made.server.faults = None
    return failure.value


@pytest.mark.parametrize("requests", [1, 5, 20, 40])
async def test_a_resume_leaves_table_rejects_and_counts_as_an_uninterrupted_run(tmp_path: Path, requests: int) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        failure = await _stopped(made, requests)
        assert failure.report is not None
        assert failure.report.counts.rows_read >= failure.report.counts.rows_settled
        report = await made.run(resume=True)
        assert made.items() == applied(ROWS)
        assert report.complete
        assert report.reconciles
        assert report.counts.rows_read == len(ROWS)
        assert report.counts.rows_rejected == 30
        assert report.this_run.rows_read <= len(ROWS)
        assert [int(row["_asyncloader_line"]) for row in made.rejects()] == [2 + n for n in range(1500) if n % 50 == 7]
        assert not (tmp_path / "load.journal").exists()


async def test_a_resume_does_not_start_anew(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made, 30)
        report = await made.run(resume=True)
        assert 0 < report.this_run.rows_read < len(ROWS)


async def test_the_watermark_stays_before_an_item_that_is_not_in_yet(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", f"v{number}", "") for number in range(1500)]
    async with FaultServer(rules=[Poison(lambda item: item["id"] == {"S": "k3"})]) as server:
        made = scene(server, tmp_path, rows)
        failure = await _stopped(made, 40)
        assert failure.report is not None
        assert failure.report.counts.items_written > 500
        server.rules.clear()
        report = await made.run(resume=True)
        assert report.complete
        assert made.items() == applied(rows)


async def test_a_plain_rerun_is_refused_and_names_the_command(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        settings = made.settings()
        load = Load([made.source], settings, resume_command="asyncloader load people people.csv --resume")
        await load.prepare()
        with pytest.raises(UsageError, match=r"unfinished.*asyncloader load people people.csv --resume"):
            await load.run(made.transports(settings), made.table(), server.url)


async def test_restart_starts_anew(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        report = await made.run(restart=True)
        assert report.this_run.rows_read == report.counts.rows_read == len(ROWS)
        assert made.items() == applied(ROWS)


@pytest.mark.parametrize("tear", [1, 7, 40])
async def test_a_torn_last_line_is_as_if_it_had_not_been_written(tmp_path: Path, tear: int) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        journal = tmp_path / "load.journal"
        os.truncate(journal, journal.stat().st_size - tear)
        report = await made.run(resume=True)
        assert report.complete
        assert made.items() == applied(ROWS)
        assert len(made.rejects()) == 30


async def test_a_journal_torn_in_its_first_line_starts_anew(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        os.truncate(tmp_path / "load.journal", 20)
        report = await made.run(resume=True)
        assert report.this_run.rows_read == len(ROWS)
        assert made.items() == applied(ROWS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda made: made.source.write_bytes(csv_bytes(ROWS[:-1])), "size of .*people.csv has changed"),
        (lambda made: made.source.write_bytes(csv_bytes([("zz", *ROWS[0][1:]), *ROWS[1:]])), "begin .* has changed"),
    ],
)
async def test_a_changed_source_is_refused_with_the_difference(tmp_path: Path, change: Any, message: str) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        change(made)
        with pytest.raises(UsageError, match=message):
            await made.run(resume=True)


async def test_another_table_of_the_name_is_refused_with_the_difference(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        settings = made.settings(resume=True)
        load, other = await made.prepared(settings), replace(made.table(), arn="arn:of:another:table")
        with pytest.raises(UsageError, match=r"the table was arn:aws:dynamodb.* and is arn:of:another:table"):
            await load.run(made.transports(settings), other, server.url)


async def test_a_changed_option_is_refused_with_the_difference(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        with pytest.raises(UsageError, match='--empty was "drop" and is "null"'):
            await made.run(resume=True, empty="null")


async def test_workers_and_max_rejects_may_change_between_runs(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        with pytest.raises(LoadFailed, match="--max-rejects 10"):
            await made.run(max_rejects=RejectLimit(rows=10))
        report = await made.run(resume=True, max_rejects=RejectLimit(rows=100), workers=2)
        assert report.complete
        assert len(made.rejects()) == 30


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
async def test_a_compressed_source_is_read_again_up_to_the_watermark(tmp_path: Path, pack: Any) -> None:
    async with FaultServer() as server:
        rows: list[Row] = [(f"k{number}", f"v{number}", "") for number in range(1500)]
        made = scene(server, tmp_path, rows)
        made.source.write_bytes(pack(csv_bytes(rows)))
        await _stopped(made, 30)
        report = await made.run(resume=True)
        assert report.this_run.rows_read < len(rows)
        assert made.items() == applied(rows)


async def test_several_sources_resume_in_the_middle_of_the_list(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        parts = [tmp_path / f"part{number}.csv" for number in range(3)]
        for number, part in enumerate(parts):
            part.write_bytes(csv_bytes(ROWS[number * 500 : (number + 1) * 500]))
        server.faults = stopping_after(35)
        settings = made.settings()
        load = Load(parts, settings)
        await load.prepare()
        with pytest.raises(LoadFailed):
            await load.run(made.transports(settings), made.table(), server.url)
        server.faults = None
        settings = made.settings(resume=True)
        load = Load(parts, settings)
        await load.prepare()
        report = await load.run(made.transports(settings), made.table(), server.url)
        assert report.complete
        assert 0 < report.this_run.rows_read < 1000
        assert made.items() == applied(ROWS)
        assert {row["_asyncloader_source"] for row in made.rejects()} == {str(part) for part in parts}


async def test_a_source_that_has_shrunk_since_the_fingerprint_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "short.csv.gz"
    source.write_bytes(gzip.compress(b"id\n1\n"))
    stream = await open_source(expand_paths([source])[0])
    try:
        with pytest.raises(SourceError, match="shorter"):
            await stream.skip_to(1000)
    finally:
        await stream.close()


async def test_two_runs_of_the_same_load_do_not_go_on_side_by_side(tmp_path: Path) -> None:
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        await _stopped(made)
        with (tmp_path / "load.journal").open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(UsageError, match="another asyncloader is running this very load"):
                await made.run(resume=True)


async def test_a_full_disk_under_the_journal_ends_before_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Journal, line: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "_append", full)
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        with pytest.raises(UsageError, match=r"journal cannot be written.*No space left"):
            await made.run()
        assert server.requests["BatchWriteItem"] == 0


async def test_a_disk_that_fills_up_stops_the_load_resumably(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append, lines = Journal._append, []

    def filling(self: Journal, line: dict[str, object]) -> None:
        lines.append(line)
        if len(lines) > 2:
            raise OSError(28, "No space left on device")
        append(self, line)

    monkeypatch.setattr(Journal, "_append", filling)
    async with FaultServer() as server:
        made = scene(server, tmp_path, ROWS)
        with pytest.raises(LoadFailed, match="No space left"):
            await made.run()
        monkeypatch.setattr(Journal, "_append", append)
        report = await made.run(resume=True)
        assert report.complete
        assert made.items() == applied(ROWS)
        assert len(made.rejects()) == 30
