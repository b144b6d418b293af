"""The budget gate of the command: exit code 3, one line that names the limit, and a command that goes on when it is typed."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.cli.conftest import numbered
from tests.cli.one_line import complaint
from tests.command import Done, run
from tests.faultserver import FaultServer


def load(server: FaultServer, folder: Path, *arguments: str) -> Done:
    return run("load", "people", "rows.csv", "--endpoint-url", server.url, *arguments, cwd=folder)


def resumed(done: Done, folder: Path) -> Done:
    """Type the command that the last line names."""
    command = done.err.splitlines()[-1].partition(": asyncloader ")[2]
    return run(*shlex.split(command), cwd=folder)


def test_the_command_that_is_named_goes_on_with_as_much_again(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Two portions of 600 WCU do for 1,000 rows."""
    numbered(work_folder / "rows.csv", 1_000)
    done = load(slow_dynamodb, work_folder, "--stop-after-wcu", "600", "--workers", "auto")
    assert done.code == 3
    line = done.err.splitlines()[-1]
    assert line.startswith(
        "asyncloader: stopped by --stop-after-wcu 600: 600 WCU have been used since the load's first start; "
        "resume with a larger limit: asyncloader load people"
    )
    assert "--stop-after-wcu 1200 --workers auto --resume" in line
    assert resumed(done, work_folder).code == 0
    assert len(slow_dynamodb.items("people")) == 1_000


def test_the_same_limit_again_writes_nothing(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """And names a limit that goes on."""
    numbered(work_folder / "rows.csv", 1_000)
    assert load(slow_dynamodb, work_folder, "--stop-after-wcu=600").code == 3
    requests = slow_dynamodb.requests["BatchWriteItem"]
    done = load(slow_dynamodb, work_folder, "--stop-after-wcu=600", "--resume", "--quiet")
    assert done.code == 3
    assert slow_dynamodb.requests["BatchWriteItem"] == requests
    assert "--stop-after-wcu=1200 --quiet --resume" in done.err
    assert resumed(done, work_folder).code == 0


def test_a_time_limit_names_the_same_command(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Each run has as long."""
    numbered(work_folder / "rows.csv", 100_000)
    done = load(slow_dynamodb, work_folder, "--stop-after", "5s", "--workers", "1", "--json")
    assert done.code == 3
    assert done.json["complete"] is False
    line = done.err.splitlines()[-1]
    assert line.startswith("asyncloader: stopped by --stop-after 5s; resume with: asyncloader load people")
    assert line.endswith("--stop-after 5s --workers 1 --json --resume")


def test_no_time_at_all_writes_nothing_and_says_so(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """There is nothing to resume either."""
    numbered(work_folder / "rows.csv", 1_000)
    done = load(slow_dynamodb, work_folder, "--stop-after", "0.001s", "--quiet")
    complaint(done, 3, "stopped by --stop-after 0.001s; nothing was written yet")
    assert not slow_dynamodb.items("people")
    assert not list(work_folder.glob("*.journal"))
