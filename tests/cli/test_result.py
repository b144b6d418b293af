"""The result of a load that ran: exit codes, the JSON object, the reject file, what stands on stdout and stderr."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import numbered, write
from tests.cli.one_line import complaint
from tests.command import COMMAND, LIMIT_S, Done, environment, run
from tests.faultserver import AccessDenied, DeleteTable, FaultServer
from tests.servers import ACCESS_KEY, SECRET_KEY

COUNTS = {
    "rows_read", "items_written", "rows_rejected", "rows_superseded", "rows_filtered",
    "requests", "retried_items", "unprocessed_items", "throttled_requests", "consumed_wcu",
}  # fmt: skip
REPORT = {
    "table",
    "sources",
    "elapsed_s",
    "items_per_s",
    "rejects_file",
    "complete",
    "limited_by",
    "hot_keys",
    "shard_key",
    "this_run",
}
BAD_ROWS = "id,name\n1,Ana\n,Ben\n3,Cem\n4,Dora,extra\n1,Eva\n"


def load(server: FaultServer, folder: Path, *arguments: str) -> Done:
    return run("load", "people", *arguments, "--endpoint-url", server.url, cwd=folder)


def test_everything_written(dynamodb: FaultServer, people: Path) -> None:
    """Exit code 0, nothing on stdout, a table of results on stderr."""
    done = load(dynamodb, people.parent, people.name)
    assert (done.code, done.out) == (0, "")
    assert "people: complete" in done.err
    assert "items written" in done.err
    assert not list(people.parent.glob("*.rejects.csv"))
    assert not list(people.parent.glob("*.journal"))


def test_pandas_is_not_imported_where_it_is_installed(dynamodb: FaultServer, people: Path) -> None:
    """Arrow would, for its own sake; the command has no use for it and its half second."""
    (people.parent / "pandas").mkdir()
    write(people.parent / "pandas" / "__init__.py", "import sys; sys.exit('pandas was imported')")
    with_pandas = {"PYTHONPATH": os.pathsep.join([str(people.parent), *filter(None, [os.environ.get("PYTHONPATH")])])}
    done = run("load", "people", people.name, "--endpoint-url", dynamodb.url, cwd=people.parent, env=with_pandas)
    assert (done.code, "items written    2" in done.err) == (0, True), done.err


def test_quiet_says_nothing(dynamodb: FaultServer, people: Path) -> None:
    """The exit code says it all."""
    assert load(dynamodb, people.parent, people.name, "--quiet") == Done(0, "", "")


def test_rejected_rows_are_exit_code_1_and_stand_in_a_file(dynamodb: FaultServer, work_folder: Path) -> None:
    """The line and the reason of each, readable by its owner only; stderr says where."""
    write(work_folder / "rows.csv", BAD_ROWS)
    done = load(dynamodb, work_folder, "rows.csv")
    rejects = work_folder / "people.rejects.csv"
    assert (done.code, done.out) == (1, "")
    assert "2 rows were rejected; they stand with their reasons in people.rejects.csv" in done.err.splitlines()
    header, first, second = rejects.read_text().splitlines()
    assert header == "id,name,_asyncloader_line,_asyncloader_error,_asyncloader_raw"
    assert first.startswith(",Ben,3,id: the key is empty")
    assert second.startswith(",,5,has 3 cells where the header has 2,")
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


def test_json_is_one_object_with_the_promised_keys(dynamodb: FaultServer, work_folder: Path) -> None:
    """Alone on stdout, and its numbers add up."""
    write(work_folder / "rows.csv", BAD_ROWS)
    done = load(dynamodb, work_folder, "rows.csv", "--json")
    told = done.json
    assert done.out.count("\n") == 1
    assert set(told) == COUNTS | REPORT
    assert set(told["this_run"]) == COUNTS
    counts = {name: told[name] for name in ("rows_read", "items_written", "rows_rejected", "rows_superseded")}
    assert counts == {"rows_read": 5, "items_written": 2, "rows_rejected": 2, "rows_superseded": 1}
    assert (told["table"], told["sources"]) == ("people", ["rows.csv"])
    assert (told["rejects_file"], told["complete"], done.code) == ("people.rejects.csv", True, 1)
    assert dynamodb.item("people", "1") == {"id": {"S": "1"}, "name": {"S": "Eva"}}


def test_an_earlier_reject_file_is_kept(dynamodb: FaultServer, work_folder: Path) -> None:
    """Moved aside, and said so."""
    write(work_folder / "rows.csv", BAD_ROWS)
    write(work_folder / "people.rejects.csv", "of yesterday")
    done = load(dynamodb, work_folder, "rows.csv")
    assert (work_folder / "people.rejects.csv.1").read_text() == "of yesterday"
    assert "the reject file of an earlier load is kept as people.rejects.csv.1" in done.err


def test_more_rejects_than_allowed_stop_the_load(dynamodb: FaultServer, work_folder: Path) -> None:
    """Exit code 3, and one line with the numbers."""
    write(work_folder / "rows.csv", BAD_ROWS)
    done = load(dynamodb, work_folder, "rows.csv", "--max-rejects", "1", "--quiet")
    complaint(done, 3, "2 of 5 rows were rejected", "--max-rejects 1")


def test_a_full_disk_under_the_reject_file(dynamodb: FaultServer, work_folder: Path) -> None:
    """What was to be kept cannot be kept: the load stops and names the file."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    write(work_folder / "rows.csv", BAD_ROWS)
    done = load(dynamodb, work_folder, "rows.csv", "--rejects", "/dev/full", "--quiet")
    complaint(done, 3, "/dev/full: cannot be written (No space left on device)", "make room")


