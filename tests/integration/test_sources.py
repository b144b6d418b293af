"""Sources of every kind into a real server: globs, several files, pipes, compression, encodings, dialects, parts of files."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

import asyncloader
from asyncloader.values.dialect import Dialect
from tests.command import run
from tests.integration.tables import contents, create, rows_of, texts
from tests.servers import Server

HEADER = ["id", "name", "note"]
ROWS = [
    ["1", "Ana Lúcia", "plain"],
    ["2", "O'Brien, Seán", "two\nlines"],
    ["3", 'Zoë "Zo"', ""],
    ["4", "", "a\ttab; a semicolon| a bar"],
    ["5", "Ünal", "007"],
]
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


@pytest.fixture
def client(ministack: Server) -> Iterator[Any]:
    """Plain boto3 against the server of these tests."""
    with ministack.client() as client:
        yield client


def write(path: Path, rows: list[list[str]], *, encoding: str = "utf-8", header: bool = True, **dialect: Any) -> Path:
    """A file as Python's csv module writes it."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, **dialect).writerows([HEADER, *rows] if header else rows)
    return path


async def test_a_glob_gives_its_files_in_the_order_of_their_names(
    ministack: Server, client: Any, table_name: str, work_folder: Path
) -> None:
    """So the last file's row of a key wins; other files are left alone."""
    for number in (3, 1, 2):
        write(work_folder / f"part-{number}.csv", [["same", f"file {number}", ""], [f"own {number}", "x", ""]])
    write(work_folder / "other.csv", [["other", "x", ""]])
    create(client, table_name)
    report = await asyncloader.load(table_name, "part-*.csv", endpoint_url=ministack.url)
    stored = contents(client, table_name, "id")
    assert report.sources == ("part-1.csv", "part-2.csv", "part-3.csv")
    assert {key for (key,) in stored} == {"same", "own 1", "own 2", "own 3"}
    assert stored["same",]["name"] == {"S": "file 3"}


async def test_several_sources_may_have_other_columns_in_another_order(
    ministack: Server, client: Any, table_name: str, work_folder: Path
) -> None:
    """Each file's header counts for itself; rejects say which file they come from."""
    (work_folder / "a.csv").write_text("id,name\n1,Ana\n,lost\n")
    (work_folder / "b.csv").write_text("city,id\nBern,2\nGone,\n")
    create(client, table_name)
    report = await asyncloader.load(table_name, "a.csv", "b.csv", endpoint_url=ministack.url, rejects="rejects.csv")
    stored = contents(client, table_name, "id")
    assert stored == {
        ("1",): {"id": {"S": "1"}, "name": {"S": "Ana"}},
        ("2",): {"id": {"S": "2"}, "city": {"S": "Bern"}},
    }
    rejects = rows_of(work_folder / "rejects.csv")
    assert [(row["_asyncloader_source"], row["_asyncloader_line"]) for row in rejects] == [
        ("a.csv", "3"),
        ("b.csv", "3"),
    ]
    assert report.counts.rows_rejected == 2


@pytest.mark.parametrize("ending", [None, "gz", "zst"])
def test_standard_input_plain_or_compressed(
    ministack: Server, client: Any, table_name: str, work_folder: Path, ending: str | None
) -> None:
    """What comes by a pipe has no name; its first bytes tell how it is compressed."""
    source = write(work_folder / "rows.csv", ROWS)
    data = source.read_bytes() if ending is None else COMPRESSIONS[ending](source.read_bytes())
    create(client, table_name)
    arguments = ("load", table_name, "-", "--endpoint-url", ministack.url, "--quiet", "--json")
    done = run(*arguments, cwd=work_folder, stdin=data)
    assert (done.code, done.err, done.json["sources"]) == (0, "", ["-"])
    assert contents(client, table_name, "id") == texts(rows_of(source), "id")


@pytest.mark.parametrize("ending", COMPRESSIONS)
async def test_compressed_files(
    ministack: Server, client: Any, table_name: str, work_folder: Path, ending: str
) -> None:
    """Also of several streams one after the other, as `cat` and parallel compressors make them, and with a BOM."""
    source = write(work_folder / "rows.csv", ROWS, encoding="utf-8-sig")
    data, compress = source.read_bytes(), COMPRESSIONS[ending]
    half = data.index(b"\r\n3,") + 2
    (work_folder / f"rows.csv.{ending}").write_bytes(compress(data[:half]) + compress(data[half:]))
    create(client, table_name)
    report = await asyncloader.load(table_name, f"rows.csv.{ending}", endpoint_url=ministack.url)
    assert report.counts.items_written == len(ROWS)
    assert contents(client, table_name, "id") == texts(rows_of(source), "id")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
async def test_other_encodings(
    ministack: Server, client: Any, table_name: str, work_folder: Path, encoding: str
) -> None:
    """Every character arrives, and a byte order mark does not become part of the first column's name."""
    source = write(work_folder / "rows.csv", ROWS, encoding=encoding)
    create(client, table_name)
    report = await asyncloader.load(table_name, source, endpoint_url=ministack.url, dialect=Dialect(encoding=encoding))
    assert (report.counts.items_written, report.counts.rows_rejected) == (len(ROWS), 0)
    assert contents(client, table_name, "id") == texts(rows_of(source, encoding=encoding), "id")


