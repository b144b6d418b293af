"""Whole files into each server, and every item read back with plain boto3."""

from __future__ import annotations

from pathlib import Path

import asyncloader
from tests.command import run
from tests.integration.tables import contents, create, rows_of, texts
from tests.servers import Server

ROOT = Path(__file__).parent.parent.parent
AIRPORTS = ROOT / "examples" / "airports.csv"
GUESTBOOK = ROOT / "tests" / "data" / "guestbook.csv"
PREFIX_ROWS = 2_000


async def test_the_example_set_arrives_row_by_row(server: Server, table_name: str, work_folder: Path) -> None:
    """The first rows of the example, through the library."""
    sample = work_folder / "airports.csv"
    with AIRPORTS.open("rb") as whole:
        sample.write_bytes(b"".join(next(whole) for _ in range(PREFIX_ROWS + 1)))
    with server.client() as client:
        create(client, table_name, "icao")
        report = await asyncloader.load(table_name, sample, endpoint_url=server.url, workers=8)
        stored = contents(client, table_name, "icao")
    assert stored == texts(rows_of(sample), "icao")
    assert (report.counts.rows_read, report.counts.items_written) == (PREFIX_ROWS, PREFIX_ROWS)
    assert (report.complete, report.reconciles, report.rejects_file) == (True, True, None)


def test_the_whole_example_set_arrives_by_the_command(ministack: Server, table_name: str, work_folder: Path) -> None:
    """All 28,298 rows, in a table that the command makes."""
    done = run(
        *("load", table_name, AIRPORTS, "--endpoint-url", ministack.url, "--create", "--key", "icao"),
        *("--workers", "8", "--json", "--quiet"),
        cwd=work_folder,
    )
    with ministack.client() as client:
        stored = contents(client, table_name, "icao")
    expected = rows_of(AIRPORTS)
    assert (done.code, done.err) == (0, "")
    assert done.json["items_written"] == len(expected) == len(stored)
    assert stored == texts(expected, "icao")


async def test_quoted_newlines_unicode_and_a_bom_arrive_exactly(
    server: Server, table_name: str, work_folder: Path
) -> None:
    """A file as people write them: every cell has the very characters that Python's csv module finds."""
    rows = rows_of(GUESTBOOK)
    assert GUESTBOOK.read_bytes().startswith(b"\xef\xbb\xbf")
    assert any("\n" in row["message"] for row in rows)
    with server.client() as client:
        create(client, table_name, "entry")
        report = await asyncloader.load(table_name, GUESTBOOK, endpoint_url=server.url)
        stored = contents(client, table_name, "entry")
    assert stored == texts(rows, "entry")
    assert report.counts.items_written == len(rows)
    assert report.counts.rows_rejected == 0


def test_the_command_writes_the_same_as_the_library(server: Server, table_name: str, work_folder: Path) -> None:
    """The installed command over each server, and a result that counts every row."""
    rows = rows_of(GUESTBOOK)
    with server.client() as client:
        create(client, table_name, "entry")
        done = run("load", table_name, GUESTBOOK, "--endpoint-url", server.url, "--json", "--quiet", cwd=work_folder)
        stored = contents(client, table_name, "entry")
    assert (done.code, done.err) == (0, "")
    assert done.json["rows_read"] == done.json["items_written"] == len(rows)
    assert stored == texts(rows, "entry")
