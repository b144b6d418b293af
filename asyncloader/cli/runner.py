"""Running a load or a plan for the command: loop, signals, progress, result, exit code."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asyncloader import compose
from asyncloader.cancellation import end_task
from asyncloader.cli.display import Display, show_cause
from asyncloader.cli.progress import watch, watch_plan
from asyncloader.cli.startup import slim_arrow
from asyncloader.engine.loading.load import Load
from asyncloader.engine.loading.messenger import Confirm, Messenger
from asyncloader.table.aws import Aws, static_session
from asyncloader.values.errors import AsyncLoaderError, BudgetSpent, LoadFailed, LoadInterrupted
from asyncloader.values.plan import Plan
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.report import Report
from asyncloader.values.settings import AwsSettings, LoadSettings

if TYPE_CHECKING:
    from asyncloader.planning.planner import Planner

OK, REJECTED, USAGE, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130
FIRST_ITEMS = 3


def run_load(
    table: str,
    sources: list[str],
    settings: LoadSettings,
    aws: AwsSettings,
    *,
    local: bool,
    display: Display,
    confirm: Confirm | None = None,
) -> int:
    """Load and show; returns the exit code. `confirm` is asked before the table is pre-warmed."""
    load: Load | None = None
    try:
        load = Load(sources, settings, resume_command=resume_command(), messenger=Messenger(display.say, confirm))
        slim_arrow()
        report = run(_load(load, table, aws, local=local, display=display))
    except LoadFailed as error:
        if error.report is not None:
            display.show(error.report)
        display.complain(f"{_what_stopped(error)}{_how_to_go_on(error)}")
        display.complain_of_notes(error)
        return INTERRUPTED if isinstance(error, LoadInterrupted) else STOPPED
    except AsyncLoaderError as error:
        display.complain(str(error))
        display.complain_of_notes(error)
        show_cause()
        return USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        if load is None or not load.counts.requests:
            display.complain("interrupted before the first write; nothing was written")
        else:
            display.complain(
                f"interrupted at once; requests in flight may have been written or not; resume with: {resume_command()}"
            )
        if load is not None and load.restore_command:
            display.complain(f"the table's capacity is still raised; a resume sets it back, or: {load.restore_command}")
        return INTERRUPTED
    shown = display.show(report)
    if rejected := report.counts.rows_rejected:
        rows = (
            "1 row was rejected; it stands with its reason"
            if rejected == 1
            else f"{rejected:,} rows were rejected; they stand with their reasons"
        )
        display.say(f"{rows} in {report.rejects_file}")
    if not shown:
        return STOPPED
    return REJECTED if rejected else OK


def run_plan(
    sources: list[str], table: str | None, settings: PlanSettings, aws: AwsSettings, *, display: Display
) -> int:
    """Plan and show; returns the exit code. The page is the result, so it is on stdout as JSON is."""
    from asyncloader.cli.plan_page import plan_lines
    from asyncloader.planning.planner import Planner

    try:
        slim_arrow()
        plan: Plan = run(_plan(Planner(sources, settings), table, aws, display))
    except AsyncLoaderError as error:
        display.complain(str(error))
        show_cause()
        return USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        display.complain("interrupted; a plan writes nothing, so there is nothing to resume")
        return INTERRUPTED
    text = json.dumps(plan.as_dict()) if display.json else "\n".join(plan_lines(plan))
    if (display.json or not display.quiet) and not display.put(text):
        return USAGE
    return OK if plan.clean else REJECTED


async def _plan(planner: Planner, table: str | None, aws: AwsSettings, display: Display) -> Plan:
    watching = asyncio.create_task(watch_plan(planner)) if display.progress else None
    try:
        return await compose.run_plan(planner, table, aws)
    finally:
        if watching is not None:
            await end_task(watching)


async def _load(load: Load, table: str, aws_settings: AwsSettings, *, local: bool, display: Display) -> Report:
    _end_on_signals(load, display)
    if (splits := load.settings.spread.splits) > 1:
        display.say(
            f"--spread {splits}: {splits} places of the sources are read at once, and no order is kept between them; "
            "so every key is looked at first, and one that is in two of them refuses the load"
        )
    async with AsyncExitStack() as stack:
        session = None
        if local:
            aws_settings, session = await _start_local(stack, aws_settings)

        async def show_items(aws: Aws) -> None:
            if local and not display.quiet:
                await _show_first_items(aws, table, display)

        watching = asyncio.create_task(_watch(load, table, display))
        try:
            endpoint = "local" if local else None
            report = await compose.run_load(
                load, table, aws_settings, session, endpoint=endpoint, on_complete=show_items
            )
        finally:
            await end_task(watching)
            if load.moved_aside is not None:
                display.say(f"the reject file of an earlier load is kept as {load.moved_aside}")
        if report.counts.rows_read == 0:
            display.say("the sources have a header but no rows; there was nothing to load")
        return report


async def _watch(load: Load, table: str, display: Display) -> None:
    """Show progress, if it is wanted, from when there is some."""
    await load.started.wait()
    gc.freeze()  # the libraries that were imported meanwhile
    if display.progress:
        await watch(load, table)


async def _start_local(stack: AsyncExitStack, settings: AwsSettings) -> tuple[AwsSettings, Any]:
    from asyncloader.local.server import ACCESS_KEY, REGION, SECRET_KEY, serve

    server = await stack.enter_async_context(serve())
    # Nothing of the user's AWS set-up has a say here: no profile that is missing, no file that breaks off, no proxy.
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    region = settings.region or REGION
    return replace(settings, endpoint_url=server.url, region=region), static_session(ACCESS_KEY, SECRET_KEY, region)


async def _show_first_items(aws: Aws, table: str, display: Display) -> None:
    try:
        items = await aws.first_items(table, FIRST_ITEMS)
    except AsyncLoaderError as error:
        display.say(f"the first items cannot be read back: {error}")
        return
    if items:
        display.say(f"the first {len(items)} items of table {table}, read back:")
    for item in items:
        display.say(f"  {json.dumps({name: _plain(value) for name, value in item.items()}, ensure_ascii=False)}")


def _plain(value: dict[str, Any]) -> Any:
    kind, held = next(iter(value.items()))
    if kind == "M":
        return {name: _plain(member) for name, member in held.items()}
    if kind == "L":
        return [_plain(member) for member in held]
    if kind == "NULL":
        return None
    return held if isinstance(held, str | bool | list) else str(held)


def _end_on_signals(load: Load, display: Display) -> None:
    """The first signal drains and ends in good order, the second ends at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    before = 0.0

    def on_signal() -> None:
        nonlocal before
        if before:
            task.cancel()
            return
        before = time.monotonic()
        if not load.is_interruptible:
            task.cancel()
            return
        display.say("stopping; waiting for the requests in flight (press Ctrl-C again to end at once)")
        load.interrupt()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)