async def test_a_byte_that_is_no_character_of_its_encoding_costs_its_row_only(
    ministack: Server, client: Any, table_name: str, work_folder: Path
) -> None:
    """Code page 1252 has holes; the rows around one are loaded."""
    (work_folder / "rows.csv").write_bytes(b"id,name\n1,Ana\n2,hole \x81 here\n3,\xdcnal\n")
    create(client, table_name)
    report = await asyncloader.load(
        table_name, "rows.csv", endpoint_url=ministack.url, dialect=Dialect(encoding="cp1252"), rejects="rejects.csv"
    )
    stored = contents(client, table_name, "id")
    assert {key: item["name"]["S"] for (key,), item in stored.items()} == {"1": "Ana", "3": "Ünal"}
    assert report.counts.rows_rejected == 1
    assert "_asyncloader_line" in (work_folder / "rejects.csv").read_text(encoding="cp1252")


DIALECTS: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "semicolons": (Dialect(delimiter=";"), {"delimiter": ";"}),
    "tabs": (Dialect(delimiter="\t"), {"delimiter": "\t"}),
    "bars and single quotes": (Dialect(delimiter="|", quote="'"), {"delimiter": "|", "quotechar": "'"}),
    "everything quoted, LF": (Dialect(), {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"}),
    "escapes": (Dialect(escape="\\"), {"escapechar": "\\", "doublequote": False}),
}


@pytest.mark.parametrize("name", DIALECTS)
async def test_other_dialects(ministack: Server, client: Any, table_name: str, work_folder: Path, name: str) -> None:
    """What Python's csv module wrote and reads again is what is in the table."""
    dialect, pythons = DIALECTS[name]
    source = write(work_folder / "rows.csv", ROWS, **pythons)
    create(client, table_name)
    report = await asyncloader.load(table_name, source, endpoint_url=ministack.url, dialect=dialect)
    assert (report.counts.items_written, report.counts.rows_rejected) == (len(ROWS), 0)
    reads = {name: value for name, value in pythons.items() if name not in ("quoting", "lineterminator")}
    assert contents(client, table_name, "id") == texts(rows_of(source, **reads), "id")


def test_the_dialect_by_options_of_the_command(
    ministack: Server, client: Any, table_name: str, work_folder: Path
) -> None:
    r"""A tab as \t, lines to skip, no header but names, a number of rows."""
    rows = [[f"{number}", f"name {number}", "'x'"] for number in range(10)]
    body = write(work_folder / "body", rows, header=False, delimiter="\t", lineterminator="\n").read_text()
    (work_folder / "rows.tsv").write_text(f"exported 2024-05-01\nby hand\n{body}")
    create(client, table_name, "key")
    done = run(
        *("load", table_name, "rows.tsv", "--endpoint-url", ministack.url, "--quiet", "--json"),
        *("--delimiter", r"\t", "--quote", "", "--skip-rows", "2", "--no-header", "--columns", "key,name,note"),
        *("--limit", "7"),
        cwd=work_folder,
    )
    assert (done.code, done.err) == (0, "")
    assert done.json["rows_read"] == done.json["items_written"] == 7
    expected = [dict(zip(("key", "name", "note"), row, strict=True)) for row in rows[:7]]
    assert contents(client, table_name, "key") == texts(expected, "key")


@pytest.mark.parametrize("limit", [0, 1, 24, 25, 26, 50])
async def test_a_limit_takes_the_first_rows_of_all_sources(
    ministack: Server, client: Any, table_name: str, work_folder: Path, limit: int
) -> None:
    """It counts over the borders of files, and rejected rows count too."""
    first = [[f"a{number}" if number else "", "x", ""] for number in range(20)]
    second = [[f"b{number}", "x", ""] for number in range(20)]
    write(work_folder / "a.csv", first)
    write(work_folder / "b.csv", second)
    create(client, table_name)
    report = await asyncloader.load(table_name, "a.csv", "b.csv", endpoint_url=ministack.url, limit=limit)
    expected = [row[0] for row in [*first, *second][:limit] if row[0]]
    assert sorted(key for (key,) in contents(client, table_name, "id")) == sorted(expected)
    assert (report.counts.rows_read, report.counts.items_written) == (min(limit, 40), len(expected))


async def test_empty_cells_as_the_user_wants_them(server: Server, table_name: str, work_folder: Path) -> None:
    """Dropped by default, NULL or empty strings if asked for."""
    if server.name == "dynalite":
        pytest.skip("dynalite is from the time when DynamoDB refused empty strings")
    (work_folder / "rows.csv").write_text('id,name,note\n1,,""\n')
    with server.client() as client:
        for empty, rest in (
            ("drop", {}),
            ("null", {"name": {"NULL": True}, "note": {"NULL": True}}),
            ("keep", {"name": {"S": ""}, "note": {"S": ""}}),
        ):
            create(client, f"{table_name}-{empty}")
            await asyncloader.load(f"{table_name}-{empty}", "rows.csv", endpoint_url=server.url, empty=empty)  # type: ignore[arg-type]
            assert contents(client, f"{table_name}-{empty}", "id") == {("1",): {"id": {"S": "1"}, **rest}}
