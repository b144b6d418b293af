"""The soak in short: random loads under random faults, interrupted and resumed, by seeds that are always the same."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

SEED, CYCLES = 1061, 12
"""Some in this process, some as the command; every kind of interruption is among them."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.timeout(300)
def test_a_few_cycles_of_the_soak_break_nothing(tmp_path: Path) -> None:
    soak = importlib.import_module("benchmarks.soak")
    totals = soak.soak(seed=SEED, minutes=4, cycles=CYCLES, keep_in=tmp_path)
    assert not totals.failed
    assert totals.cycles == CYCLES
    assert totals.faults.total() > 0
    assert {"kill -9", "SIGTERM", "denied", "end"} <= set(totals.ends)
