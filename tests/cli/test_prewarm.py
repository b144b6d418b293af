"""`--prewarm`: what it means is shown, and nothing is done before somebody agrees."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.one_line import complaint
from tests.cli.processes import until
from tests.command import COMMAND, LIMIT_S, environment, run
from tests.faultserver import FaultServer
from tests.servers import ACCESS_KEY, SECRET_KEY

QUESTION = (
    "pre-warm table people from 4,000 to 20,000 WCU/s and index by-name from 4,000 to 20,000 WCU/s: AWS charges this "
    "once, at the price of warm throughput in its region, and it cannot be lowered again. Go on? [y/N] "
)


@pytest.fixture
def cold(own_environment: None, people: Path) -> Iterator[FaultServer]:
    """An on-demand table with an index, both as warm as new ones are."""
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, update_s=0.2).in_thread() as server:
        server.create_table("people", indexes={"by-name": "name"}, warm_wcu=4000)
        yield server


def arguments(server: FaultServer, *more: str) -> list[str]:
    return ["load", "people", "people.csv", "--endpoint-url", server.url, "--prewarm", "20000", *more]


def answered(server: FaultServer, folder: Path, answer: bytes) -> tuple[int, str]:
    """The command on a terminal, with what is typed once it has asked; returns exit code and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *arguments(server)], cwd=folder, env=environment({"COLUMNS": "400"}),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)
    screen = b""

    def sees(text: str) -> bool:
        nonlocal screen
        with contextlib.suppress(OSError):  # nothing yet, or the other side is closed
            screen += os.read(ours, 65536)
        return text in screen.decode(errors="replace") or process.poll() is not None

    try:
        until(lambda: sees("[y/N] "))
        if answer == b"\x03":
            process.send_signal(2)
        else:
            os.write(ours, answer)
        until(lambda: sees("\0") and process.poll() is not None)
    finally:
        process.kill()
        process.wait(LIMIT_S)
        os.close(ours)
    return process.returncode, screen.decode(errors="replace")


def test_yes_warms_and_waits_and_loads(cold: FaultServer, work_folder: Path) -> None:
    """The question says what it means, for indexes, too."""
    code, screen = answered(cold, work_folder, b"y\n")
    assert code == 0, screen
    assert QUESTION in screen
    table = cold.store.described("people")
    assert (table.status, table.warm_wcu, table.warm_of("by-name")) == ("ACTIVE", 20_000, 20_000)
    assert len(cold.items("people")) == 2


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04", b"\x03"], ids=["no", "nothing", "end of input", "Ctrl-C"])
def test_anything_else_does_nothing(cold: FaultServer, work_folder: Path, answer: bytes) -> None:
    """Neither to the table's capacity nor to its items."""
    code, screen = answered(cold, work_folder, answer)
    assert code == (130 if answer == b"\x03" else 2), screen
    assert cold.requests["UpdateTable"] == 0
    assert not cold.items("people")
    assert not list(work_folder.glob("*.journal"))
    assert "Traceback" not in screen


def test_without_a_terminal_it_must_be_agreed_to_beforehand(cold: FaultServer, work_folder: Path) -> None:
    """No server is asked anything."""
    done = run(*arguments(cold, "--quiet"), cwd=work_folder)
    complaint(done, 2, "--prewarm", "no terminal", "--yes")
    assert not cold.requests


def test_agreed_to_beforehand(cold: FaultServer, work_folder: Path) -> None:
    """And a second time there is nothing to do."""
    done = run(*arguments(cold, "--yes"), cwd=work_folder)
    assert done.code == 0, done.err
    assert cold.store.described("people").warm_wcu == 20_000
    again = run(*arguments(cold, "--yes"), cwd=work_folder)
    assert again.code == 0
    assert "is as warm as 20,000 WCU/s already" in again.err
    assert cold.requests["UpdateTable"] == 1


def test_a_service_that_tells_of_no_warmth(dynamodb: FaultServer, people: Path) -> None:
    """An older server, or another one."""
    done = run(*arguments(dynamodb, "--yes", "--quiet"), cwd=people.parent)
    complaint(done, 2, "does not tell the warm throughput of table people", "--prewarm")
