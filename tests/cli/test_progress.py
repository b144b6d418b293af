"""Progress: a bar on a terminal, plain lines elsewhere, nothing where it is not wanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from pathlib import Path

from tests.cli.conftest import numbered
from tests.command import COMMAND, LIMIT_S, changed, environment, run
from tests.faultserver import FaultServer

OFTEN = changed({"asyncloader.cli.progress:PLAIN_INTERVAL_S": 0.1})
ROWS = 500
LINE = re.compile(
    r"people: +\d+% (· ETA \d+(:\d\d)+ )?· [\d,]+ rows/s \(mean [\d,]+\) · [\d,]+ rows · [\d,]+ WCU/s · rejected 0 · throttled 0"
)


def arguments(server: FaultServer, folder: Path) -> list[str]:
    """A load of several blocks that takes 20 requests, one after the other."""
    numbered(folder / "rows.csv", ROWS, padding=4_000)
    return ["load", "people", "rows.csv", "--endpoint-url", server.url, "--workers", "1"]


def on_terminal(command: list[str], folder: Path, columns: int = 160) -> tuple[int, str, str]:
    """Run with stderr on a terminal; returns the exit code, stdout and what the terminal was sent."""
    ours, theirs = pty.openpty()
    env = environment({"TERM": "xterm", "COLUMNS": str(columns), "LINES": "24"})
    process = subprocess.Popen(
        [COMMAND, *command], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    sent = b""
    deadline = time.monotonic() + LIMIT_S
    try:
        while time.monotonic() < deadline:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody has the other end any more
                break
            if not part:
                break
            sent += part
    finally:
        process.kill()
        out, _ = process.communicate(timeout=LIMIT_S)
        os.close(ours)
    return process.returncode, out.decode(), sent.decode()


def test_a_terminal_shows_a_bar(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Percent of the bytes, rows a second now and on the mean, WCU, rejects, throttling and what is left of the time."""
    code, out, sent = on_terminal(arguments(slow_dynamodb, work_folder), work_folder)
    assert (code, out) == (0, "")
    assert "━" in sent
    for words in (
        r"\d+%",
        r"[\d,]+ rows/s",
        r"\(mean [\d,]+\)",
        r"\d+ WCU/s",
        "rejected 0",
        "throttled 0",
        r"ETA \d+:\d\d",
    ):
        assert re.search(words, sent), f"{words} is not in {sent!r}"
    assert "people: complete" in sent


def test_a_narrow_terminal_gets_no_broken_lines(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """80 columns still show the figures that matter first."""
    code, _, sent = on_terminal(arguments(slow_dynamodb, work_folder), work_folder, columns=80)
    assert code == 0
    bars = [line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sent)) if "━" in line]
    assert bars
    assert max(map(len, bars)) <= 80
    assert any("rows/s" in line for line in bars), bars[-1]


def test_elsewhere_plain_lines_come_from_time_to_time(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Whole lines without control characters, for logs."""
    done = run(*arguments(slow_dynamodb, work_folder), cwd=work_folder, program=OFTEN)
    lines = [line for line in done.err.splitlines() if line.startswith("people: ") and "complete" not in line]
    assert (done.code, done.out) == (0, "")
    assert len(lines) >= 2
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert "\x1b" not in done.err
    assert "\r" not in done.err


def test_no_progress_leaves_the_result(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """The table of results still comes."""
    done = run(*arguments(slow_dynamodb, work_folder), "--no-progress", cwd=work_folder, program=OFTEN)
    assert done.code == 0
    assert "rows/s" not in done.err
    assert done.err.startswith("people: complete\n")


def test_quiet_is_quiet_on_a_terminal_too(slow_dynamodb: FaultServer, work_folder: Path) -> None:
    """Not a single byte."""
    numbered(work_folder / "rows.csv", 100)
    command = ["load", "people", "rows.csv", "--endpoint-url", slow_dynamodb.url, "--quiet"]
    assert on_terminal(command, work_folder) == (0, "", "")
