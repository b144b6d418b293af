"""Running a load for the command: loop, signals, progress, result, exit code."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from asyncloader.api import execute
from asyncloader.cli import result
from asyncloader.cli.progress import watch
from asyncloader.cli.startup import slim_arrow
from asyncloader.engine.loading.load import Load
from asyncloader.engine.loading.messenger import Confirm, Messenger
from asyncloader.table.aws import Aws, connect, static_session
from asyncloader.values.errors import AsyncLoaderError, BudgetSpent, LoadFailed, LoadInterrupted
from asyncloader.values.report import Report
from asyncloader.values.settings import AwsSettings, LoadSettings

OK, REJECTED, USAGE, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130
FIRST_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Display:
    """What the command shows: progress and the table of results on stderr, the JSON result on stdout."""

    progress: bool
    quiet: bool
    json: bool

    def say(self, text: str) -> None:
        """One line for people."""
        if not self.quiet:
            print(text, file=sys.stderr)  # noqa: T201  # the command's voice

    def complain(self, text: str) -> None:
        """One line about what went wrong, shown even when quiet."""
        print(f"asyncloader: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201  # the command's voice

    def complain_of_notes(self, error: BaseException) -> None:
        """What else went wrong, a line each."""
        for note in getattr(error, "__notes__", ()):
            self.complain(note)

    def show(self, report: Report) -> bool:
        """The result; false if it could not be written to stdout."""
        written = not self.json or self.put(json.dumps(report.as_dict()))
        if not self.quiet:
            result.show(report)
        return written

    def put(self, text: str) -> bool:
        """The result on stdout. Where its reader has gone away, the exit code alone says how it went."""
        try:
            print(text, flush=True)  # noqa: T201  # the command's result
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):
                self.complain(f"the result cannot be written to stdout ({error.strerror}): {text}")
                return False
        return True


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
    """Load and show; gives the exit code. `confirm` is asked before the table is pre-warmed."""
    running: Load | None = None
    try:
        running = Load(sources, settings, resume_command=resume_command(), voice=Messenger(display.say, confirm))
        slim_arrow()
        report = run(_load(running, table, aws, local=local, display=display))
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
        if running is None or not running.counts.requests:
            display.complain("interrupted before the first write; nothing was written")
        else:
            display.complain(
                f"interrupted at once; requests in flight may have been written or not; resume with: {resume_command()}"
            )
        if running is not None and running.set_back_by_hand:
            display.complain(
                f"the table's capacity is still raised; a resume sets it back, or: {running.set_back_by_hand}"
            )
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


def run_local(port: int) -> int:
    """Run the embedded server until Ctrl-C."""
    try:
        run(_local(port))
    except AsyncLoaderError as error:
        Display(False, False, False).complain(str(error))
        return USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    return OK


async def _load(running: Load, table: str, aws_settings: AwsSettings, *, local: bool, display: Display) -> Report:
    _end_on_signals(running, display)
    await running.prepare()
    if (splits := running.settings.spread.splits) > 1:
        display.say(
            f"--spread {splits}: {splits} places of the sources are read at once, and no order is kept between them; "
            "so every key is looked at first, and one that stands in two of them refuses the load"
        )
    async with AsyncExitStack() as open_:
        session = None
        if local:
            aws_settings, session = await _start_local(open_, aws_settings)
        aws = await open_.enter_async_context(connect(aws_settings, session))
        gc.freeze()  # the libraries that came in meanwhile
        watching = asyncio.create_task(watch(running, table)) if display.progress else None
        try:
            endpoint = "local" if local else None
            report = await execute(running, aws, table, aws_settings.transport, endpoint=endpoint)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.wait([watching])
            if running.moved_aside is not None:
                display.say(f"the reject file of an earlier load is kept as {running.moved_aside}")
        if report.counts.rows_read == 0:
            display.say("the sources have a header but no rows; there was nothing to load")
        if local and not display.quiet:
            await _show_first_items(aws, table, display)
        return report


async def _start_local(open_: AsyncExitStack, settings: AwsSettings) -> tuple[AwsSettings, Any]:
    from asyncloader.local.server import ACCESS_KEY, REGION, SECRET_KEY, serve

    server = await open_.enter_async_context(serve())
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


async def _local(port: int) -> None:
    from asyncloader.local.server import serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(port) as server:
        lines = [f"export {name}={value}" for name, value in server.environment().items()]
        print("\n".join(lines), flush=True)  # noqa: T201  # the command's result
        Display(False, False, False).say(
            f"DynamoDB is served at {server.url}, its tables are kept in {server.folder}; Ctrl-C ends it"
        )
        await stop.wait()


def _end_on_signals(running: Load, display: Display) -> None:
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
        if not running.is_under_way:
            task.cancel()
            return
        display.say("stopping; waiting for the requests in flight (press Ctrl-C again to end at once)")
        running.interrupt()

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


def show_cause() -> None:
    log = logging.getLogger("asyncloader")
    if log.isEnabledFor(logging.DEBUG):
        log.debug("the cause:", exc_info=True)


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
