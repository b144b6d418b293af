"""`--max-wcu`: the capacity used in any second stays below the cap, and nothing else changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from asyncloader.values.settings import PacingSettings
from tests.engine.loads import Row, applied, scene
from tests.faultserver import FaultServer, RandomFaults, Throttle, Unprocessed
from tests.faultserver.batch import Batch


def _watched(arrivals: list[tuple[float, int]]) -> Callable[[Batch], None]:
    def note(batch: Batch) -> None:
        arrivals.append((time.monotonic(), len(batch.writes)))

    return note


async def test_no_second_passes_the_cap_by_more_than_5_percent(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number}", "v", "") for number in range(900)]
    arrivals: list[tuple[float, int]] = []
    async with FaultServer(faults=_watched(arrivals)) as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(pacing=PacingSettings(300), block_bytes=100_000)
        assert report.complete
        assert made.items() == applied(rows)
    # Measured where requests arrive, so a little is left for the way there.
    fullest = max(sum(items for at, items in arrivals if start <= at < start + 0.98) for start, _ in arrivals)
    assert fullest <= 300 * 1.05
    assert max(items for _, items in arrivals) <= 15


async def test_a_paced_load_loses_nothing_to_faults(tmp_path: Path) -> None:
    rows: list[Row] = [(f"k{number % 150}", f"v{number}", "") for number in range(600)]
    faults = RandomFaults(5, {None: 5, Throttle(): 1, Unprocessed(fraction=0.4): 1})
    async with FaultServer(faults=faults) as server:
        made = scene(server, tmp_path, rows)
        report = await made.run(pacing=PacingSettings(20_000), block_bytes=1024)
        assert report.complete
        assert report.reconciles
        assert made.items() == applied(rows)
        assert server.overlaps == 0
