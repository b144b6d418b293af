"""`--raise-wcu`: raised before the load and set back after it, however it ends."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import numbered
from tests.cli.one_line import complaint
from tests.cli.processes import until
from tests.command import LIMIT_S, Done, ended, run, started
from tests.faultserver import FaultServer
from tests.servers import ACCESS_KEY, SECRET_KEY

ROWS = 1_000


@pytest.fixture
def provisioned(own_environment: None, work_folder: Path) -> Iterator[FaultServer]:
    """A table of 5 WCU/s with an index of 5 and one of 900, and a file for it; changes take a while."""
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, update_s=0.3).in_thread() as server:
        server.create_table("people", wcu=5, indexes={"by-name": "name", "rich": "name"})
        server.store.described("people").provision("rich", 5, 900)
        numbered(work_folder / "rows.csv", ROWS)
        yield server


def arguments(server: FaultServer, *more: str) -> tuple[str, ...]:
    return ("load", "people", "rows.csv", "--endpoint-url", server.url, "--workers", "4", "--utilization", "off", *more)


def units(server: FaultServer) -> dict[str, int]:
    """The capacity of table and indexes when nothing is being changed any more."""
    until(lambda: server.store.described("people").status == "ACTIVE")
    told = server.store.described("people").description()
    owners = {"": told} | {index["IndexName"]: index for index in told["GlobalSecondaryIndexes"]}
    return {name: owner["ProvisionedThroughput"]["WriteCapacityUnits"] for name, owner in owners.items()}


BEFORE = {"": 5, "by-name": 5, "rich": 900}
RAISED = {"": 800, "by-name": 800, "rich": 900}


def is_raised(server: FaultServer) -> bool:
    return server.store.described("people").write_units == 800


def test_table_and_indexes_are_raised_and_set_back(provisioned: FaultServer, work_folder: Path) -> None:
    """The reads and the index that has enough stay as they are; while requests come, all are raised."""
    seen: set[int | None] = set()
    provisioned.faults = lambda _: seen.add(provisioned.store.described("people").write_units)
    done = run(*arguments(provisioned, "--raise-wcu", "800"), cwd=work_folder)
    assert done.code == 0, done.err
    assert "raising table people from 5 to 800 WCU/s, index by-name from 5 to 800 WCU/s; it is set back" in done.err
    assert "set back table people to 5 WCU/s, index by-name to 5 WCU/s" in done.err
    assert seen == {800}
    assert units(provisioned) == BEFORE
    assert provisioned.requests["UpdateTable"] == 2
    assert len(provisioned.items("people")) == ROWS
    assert not list(work_folder.glob("*.journal*"))


def test_what_has_enough_is_left(provisioned: FaultServer, work_folder: Path) -> None:
    """Nothing is asked of UpdateTable."""
    done = run(*arguments(provisioned, "--raise-wcu", "5"), cwd=work_folder)
    assert done.code == 0
    assert "has 5 WCU/s already" in done.err
    assert provisioned.requests["UpdateTable"] == 0


@pytest.mark.parametrize("end", [("--max-rejects", "0"), ("--stop-after-wcu", "100")], ids=["failure", "budget"])
def test_a_load_that_stops_sets_back_too(provisioned: FaultServer, work_folder: Path, end: tuple[str, ...]) -> None:
    """And the resume raises again, sets back again, and completes."""
    with (work_folder / "rows.csv").open("a") as file:
        file.write(",nobody\n")
    done = run(*arguments(provisioned, "--raise-wcu", "800", "--json", *end), cwd=work_folder)
    assert done.code in (2, 3)
    assert units(provisioned) == BEFORE
    again = run(
        *arguments(provisioned, "--raise-wcu", "800", *(["--resume"] if done.code == 3 else [])), cwd=work_folder
    )
    assert again.code == 1, again.err
    assert units(provisioned) == BEFORE
    assert len(provisioned.items("people")) == ROWS


@pytest.mark.parametrize("moment", ["while it is raised", "while it loads"])
def test_ctrl_c_sets_back(provisioned: FaultServer, work_folder: Path, moment: str) -> None:
    """One is enough, also before the first write."""
    provisioned.latency_s = 0.05
    provisioned.store.update_s = 1.0
    numbered(work_folder / "rows.csv", 100_000)
    with started(*arguments(provisioned, "--raise-wcu", "800"), cwd=work_folder) as process:
        operation = "UpdateTable" if moment == "while it is raised" else "BatchWriteItem"
        until(lambda: provisioned.requests[operation] >= 1)
        process.send_signal(signal.SIGINT)
        done = ended(process)
    assert done.code == 130
    assert units(provisioned) == BEFORE
    assert (provisioned.requests["BatchWriteItem"] > 0) == (moment == "while it loads")
    assert bool(list(work_folder.glob("*.journal"))) == (moment == "while it loads")


def killed(server: FaultServer, folder: Path, *more: str) -> None:
    """A load that is killed in its middle, with the table raised."""
    server.latency_s = 0.02
    with started(*arguments(server, "--raise-wcu", "800", *more), cwd=folder) as process:
        before = server.requests["BatchWriteItem"]
        until(lambda: server.requests["BatchWriteItem"] >= before + 5)
        process.kill()
        assert process.wait(LIMIT_S) == -signal.SIGKILL
    server.latency_s = 0.0
    assert units(server) == RAISED


@pytest.mark.parametrize("how", ["--resume", "--restart"])
def test_after_kill_9_the_next_run_sets_back(provisioned: FaultServer, work_folder: Path, how: str) -> None:
    """It need not be told again what to raise."""
    killed(provisioned, work_folder)
    done = run(*arguments(provisioned, how), cwd=work_folder)
    assert done.code == 0, done.err
    assert units(provisioned) == BEFORE
    assert len(provisioned.items("people")) == ROWS
    assert not list(work_folder.glob("*.journal*"))


def test_a_kill_between_the_journal_and_the_change_is_harmless(provisioned: FaultServer, work_folder: Path) -> None:
    """Killed while the table was being changed, and twice: the first capacity is what is set back."""
    provisioned.store.update_s = 2.0
    with started(*arguments(provisioned, "--raise-wcu", "700"), cwd=work_folder) as process:
        until(lambda: provisioned.requests["UpdateTable"] >= 1)
        process.kill()
    provisioned.store.update_s = 0.1
    killed(provisioned, work_folder, "--resume")
    done = run(*arguments(provisioned, "--restart"), cwd=work_folder)
    assert done.code == 0, done.err
    assert units(provisioned) == BEFORE


def test_what_somebody_else_has_set_is_left(provisioned: FaultServer, work_folder: Path) -> None:
    """And told."""
    killed(provisioned, work_folder)
    provisioned.store.described("people").provision("", 5, 123)
    done = run(*arguments(provisioned, "--resume"), cwd=work_folder)
    assert done.code == 0, done.err
    assert "changed by somebody else meanwhile (the table: 123 WCU/s); it is left so" in done.err
    assert units(provisioned) == BEFORE | {"": 123}


def test_a_refusal_to_set_back_names_the_command_that_does_it(provisioned: FaultServer, work_folder: Path) -> None:
    """Four decreases are done today. Everything is written, but the exit code is not 0, and a resume tries again."""
    provisioned.store.described("people").decreases_today = 4
    done = run(*arguments(provisioned, "--raise-wcu", "800", "--quiet", "--json"), cwd=work_folder)
    assert done.code == 3
    assert done.json["complete"] is True
    (line,) = done.err.splitlines()
    assert "everything is written, but the capacity of table people could not be set back" in line
    assert "decreases" in line
    command = shlex.split(line.partition("set it back by hand: ")[2].partition("; resume with")[0])
    assert command[:5] == ["aws", "dynamodb", "update-table", "--table-name", "people"]
    assert command[command.index("--provisioned-throughput") + 1] == "ReadCapacityUnits=5,WriteCapacityUnits=5"
    assert '"IndexName":"by-name"' in command[command.index("--global-secondary-index-updates") + 1]
    assert units(provisioned) == RAISED
    provisioned.store.described("people").decreases_today = 0
    assert run(*arguments(provisioned, "--resume"), cwd=work_folder).code == 0
    assert units(provisioned) == BEFORE


def test_a_table_that_may_not_be_changed_is_a_clear_line(provisioned: FaultServer, work_folder: Path) -> None:
    """Nothing was written, no journal is left."""
    provisioned.denied.add("UpdateTable")
    done = run(*arguments(provisioned, "--raise-wcu", "800", "--quiet"), cwd=work_folder)
    complaint(done, 2, "access denied", "dynamodb:UpdateTable")
    assert not list(work_folder.glob("*.journal*"))


def test_more_than_the_quota_is_a_clear_line(provisioned: FaultServer, work_folder: Path) -> None:
    """In the service's words."""
    done = run(*arguments(provisioned, "--raise-wcu", "50000", "--quiet"), cwd=work_folder)
    complaint(done, 2, "table 'people'", "limited to 40000 units", "quota")
    assert units(provisioned) == BEFORE


def test_a_table_on_demand_is_refused(dynamodb: FaultServer, people: Path) -> None:
    """There is nothing to raise."""
    done = run(
        "load", "people", people.name, "--endpoint-url", dynamodb.url, "--raise-wcu", "10", "--quiet", cwd=people.parent
    )  # fmt: skip
    complaint(done, 2, "table people is on demand", "--raise-wcu", "--prewarm")


def test_a_second_ctrl_c_says_what_is_still_raised(provisioned: FaultServer, work_folder: Path) -> None:
    """A resume sets it back."""
    provisioned.latency_s = 30.0
    with started(*arguments(provisioned, "--raise-wcu", "800", "--quiet"), cwd=work_folder) as process:
        until(lambda: provisioned.requests["BatchWriteItem"] >= 1)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        done: Done = ended(process)
    assert done.code == 130
    assert "the table's capacity is still raised; a resume sets it back, or: aws dynamodb update-table" in done.err
    provisioned.latency_s = 0.0
    assert run(*arguments(provisioned, "--resume"), cwd=work_folder).code == 0
    assert units(provisioned) == BEFORE
