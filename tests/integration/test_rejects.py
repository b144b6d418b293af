"""Rejected rows: told by line and reason, mended in their file, loaded by the same command; and how many are too many."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import asyncloader
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import LoadFailed
from tests.command import run
from tests.integration.tables import contents, create, rows_of
from tests.servers import Server

ROWS = 'id,price,note\n1,1.50,"fine, with\na newline"\n2,cheap,"keeps ""quotes"""\n3,3,\n,4,no key\n5,1e999,Ünal\n'
GOOD = {"1", "3"}


def mend(path: Path, changes: dict[str, dict[str, str]], encoding: str = "utf-8", **dialect: Any) -> list[str]:
    """Correct rows of a reject file by their lines, as a person would; returns the errors that stood there."""
    rows = rows_of(path, encoding=encoding, **dialect)
    errors = [row["_asyncloader_error"] for row in rows]
    for row in rows:
        row.update(changes[row["_asyncloader_line"]])
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **dialect)
        writer.writeheader()
        writer.writerows(rows)
    return errors


def test_a_corrected_reject_file_is_loaded_by_the_same_command(
    ministack: Server, table_name: str, work_folder: Path
) -> None:
    """The columns that the reject file adds are no attributes, and nothing of the rows is lost on the way."""
    (work_folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    options = ("--endpoint-url", ministack.url, "--type", "price=N", "--quiet", "--json")
    rejects = f"{table_name}.rejects.csv"
    with ministack.client() as client:
        create(client, table_name)
        first = run("load", table_name, "rows.csv", *options, cwd=work_folder)
        assert (first.code, first.json["rows_rejected"], first.json["rejects_file"]) == (1, 3, rejects)
        assert {key for (key,) in contents(client, table_name, "id")} == GOOD
        errors = mend(work_folder / rejects, {"4": {"price": "2"}, "6": {"id": "4"}, "7": {"price": "5"}})
        assert [error.partition(":")[0] for error in errors] == ["price", "id", "price"]
        second = run("load", table_name, rejects, *options, cwd=work_folder)
        stored = contents(client, table_name, "id")
    assert (second.code, second.err, second.json["items_written"], second.json["rejects_file"]) == (0, "", 3, None)
    prices = {key: Decimal(item["price"]["N"]) for (key,), item in stored.items()}
    assert prices == {"1": Decimal("1.5"), "2": 2, "3": 3, "4": 4, "5": 5}
    assert stored["2",]["note"] == {"S": 'keeps "quotes"'}
    assert stored["5",]["note"] == {"S": "Ünal"}
    assert {name for item in stored.values() for name in item} == {"id", "price", "note"}


async def test_a_reject_file_that_is_loaded_may_have_rejects_again(
    ministack: Server, table_name: str, work_folder: Path
) -> None:
    """They go to another file: the one that is being read is not overwritten."""
    (work_folder / "rows.csv").write_text(ROWS, encoding="utf-8")
    rejects = Path(f"{table_name}.rejects.csv")
    load: dict[str, Any] = {"endpoint_url": ministack.url, "types": {"price": "N"}}
    with ministack.client() as client:
        create(client, table_name)
        await asyncloader.load(table_name, "rows.csv", **load)
        mend(rejects, {"4": {"price": "2"}, "6": {}, "7": {"price": "5"}})
        before = rejects.read_bytes()
        second = await asyncloader.load(table_name, rejects, **load)
        keys = {key for (key,) in contents(client, table_name, "id")}
    assert second.counts.rows_rejected == 1
    assert rejects.read_bytes() == before
    assert second.rejects_file is not None
    (left,) = rows_of(Path(second.rejects_file))
    assert (left["note"], left["_asyncloader_error"]) == ("no key", "id: the key is empty")
    assert keys == {"1", "2", "3", "5"}


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [
        ("latin-1", ";"),
        ("utf-16-le", ","),
        ("utf-16", "\t"),
    ],
)
async def test_the_reject_file_is_written_as_the_source_was(
    ministack: Server, table_name: str, work_folder: Path, encoding: str, delimiter: str
) -> None:
    """So the same options read it: here with no header in the source, and with lines to skip."""
    dialect = Dialect(
        encoding=encoding, delimiter=delimiter, header=False, columns=("id", "price", "note"), skip_rows=1
    )
    lines = ["made by hand", "1 1 é", "2 x ü", "3 y ö", "4 4 à", ""]
    (work_folder / "rows.csv").write_text("\n".join(lines).replace(" ", delimiter), encoding=encoding, newline="")
    with ministack.client() as client:
        create(client, table_name)
        load: dict[str, Any] = {"endpoint_url": ministack.url, "types": {"price": "N"}, "dialect": dialect}
        first = await asyncloader.load(table_name, "rows.csv", **load)
        assert (first.counts.items_written, first.counts.rows_rejected) == (2, 2)
        assert first.rejects_file is not None
        mend(Path(first.rejects_file), {"3": {"price": "2"}, "4": {"price": "3"}}, encoding, delimiter=delimiter)
        second = await asyncloader.load(table_name, first.rejects_file, **load)
        stored = contents(client, table_name, "id")
    assert (second.counts.items_written, second.counts.rows_rejected) == (2, 0)
    assert {key: item["note"]["S"] for (key,), item in stored.items()} == {"1": "é", "2": "ü", "3": "ö", "4": "à"}


