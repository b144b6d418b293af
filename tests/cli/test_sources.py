"""Sources that cannot be loaded: one line that says what, where and what to do, and exit code 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asyncloader.sources.resolve import expand_paths
from asyncloader.values.errors import SourceError
from tests.cli.conftest import write
from tests.cli.one_line import complaint
from tests.command import Done, run
from tests.faultserver import FaultServer


@pytest.fixture
def requests_before(dynamodb: FaultServer) -> int:
    """How many writes the server had seen before the test."""
    return dynamodb.requests["BatchWriteItem"]


def load(dynamodb: FaultServer, folder: Path, *arguments: str, stdin: bytes = b"") -> Done:
    return run("load", "people", *arguments, "--endpoint-url", dynamodb.url, "--quiet", cwd=folder, stdin=stdin)


def test_a_file_that_is_not_there(dynamodb: FaultServer, work_folder: Path) -> None:
    """The line names the file, and where it was looked for."""
    complaint(
        load(dynamodb, work_folder, "absent.csv"), 2, "absent.csv: there is no such file", str(work_folder), "check"
    )


def test_one_missing_file_among_several_stops_before_the_first_write(
    dynamodb: FaultServer, people: Path, requests_before: int
) -> None:
    """Nothing of the files that are there is written."""
    complaint(load(dynamodb, people.parent, "people.csv", "absent.csv"), 2, "absent.csv: there is no such file")
    assert dynamodb.requests["BatchWriteItem"] == requests_before


def test_a_pattern_without_a_file(dynamodb: FaultServer, work_folder: Path) -> None:
    """A glob that matches nothing is an error, not an empty load."""
    complaint(load(dynamodb, work_folder, "2024-*.csv"), 2, "2024-*.csv: no file has such a name", "check the pattern")


def test_a_folder(dynamodb: FaultServer, work_folder: Path) -> None:
    """The line tells how to name the files in it."""
    (work_folder / "exports").mkdir()
    complaint(load(dynamodb, work_folder, "exports/"), 2, "exports/: is a folder", "exports/*.csv")


def test_a_file_whose_content_cannot_be_read(dynamodb: FaultServer, work_folder: Path) -> None:
    """It can be opened, but reading fails, as on a broken disk."""
    if not Path("/proc/self/mem").exists():
        pytest.skip("needs a file that can be opened but not read")
    complaint(load(dynamodb, work_folder, "/proc/self/mem"), 2, "/proc/self/mem: reading failed at byte 0", "check")


def test_a_file_without_permission(work_folder: Path, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch is taken where the system says no, which it never does to root."""
    asked: list[object] = []

    def denied(path: object, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", denied)
    with pytest.raises(SourceError, match=r"people\.csv: may not be read by this user; change its permissions"):
        expand_paths([people])
    assert asked == [(people, os.R_OK)]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_by_the_command(dynamodb: FaultServer, people: Path) -> None:
    """The same with a real file."""
    people.chmod(0)
    complaint(load(dynamodb, people.parent, people.name), 2, "people.csv: may not be read", "permissions")


@pytest.mark.parametrize("content", ["", "\ufeff", "\n\r\n\n"], ids=["no byte", "only a BOM", "blank lines"])
def test_an_empty_file(dynamodb: FaultServer, work_folder: Path, content: str) -> None:
    """A file without a header says what its first line must be."""
    write(work_folder / "empty.csv", content)
    complaint(load(dynamodb, work_folder, "empty.csv"), 2, "empty.csv: is empty", "--no-header --columns")


def test_an_empty_standard_input(dynamodb: FaultServer, work_folder: Path) -> None:
    """The same for a pipe whose writer has failed."""
    complaint(load(dynamodb, work_folder, "-"), 2, "-: is empty")


def test_standard_input_twice(dynamodb: FaultServer, work_folder: Path) -> None:
    """It can be read only once."""
    complaint(load(dynamodb, work_folder, "-", "-"), 2, "standard input (-) can be read only once")


def test_a_header_without_rows_is_complete_and_says_so(dynamodb: FaultServer, work_folder: Path) -> None:
    """There is nothing to do, and nothing went wrong."""
    write(work_folder / "header.csv", "id,name\n")
    done = run("load", "people", "header.csv", "--endpoint-url", dynamodb.url, "--json", cwd=work_folder)
    assert done.code == 0
    assert done.json["rows_read"] == done.json["requests"] == 0
    assert done.json["complete"] is True
    assert "the sources have a header but no rows; there was nothing to load" in done.err.splitlines()


def test_a_column_name_that_stands_twice(dynamodb: FaultServer, work_folder: Path) -> None:
    """One of the two would be lost."""
    write(work_folder / "twice.csv", "id,name,name\n1,a,b\n")
    complaint(load(dynamodb, work_folder, "twice.csv"), 2, "twice.csv", "'name' stands 2 times", "--columns")


def test_a_column_without_a_name(dynamodb: FaultServer, work_folder: Path) -> None:
    """Which one is told by its number."""
    write(work_folder / "unnamed.csv", "id,,name\n1,a,b\n")
    complaint(load(dynamodb, work_folder, "unnamed.csv"), 2, "unnamed.csv: column 2 of 3 has no name", "--columns")


def test_a_file_without_the_key_column(dynamodb: FaultServer, work_folder: Path, requests_before: int) -> None:
    """The line names the key, the table and the columns that are there."""
    write(work_folder / "keyless.csv", "ident,name\n1,a\n")
    done = load(dynamodb, work_folder, "keyless.csv")
    complaint(done, 2, "keyless.csv: has no column 'id'", "key of table people", "ident, name")
    assert dynamodb.requests["BatchWriteItem"] == requests_before


def test_a_header_in_another_encoding(dynamodb: FaultServer, work_folder: Path) -> None:
    """The line says where, and how to name the encoding."""
    (work_folder / "latin.csv").write_bytes("id,größe\n1,2\n".encode("latin-1"))
    complaint(load(dynamodb, work_folder, "latin.csv"), 2, "latin.csv:1", "not valid UTF-8", "--encoding latin-1")


def test_utf_16_without_saying_so(dynamodb: FaultServer, work_folder: Path) -> None:
    """Spreadsheets write it; its byte order mark gives it away."""
    (work_folder / "wide.csv").write_bytes("id,name\n1,a\n".encode("utf-16"))
    complaint(load(dynamodb, work_folder, "wide.csv"), 2, "wide.csv", "UTF-16", "--encoding utf-16")


def test_a_compressed_file_that_ends_too_early(dynamodb: FaultServer, work_folder: Path) -> None:
    """A download that broke off is no file with fewer rows."""
    import gzip

    (work_folder / "broken.csv.gz").write_bytes(gzip.compress(b"id,name\n1,Ana\n" * 50)[:-9])
    complaint(
        load(dynamodb, work_folder, "broken.csv.gz"), 2, "broken.csv.gz: cannot be decompressed", "ends too early"
    )
