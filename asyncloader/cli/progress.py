"""Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncloader.cli.result import HOT_KEYS_SHOWN, duration, hot_keys_text
from asyncloader.engine.loading.load import Load

if TYPE_CHECKING:
    from asyncloader.planning.planner import Planner

TERMINAL_INTERVAL_S = 0.25
PLAIN_INTERVAL_S = 5.0
WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What was true at one moment, `at` in seconds of a monotonic clock."""

    at: float
    settled_bytes: int
    settled: int
    written: int
    wcu: float
    rejected: int
    throttled: int
    hot: str = ""


class Pace:
    """Rates now (over the last seconds) and on the mean, and what is left; fed with moments."""

    def __init__(self, start: Moment, total_bytes: int | None) -> None:
        self._start = start
        self._total_bytes = total_bytes
        self._recent: deque[Moment] = deque([start])

    def add(self, moment: Moment) -> None:
        """The next moment."""
        self._recent.append(moment)
        while len(self._recent) > 2 and moment.at - self._recent[1].at >= WINDOW_S:
            self._recent.popleft()

    @property
    def last(self) -> Moment:
        return self._recent[-1]

    @property
    def rows_per_s_now(self) -> float:
        return _rate(self._recent[0], self.last, "settled")

    @property
    def rows_per_s_mean(self) -> float:
        return _rate(self._start, self.last, "settled")

    @property
    def wcu_per_s_now(self) -> float:
        return _rate(self._recent[0], self.last, "wcu")

    @property
    def fraction(self) -> float | None:
        """The part of the bytes that is done, if their number is known."""
        return min(self.last.settled_bytes / self._total_bytes, 1.0) if self._total_bytes else None

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the mean speed."""
        if self._total_bytes is None or not self.last.settled_bytes:
            return None
        speed = _rate(self._start, self.last, "settled_bytes")
        return max(self._total_bytes - self.last.settled_bytes, 0) / speed if speed else None

    def words(self) -> str:
        """All of it in one line, what matters most first: a terminal that is too narrow cuts the end off."""
        fraction, eta = self.fraction, self.eta_s
        parts = [
            "" if fraction is None else f"{fraction:4.0%}",
            "" if eta is None else f"ETA {duration(eta)}",
            f"{self.rows_per_s_now:,.0f} rows/s (mean {self.rows_per_s_mean:,.0f})",
            f"{self.last.settled:,} rows",
            f"{self.wcu_per_s_now:,.0f} WCU/s",
            f"rejected {self.last.rejected:,}",
            f"throttled {self.last.throttled:,}",
            f"hot {self.last.hot}" if self.last.hot else "",
        ]
        return " · ".join(part for part in parts if part)


def _rate(first: Moment, last: Moment, what: str) -> float:
    seconds = last.at - first.at
    return (getattr(last, what) - getattr(first, what)) / seconds if seconds > 0 else 0.0


def look(load: Load) -> Moment:
    """This moment of a load."""
    counts = load.counts
    return Moment(
        at=time.monotonic(),
        settled_bytes=load.settled_bytes,
        settled=counts.items_written + counts.rows_rejected + counts.rows_superseded,
        written=counts.items_written,
        wcu=counts.consumed_wcu,
        rejected=counts.rows_rejected,
        throttled=counts.throttled_requests,
        hot=hot_keys_text(load.hot_keys[:HOT_KEYS_SHOWN]),
    )


async def watch(load: Load, table: str) -> None:
    """Show progress until cancelled, from when there is some."""
    if sys.stderr.isatty():
        await _watch_on_terminal(load, table)
    else:
        await _watch_in_lines(load, table)


async def _watch_in_lines(load: Load, table: str) -> None:
    pace = Pace(look(load), load.total_bytes)
    while True:
        await asyncio.sleep(PLAIN_INTERVAL_S)
        pace.add(look(load))
        print(f"{table}: {pace.words()}", file=sys.stderr, flush=True)  # noqa: T201  # a message of the command


async def _watch_on_terminal(load: Load, table: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    pace = Pace(look(load), load.total_bytes)
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False, table_column=Column(no_wrap=True, max_width=24)),
        BarColumn(bar_width=min(24, console.width // 10)),
        TextColumn(
            "{task.fields[words]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
        ),
        console=console,
        expand=True,
        auto_refresh=False,
        transient=True,
    )
    task = bar.add_task(table, total=None if load.total_bytes is None else 1.0, words="")
    with bar:
        while True:
            pace.add(look(load))
            bar.update(task, completed=pace.fraction or 0.0, words=pace.words())
            bar.refresh()
            await asyncio.sleep(TERMINAL_INTERVAL_S)


async def watch_plan(planner: Planner) -> None:
    """One line on stderr now and then; on a terminal it is always the same one."""
    on_terminal, began = sys.stderr.isatty(), time.monotonic()
    try:
        while True:
            await asyncio.sleep(TERMINAL_INTERVAL_S if on_terminal else PLAIN_INTERVAL_S)
            words = _plan_words(planner, time.monotonic() - began)
            start, end = ("\r\x1b[K", "") if on_terminal else ("", "\n")
            print(f"{start}{words}", end=end, file=sys.stderr, flush=True)  # noqa: T201  # a message of the command
    finally:
        if on_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201  # a message of the command


def _plan_words(planner: Planner, passed_s: float) -> str:
    """How far a plan is."""
    rows, total = f"plan: {planner.rows_read:,} rows", planner.total_bytes
    if not total or not planner.passed_bytes:
        return rows
    share = min(planner.passed_bytes / total, 1.0)
    return f"{rows} · {share:.0%} · ETA {duration(passed_s * (1.0 - share) / share)}"