def ten_percent_bad(path: Path, rows: int) -> Path:
    """Every tenth row has no key."""
    lines = [f"{'' if number % 10 == 9 else number},x" for number in range(rows)]
    path.write_text("\n".join(["id,name", *lines, ""]))
    return path


@pytest.mark.parametrize(("limit", "rows"), [("20", 200), ("10%", 2_000), (20, 200)])
async def test_as_many_rejects_as_allowed_do_not_stop_a_load(
    ministack: Server, table_name: str, work_folder: Path, limit: str | int, rows: int
) -> None:
    """The limit itself is allowed."""
    ten_percent_bad(work_folder / "rows.csv", rows)
    with ministack.client() as client:
        create(client, table_name)
        report = await asyncloader.load(table_name, "rows.csv", endpoint_url=ministack.url, max_rejects=limit)
        stored = contents(client, table_name, "id")
    assert (report.complete, report.counts.rows_rejected, len(stored)) == (True, rows // 10, rows - rows // 10)


@pytest.mark.parametrize(("limit", "rows"), [("19", 200), ("0", 10), ("9.9%", 2_000), ("9%", 100)])
async def test_one_reject_more_than_allowed_stops_the_load(
    ministack: Server, table_name: str, work_folder: Path, limit: str, rows: int
) -> None:
    """The rejects so far are in their file; a percentage of a short file is checked at its end."""
    ten_percent_bad(work_folder / "rows.csv", rows)
    with ministack.client() as client:
        create(client, table_name)
        with pytest.raises(LoadFailed, match=rf"rows were rejected, more than --max-rejects {limit} allows") as failed:
            await asyncloader.load(table_name, "rows.csv", endpoint_url=ministack.url, max_rejects=limit)
    report = failed.value.report
    assert report is not None
    assert not report.complete
    assert len(rows_of(work_folder / f"{table_name}.rejects.csv")) == report.counts.rows_rejected == rows // 10


def test_too_many_rejects_by_the_command(ministack: Server, table_name: str, work_folder: Path) -> None:
    """Exit code 3, the counts so far as JSON, one line with the reason."""
    ten_percent_bad(work_folder / "rows.csv", 2_000)
    with ministack.client() as client:
        create(client, table_name)
    options = ("--endpoint-url", ministack.url, "--max-rejects", "5%", "--quiet", "--json")
    done = run("load", table_name, "rows.csv", *options, cwd=work_folder)
    assert done.code == 3
    assert (done.json["complete"], done.json["rows_rejected"]) == (False, 200)
    (line,) = done.err.splitlines()
    assert "200 of 2,000 rows were rejected, more than --max-rejects 5% allows" in line
