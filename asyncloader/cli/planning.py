"""Running a plan for the command: signals, progress, the page or the JSON object on stdout, exit code."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from asyncloader.api import survey
from asyncloader.cli import plan_page
from asyncloader.cli.progress import PLAIN_INTERVAL_S, TERMINAL_INTERVAL_S
from asyncloader.cli.result import duration
from asyncloader.cli.running import INTERRUPTED, OK, REJECTED, USAGE, Display, run, show_cause
from asyncloader.cli.startup import slim_arrow
from asyncloader.planning.planner import Planner
from asyncloader.values.errors import AsyncLoaderError
from asyncloader.values.plan import Plan
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.settings import AwsSettings


def run_plan(
    sources: list[str], table: str | None, settings: PlanSettings, aws: AwsSettings, *, display: Display
) -> int:
    """Plan and show; gives the exit code. The page stands on stdout, since it is the result, as JSON does."""
    try:
        slim_arrow()
        told: Plan = run(_plan(Planner(sources, settings), table, aws, display))
    except AsyncLoaderError as error:
        display.complain(str(error))
        show_cause()
        return USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        display.complain("interrupted; a plan writes nothing, so there is nothing to resume")
        return INTERRUPTED
    text = json.dumps(told.as_dict()) if display.json else "\n".join(plan_page.plan_lines(told))
    if (display.json or not display.quiet) and not display.put(text):
        return USAGE
    return OK if told.clean else REJECTED


async def _plan(running: Planner, table: str | None, aws: AwsSettings, display: Display) -> Plan:
    watching = asyncio.create_task(_watch(running)) if display.progress else None
    try:
        return await survey(running, table, aws)
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])


async def _watch(running: Planner) -> None:
    """One line on stderr now and then; on a terminal it is always the same one."""
    on_terminal, began = sys.stderr.isatty(), time.monotonic()
    try:
        while True:
            await asyncio.sleep(TERMINAL_INTERVAL_S if on_terminal else PLAIN_INTERVAL_S)
            words = _words(running, time.monotonic() - began)
            begin, end = ("\r\x1b[K", "") if on_terminal else ("", "\n")
            print(f"{begin}{words}", end=end, file=sys.stderr, flush=True)  # noqa: T201  # the command's voice
    finally:
        if on_terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201  # the command's voice


def _words(running: Planner, passed_s: float) -> str:
    """How far a survey is."""
    rows, total = f"plan: {running.rows_read:,} rows", running.total_bytes
    if not total or not running.passed_bytes:
        return rows
    share = min(running.passed_bytes / total, 1.0)
    return f"{rows} · {share:.0%} · ETA {duration(passed_s * (1.0 - share) / share)}"