def _what_stopped(error: LoadFailed) -> str:
    if not isinstance(error, LoadInterrupted) or error.report is None:
        return str(error)
    written = error.report.counts.items_written
    return f"interrupted; {written:,} item{'' if written == 1 else 's'} had been written"


def _how_to_go_on(error: LoadFailed) -> str:
    if not error.resume:
        return "; nothing was written yet" if isinstance(error, BudgetSpent) else ""
    if isinstance(error, BudgetSpent) and error.larger is not None:
        return f"; resume with a larger limit: {resume_command(*error.larger)}"
    return f"; resume with: {error.resume}"


def resume_command(option: str = "", value: str = "") -> str:
    """This very command, to be typed again to go on where it stopped, with another value of one option."""
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--resume", "--restart")]
    for place, argument in enumerate(arguments):
        if option and argument == option and place + 1 < len(arguments):
            arguments[place + 1] = value
        elif option and argument.startswith(f"{option}="):
            arguments[place] = f"{option}={value}"
    return shlex.join(["asyncloader", *arguments, "--resume"])


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run on uvloop where the platform has it."""
    try:
        import uvloop

        factory: Any = uvloop.new_event_loop
    except ImportError:
        factory = None
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # requests leave no cycles behind; the usual 700 would look for them all the time
    gc.enable()
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
