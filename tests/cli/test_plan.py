"""The command `plan`: what stands where, exit codes, and that it asks nobody but DescribeTable."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import numbered, write
from tests.cli.one_line import complaint
from tests.command import COMMAND, LIMIT_S, Done, changed, ended, environment, run, started
from tests.faultserver import FaultServer
from tests.servers import ACCESS_KEY, SECRET_KEY

KEYS = {
    "sources", "table", "rows", "items", "rows_rejected", "rows_superseded", "rows_repeating", "repeating_spread",
    "keys", "rejects", "sizes", "wcu", "table_wcu", "indexes", "partitions", "cost", "duration", "columns", "advice",
    "sample", "elapsed_s", "clean",
}  # fmt: skip
BAD_ROWS = "id,name,born\n1,Ana,1815\n,Ben,1816\n3,Cem,19o6\n4,Dora,extra,cell\n1,Eva,007\n"


def plan(folder: Path, *arguments: str) -> Done:
    return run("plan", *arguments, cwd=folder, env={"AWS_DEFAULT_REGION": None})


def test_a_clean_source_is_exit_code_0_and_a_page_on_stdout(people: Path) -> None:
    """Nothing on stderr, nothing beside the source."""
    done = plan(people.parent, people.name, "--key", "id")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("a plan for people.csv → a new table; nothing was written\n")
    assert "write capacity        2 WCU\n" in done.out
    assert "as an estimate; say yours with --price" in done.out
    assert [path.name for path in people.parent.iterdir()] == ["people.csv"]


def test_rows_that_would_be_rejected_are_exit_code_1(work_folder: Path) -> None:
    """With their reasons and lines."""
    write(work_folder / "rows.csv", BAD_ROWS)
    done = plan(work_folder, "rows.csv", "--key", "id", "--type", "born=N")
    assert done.code == 1
    assert "id: the key is empty  (rows.csv:3)" in done.out
    assert "born: '19o6' is not a number  (rows.csv:4)" in done.out
    assert "has 4 cells where the header has 3  (rows.csv:5)" in done.out
    assert "advice\n  1. mend the rows that would be rejected" in done.out


def test_json_is_one_object_with_the_promised_keys(work_folder: Path) -> None:
    """The same as the library's result."""
    write(work_folder / "rows.csv", BAD_ROWS)
    done = plan(work_folder, "rows.csv", "--key", "id", "--type", "born=N", "--json", "--price", "2")
    told = done.json
    assert done.out.count("\n") == 1
    assert set(told) == KEYS
    assert (told["rows"], told["items"], told["rows_rejected"], told["rows_superseded"]) == (5, 1, 3, 1)
    assert (told["clean"], told["sample"], told["wcu"]) == (False, None, 1)
    assert told["cost"]["usd"] == pytest.approx(2e-6)
    (born,) = [column for column in told["columns"] if column["name"] == "born"]
    assert (born["type"], born["leading_zeros"], born["kinds"]) == ("N", 1, {"number": 3, "text": 1})
    assert {reason["spots"][0]["line"] for reason in told["rejects"]} == {3, 4, 5}


def test_quiet_says_it_by_the_exit_code(work_folder: Path) -> None:
    write(work_folder / "rows.csv", BAD_ROWS)
    assert plan(work_folder, "rows.csv", "--key", "id", "--quiet") == Done(1, "", "")


def test_a_described_table_tells_keys_indexes_and_capacity(work_folder: Path) -> None:
    """By DescribeTable and nothing else; the units of a load are the same."""
    rows = "".join(f"{number},{'a' * 3000},c{number % 3}\n" for number in range(40)) + "41,short,\n"
    write(work_folder / "rows.csv", "id,note,city\n" + rows)
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}).in_thread() as server:
        server.create_table("events", wcu=10, indexes={"by-city": "city"})
        asked = server.requests.copy()
        where = ("--endpoint-url", server.url, "--region", "us-east-1")
        done = plan(work_folder, "rows.csv", "--table", "events", *where, "--json")
        assert server.requests - asked == {"DescribeTable": 1}
        assert server.items("events") == []
        told = done.json
        page = plan(work_folder, "rows.csv", "--table", "events", *where).out
        loaded = run("load", "events", "rows.csv", *where, "--utilization", "off", "--json", cwd=work_folder).json
    assert (done.code, told["table"], told["wcu"]) == (0, "events", loaded["consumed_wcu"])
    assert told["indexes"] == [{"name": "by-city", "entries": 40, "wcu": 120}]
    assert told["cost"]["estimated"] is False
    assert told["duration"]["seconds"] == pytest.approx(121 / 9.5)
    assert "for table events, provisioned with 10 WCU/s, 95% of it used" in page
    assert "partition keys of index by-city: 3 different values of city" in page
    assert "c0  (42 WCU)" in page


def test_offline_nobody_is_asked(people: Path) -> None:
    """Not even with an endpoint that nobody answers at, and without credentials."""
    gone = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = run("plan", people.name, "--key", "id", cwd=people.parent, env=gone)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("people.csv",), "name the table by --table, or its key by --key"),
        (("people.csv", "--key", "id", "--table", "people"), "--table tells the key; leave --key and --sort-key out"),
        (("people.csv", "--key", "id", "--sample", "five"), "not 'five'"),
        (("people.csv", "--key", "id", "--sample", "5%", "--limit", "9"), "--sample and --limit contradict"),
        (("missing.csv", "--key", "id"), "there is no such file"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_line(people: Path, arguments: tuple[str, ...], words: str) -> None:
    complaint(plan(people.parent, *arguments), 2, words)


def test_a_table_that_is_missing_is_exit_code_2(dynamodb: FaultServer, people: Path) -> None:
    done = run("plan", people.name, "--table", "nobodys", "--endpoint-url", dynamodb.url, cwd=people.parent)
    complaint(done, 2, "nobodys")


def test_a_reader_that_has_gone_away_changes_nothing(people: Path) -> None:
    """`asyncloader plan … | head -1`: the exit code still tells."""
    read, written = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [COMMAND, "plan", people.name, "--key", "id"],
            cwd=people.parent, env=environment(), stdout=written, stderr=subprocess.PIPE, timeout=LIMIT_S,
        )  # fmt: skip
    finally:
        os.close(written)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_it_at_once(work_folder: Path) -> None:
    """Exit code 130 and one line; there is nothing to resume."""
    numbered(work_folder / "rows.csv", 100_000, padding=200)
    slow = changed({"asyncloader.planning.planner:MOST_THREADS": 1, "asyncloader.cli.progress:PLAIN_INTERVAL_S": 0.02})
    with started("plan", *["rows.csv"] * 40, "--key", "id", cwd=work_folder, program=slow) as process:
        assert process.stderr is not None
        assert "plan: " in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        done = ended(process)
    assert done.code == 130
    assert time.monotonic() - began < 30
    assert done.err.splitlines()[-1] == "asyncloader: interrupted; a plan writes nothing, so there is nothing to resume"