def test_writing_that_is_denied_ends_before_the_first_write(work_folder: Path) -> None:
    """Describing the table was allowed: the action that was not is named, and there is nothing to resume."""
    numbered(work_folder / "rows.csv", 100)
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, rules=[AccessDenied()]).in_thread() as server:
        server.create_table("people")
        done = load(server, work_folder, "rows.csv", "--quiet")
    complaint(done, 2, "AccessDeniedException", "not authorized", "allow dynamodb:BatchWriteItem")
    assert not list(work_folder.glob("*.journal"))


def test_a_table_that_vanishes_stops_the_load(work_folder: Path) -> None:
    """Exit code 3, and the line says that it is gone."""
    numbered(work_folder / "rows.csv", 100)
    faults = [None, DeleteTable()]
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, faults=faults).in_thread() as server:
        server.create_table("people")
        done = load(server, work_folder, "rows.csv", "--quiet", "--workers", "1")
    complaint(done, 3, "the table is gone", "--resume")


def test_a_reader_that_has_gone_away_changes_nothing(dynamodb: FaultServer, people: Path) -> None:
    """`asyncloader … --json | true`: the exit code still says how the load went."""
    read, written = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [COMMAND, "load", "people", people.name, "--endpoint-url", dynamodb.url, "--json", "--quiet"],
            cwd=people.parent, env=environment(), stdout=written, stderr=subprocess.PIPE, timeout=LIMIT_S,
        )  # fmt: skip
    finally:
        os.close(written)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_result_that_cannot_be_written_is_told(dynamodb: FaultServer, people: Path) -> None:
    """Rows are in the table, but a script that reads the file would see none: exit code 3 and the result on stderr."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [COMMAND, "load", "people", people.name, "--endpoint-url", dynamodb.url, "--json", "--quiet"],
            cwd=people.parent, env=environment(), stdout=full, stderr=subprocess.PIPE, timeout=LIMIT_S,
        )  # fmt: skip
    line = done.stderr.decode()
    assert done.returncode == 3
    assert "the result cannot be written to stdout (No space left on device)" in line
    assert json.loads(line[line.index("{") :])["complete"] is True


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_standard_stream_is_no_obstacle(dynamodb: FaultServer, people: Path, closed: int) -> None:
    """Some daemons start their children without one; the event loop must not mistake its own files for it."""
    command = f'exec "$0" "$@" {closed}>&-'
    done = subprocess.run(
        ["sh", "-c", command, COMMAND, "load", "people", people.name, "--endpoint-url", dynamodb.url],
        cwd=people.parent, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert (b"people: complete" in done.stderr) == (closed != 2)


def test_a_pace_that_the_table_sets_is_said_before_and_after(work_folder: Path) -> None:
    """One line with the option that changes it, and what limited the load in the result."""
    write(work_folder / "rows.csv", "id\n" + "".join(f"{number}\n" for number in range(300)))
    with FaultServer(check_signatures=False, enforce_provisioned=True).in_thread() as server:
        server.create_table("people", "id", wcu=200)
        done = load(server, work_folder, "rows.csv")
        off = load(server, work_folder, "rows.csv", "--utilization", "off")
    assert done.err.startswith(
        "people: paced to 190 WCU/s, 95% of what is described (table, provisioned with 200 WCU/s); --utilization"
    )
    assert "limited by       table, provisioned with 200 WCU/s; raise its WriteCapacityUnits\n" in done.err
    assert "paced" not in off.err
    assert "limited by" not in off.err


def test_hot_keys_stand_in_the_result_and_in_json_and_are_harmless_to_a_terminal(work_folder: Path) -> None:
    hot = "the \x1b[31mhot one with a very long name"
    rows = [f"{hot},{number}" if number % 5 == 0 else f"k{number},{number}" for number in range(400)]
    write(work_folder / "rows.csv", "id,no\n" + "\n".join(rows) + "\n")
    with FaultServer(check_signatures=False, partition_wcu=30, burst_s=1.5).in_thread() as server:
        server.create_table("people", "id", "no")
        done = load(server, work_folder, "rows.csv", "--json")
    assert done.json["limited_by"] == "hot keys"
    assert [key["key"] for key in done.json["hot_keys"]] == [hot]
    assert done.json["hot_keys"][0]["refused"] > 0
    assert 0.9 < done.json["hot_keys"][0]["share"] <= 1
    assert "hot keys         the \N{REPLACEMENT CHARACTER}[31mhot one with a… 100%\n" in done.err
