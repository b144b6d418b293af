"""Ctrl-C and its relatives: the first ends in good order, the second at once, both with exit code 130."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import numbered
from tests.cli.processes import PROC, minds_signals, unread, until
from tests.cli.talkers import talker
from tests.command import COMMAND, LIMIT_S, Done, ended, environment, started
from tests.faultserver import Batch, Fault, FaultServer, Hang
from tests.servers import ACCESS_KEY, SECRET_KEY

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])


@BOTH
def test_the_first_signal_drains_and_says_how_to_go_on(
    slow_dynamodb: FaultServer, work_folder: Path, number: int
) -> None:
    """What was in flight is answered and counted; what is counted is in the table; the rest is left for later."""
    rows = 100_000
    numbered(work_folder / "rows.csv", rows)
    arguments = ("load", "people", "rows.csv", "--endpoint-url", slow_dynamodb.url, "--workers", "4")
    with started(*arguments, "--json", "--quiet", cwd=work_folder) as process:
        until(lambda: slow_dynamodb.requests["BatchWriteItem"] >= 12)
        process.send_signal(number)
        done = ended(process)
    assert done.code == 130
    assert done.json["complete"] is False
    assert 0 < done.json["items_written"] == len(slow_dynamodb.accepted) == len(slow_dynamodb.items("people")) < rows
    line = done.err.strip()
    assert line.startswith(f"asyncloader: interrupted; {done.json['items_written']:,} items had been written")
    assert line.endswith("--resume")
    assert "\n" not in line


def test_people_are_told_that_it_waits(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Without --quiet: what it is doing, and how to end it at once."""
    numbered(work_folder / "rows.csv", 100_000)
    with started("load", "people", "rows.csv", "--endpoint-url", slow_dynamodb.url, cwd=work_folder) as process:
        until(lambda: slow_dynamodb.requests["BatchWriteItem"] >= 1)
        process.send_signal(signal.SIGINT)
        done = ended(process)
    assert done.code == 130
    assert "stopping; waiting for the requests in flight (press Ctrl-C again to end at once)" in done.err
    assert "people: not complete" in done.err
    assert "Traceback" not in done.err


@BOTH
def test_the_second_signal_ends_at_once(work_folder: Path, number: int) -> None:
    """Where the service does not answer any more, nothing is waited for: it would be 30 s."""
    numbered(work_folder / "rows.csv", 1_000)
    hanging = threading.Event()

    def faults(_: Batch) -> Fault:
        hanging.set()
        return Hang()

    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, faults=faults).in_thread() as server:
        server.create_table("people")
        with started("load", "people", "rows.csv", "--endpoint-url", server.url, cwd=work_folder) as process:
            assert hanging.wait(LIMIT_S)
            process.send_signal(number)
            assert process.stderr is not None
            assert "waiting for the requests in flight" in process.stderr.readline()
            process.send_signal(number)
            done = ended(process, limit_s=20)
    assert (done.code, done.out) == (130, "")
    (line,) = done.err.splitlines()
    assert line.startswith("asyncloader: interrupted at once")
    assert line.endswith("--resume")


@PROC
@pytest.mark.parametrize("text", [b"", b"id,name\n1,Ana\n"], ids=["before the header", "between two rows"])
def test_a_silent_pipe_does_not_hold_it_back(dynamodb: FaultServer, work_folder: Path, text: bytes) -> None:
    """Whoever writes to standard input may be asleep; a signal to the command alone ends it all the same."""
    process = subprocess.Popen(
        [COMMAND, "load", "people", "-", "--endpoint-url", dynamodb.url],
        cwd=work_folder, env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    pipe = process.stdin.fileno()
    try:
        os.write(pipe, text)
        until(lambda: minds_signals(process.pid) and not unread(pipe))
        process.send_signal(signal.SIGINT)
        until(lambda: process.poll() is not None)
    finally:
        process.kill()
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert b"interrupted" in err.splitlines()[-1]


@PROC
def test_an_interrupt_before_the_first_write_says_so(work_folder: Path) -> None:
    """The table's description never comes; one signal is enough."""
    numbered(work_folder / "rows.csv", 10)
    with talker(None) as port:
        url = f"http://127.0.0.1:{port}"
        with started("load", "people", "rows.csv", "--endpoint-url", url, cwd=work_folder) as process:
            until(lambda: minds_signals(process.pid))
            process.send_signal(signal.SIGINT)
            done = ended(process, limit_s=20)
    assert done == Done(130, "", "asyncloader: interrupted before the first write; nothing was written\n")
    assert not list(work_folder.glob("*.journal"))


def test_the_whole_terminal_is_interrupted_together(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Ctrl-C reaches every process of the foreground group; the command still drains."""
    numbered(work_folder / "rows.csv", 100_000)
    with started(
        "load", "people", "rows.csv", "--endpoint-url", slow_dynamodb.url, "--json", cwd=work_folder
    ) as process:
        until(lambda: slow_dynamodb.requests["BatchWriteItem"] >= 5)
        os.killpg(process.pid, signal.SIGINT)
        done = ended(process)
    assert done.code == 130
    assert done.json["items_written"] == len(slow_dynamodb.items("people"))


@PROC
def test_a_named_pipe_without_a_writer_does_not_hold_it_back(dynamodb: FaultServer, work_folder: Path) -> None:
    """Opening one waits for its writer, where it is done as with other files."""
    os.mkfifo(work_folder / "pipe")
    with started("load", "people", "pipe", "--endpoint-url", dynamodb.url, cwd=work_folder) as process:
        until(lambda: minds_signals(process.pid))
        process.send_signal(signal.SIGINT)
        done = ended(process, limit_s=20)
    assert done == Done(130, "", "asyncloader: interrupted before the first write; nothing was written\n")


def test_an_interrupt_while_the_command_is_imported_ends_it_quietly(work_folder: Path) -> None:
    program = """
import sys

class Interrupts:
    def find_spec(self, fullname, *_):
        if fullname == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from asyncloader.__main__ import main
main()
"""
    with started("load", "people", "rows.csv", cwd=work_folder, program=program) as process:
        assert ended(process) == Done(130, "", "")
