"""Loads under random faults and interruptions, again and again, each held against what must come of it.

    python benchmarks/soak.py --minutes 60               random seeds
    python benchmarks/soak.py --seed 7 --cycles 1        one cycle once more

Each cycle makes random files (repeated keys, bad rows, any dialect and types) and a fault server of its own, and
loads them: in this process, or as the real command, which is killed (SIGKILL, SIGINT, SIGTERM) and resumed. In the end
the table must be as if the rows had been applied one after the other, the reject file must hold each rejected row once
and in order, the counts must reconcile, and nothing may be left behind: no journal, task, thread, descriptor or memory.
Everything but timing follows from a cycle's seed. On a failure its folder is kept. Linux only, for its /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import pyarrow as pa  # noqa: E402  # what follows needs the folder on the path
import uvloop  # noqa: E402

from benchmarks.soaking.runs import command, inside  # noqa: E402
from benchmarks.soaking.scene import Scene, must  # noqa: E402

MOST_FAILURES = 5
POOL = "soak-pool"
"""What the threads of the loop's own pool are called; they stay."""
LEAST_LOADS = 80
"""Loads in this process before anything can be said of how memory grows."""
GROWTH = 1.15
"""How much larger memory may be in the last quarter than in the second; it varies with what is loaded."""


@dataclass
class Totals:
    """What has been done so far."""

    cycles: int = 0
    rows: int = 0
    requests: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    descriptors: int = 0

    def growth(self) -> float | None:
        """Memory in the last quarter of the loads in this process by that in the second; None after too few loads."""
        count = len(self.rss_mb)
        if count < LEAST_LOADS:
            return None
        return median(self.rss_mb[-count // 4 :]) / median(self.rss_mb[count // 4 : count // 2])


def cycle(seed: int, folder: Path, runner: asyncio.Runner, totals: Totals, *, as_command: bool) -> str:
    """One case from its files to its end; returns a line about it. Raises `Broken` or whatever goes wrong."""
    began, before = time.monotonic(), Before()
    scene = Scene.of(seed, folder)
    with scene.server.in_thread():
        told = command(scene) if as_command else runner.run(_alone(scene))
        scene.check(told)
    if not as_command:
        before.check(totals)
    totals.rows += scene.case.rows
    totals.requests += scene.weather.requests
    totals.ends.update(scene.runs)
    totals.faults.update(scene.weather.met)
    where = "command" if as_command else "inside"
    memory = "" if as_command else f", {totals.rss_mb[-1]:.0f} MB"
    return (
        f"{where}: {scene.case.rows} rows, {scene.weather.requests} requests, {scene.weather.met.total()} faults, "
        f"{told['rows_rejected']} rejects, {' > '.join(scene.runs)}, {time.monotonic() - began:.1f} s{memory}"
    )


async def _alone(scene: Scene) -> dict[str, Any]:
    """Run the case; when it is over, no task of it may be left."""
    told = await inside(scene)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    must(not left, f"tasks left behind: {left}")
    return told


class Before:
    """What there was before a load in this process, to be held against what there is afterwards."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._arrow_bytes = pa.total_allocated_bytes()

    def check(self, totals: Totals) -> None:
        """The load is over: no thread, descriptor or memory of it may be left."""
        deadline = time.monotonic() + 5
        while (left := self._threads_left()) and time.monotonic() < deadline:
            time.sleep(0.01)  # a pool that is shut down ends in its own time
        must(not left, f"threads left behind: {left}")
        gc.collect()
        held = pa.total_allocated_bytes() - self._arrow_bytes
        must(held < 2**20, f"Arrow holds {held} bytes more than before")
        descriptors = len(os.listdir("/proc/self/fd"))
        known = totals.descriptors or descriptors  # the first load opens one for the loop itself
        must(descriptors <= known, f"{descriptors} open descriptors, {known} after the load before")
        totals.descriptors = descriptors
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        totals.rss_mb.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

    def _threads_left(self) -> list[str]:
        now = set(threading.enumerate()) - self._threads
        return [thread.name for thread in now if not thread.name.startswith(POOL)]


def soak(*, seed: int, minutes: float, cycles: int | None = None, keep_in: Path | None = None) -> Totals:
    """Cycle after cycle from `seed` on, until the time is over or `cycles` are done; prints a line for each."""
    totals, end = Totals(), time.monotonic() + minutes * 60
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_default_executor(ThreadPoolExecutor(4, thread_name_prefix=POOL))
        while time.monotonic() < end and totals.cycles != cycles and len(totals.failed) < MOST_FAILURES:
            folder = Path(tempfile.mkdtemp(prefix=f"soak-{seed}-", dir=keep_in))
            try:
                line = cycle(seed, folder, runner, totals, as_command=Random(seed).random() < 0.4)
            except KeyboardInterrupt:
                print(f"seed {seed}  interrupted, kept in {folder}", flush=True)
                break
            except Exception:  # whatever it is, it is what we are looking for
                totals.failed.append(seed)
                print(f"seed {seed}  FAILED, kept in {folder}", traceback.format_exc(), sep="\n", flush=True)
                print(f"once more: python benchmarks/soak.py --seed {seed} --cycles 1", flush=True)
            else:
                print(f"seed {seed}  {line}", flush=True)
                shutil.rmtree(folder)
            totals.cycles += 1
            seed += 1
    return totals


def main() -> int:
    """Read the options, soak, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--cycles", type=int, help="end after this number of cycles")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**8), help="of the first cycle")
    parser.add_argument("--keep-in", type=Path, help="where folders of failed cycles are kept")
    options = parser.parse_args()
    totals = soak(seed=options.seed, minutes=options.minutes, cycles=options.cycles, keep_in=options.keep_in)
    print(f"{totals.cycles} cycles, {totals.rows:,} rows, {totals.requests:,} requests; from seed {options.seed}")
    print("runs: " + ", ".join(f"{times} {end}" for end, times in sorted(totals.ends.items())))
    print("faults: " + ", ".join(f"{times} {fault}" for fault, times in sorted(totals.faults.items())))
    growth = totals.growth()
    if growth is not None:
        print(
            f"memory: {totals.rss_mb[0]:.0f} MB after the first load, {totals.rss_mb[-1]:.0f} MB after the last; ",
            end="",
        )
        print(f"{growth:.2f} times as much in the last quarter as in the second")
    print(f"FAILED: {totals.failed}" if totals.failed else "nothing was broken")
    return 1 if totals.failed or (growth or 0) > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
