"""kill -9 at any moment: a resume leaves the table as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from tests.engine.loads import Row, Scene, applied, scene
from tests.faultserver import FaultServer, RandomFaults, ServerError, Unprocessed

KILLS = 30
SPREAD_KILLS = 6
ROWS = 20_000
CHILD_LIMIT_S = 60


def _rows(chance: Random) -> list[Row]:
    """Keys that come again and again, near and far, and now and then none."""
    return [
        ("" if chance.random() < 0.01 else f"k{chance.randrange(4000)}", f"v{number}", "x" * chance.randrange(40))
        for number in range(ROWS)
    ]


@pytest.mark.timeout(300)
def test_dozens_of_kills_leave_no_trace(tmp_path: Path) -> None:
    chance = Random(20)
    rows = _rows(chance)
    faults = RandomFaults(3, {None: 12, Unprocessed(fraction=0.3): 1, ServerError(500, written=0.5): 1})
    with FaultServer(faults=faults, latency_s=0.004).in_thread() as server:
        made = scene(server, tmp_path, rows)
        kills = 0
        while not _run_and_kill(made, chance.randrange(1, 110) if kills < KILLS else None):
            kills += 1
        assert kills == KILLS
        assert made.items() == applied(rows)
        assert server.overlaps == 0
        keyless = [str(line) for line, row in enumerate(rows, start=2) if not row[0]]
        assert [reject["_asyncloader_line"] for reject in made.rejects()] == keyless
        assert not (tmp_path / "load.journal").exists()


@pytest.mark.timeout(300)
def test_kills_leave_no_trace_in_any_split(tmp_path: Path) -> None:
    """With `--spread` every split has its own watermark, and goes on from it."""
    chance = Random(21)
    rows = [("" if number % 90 == 3 else f"k{number}", f"v{number}", "x" * (number % 40)) for number in range(4000)]
    faults = RandomFaults(4, {None: 12, Unprocessed(fraction=0.3): 1, ServerError(500, written=0.5): 1})
    with FaultServer(faults=faults, latency_s=0.004).in_thread() as server:
        made = scene(server, tmp_path, rows)
        kills = 0
        while not _run_and_kill(made, chance.randrange(1, 60) if kills < SPREAD_KILLS else None, splits=5):
            kills += 1
        assert kills == SPREAD_KILLS
        assert made.items() == applied(rows)
        assert server.overlaps == 0
        keyless = [line for line, row in enumerate(rows, start=2) if not row[0]]
        assert sorted(int(reject["_asyncloader_line"]) for reject in made.rejects()) == keyless
        assert not (tmp_path / "load.journal").exists()


def _run_and_kill(made: Scene, requests: int | None, *, splits: int = 1) -> bool:
    """Run the load; kill it after `requests` requests. Returns whether it came to its end."""
    before = made.server.requests["BatchWriteItem"]
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.child", made.server.url, str(made.folder), str(splits)]
    )
    deadline = time.monotonic() + CHILD_LIMIT_S
    while child.poll() is None and time.monotonic() < deadline:
        if requests is not None and made.server.requests["BatchWriteItem"] - before >= requests:
            break
        time.sleep(0.002)
    if child.poll() is None:
        assert requests is not None, "the last run did not end"
        child.kill()
    code = child.wait()
    assert code in (0, -9)
    return code == 0
