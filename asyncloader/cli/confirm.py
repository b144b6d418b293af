"""Asking people on the terminal before something that cannot be taken back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from asyncloader.values.capacity_change import Prewarming
from asyncloader.values.errors import UsageError

YES = ("y", "yes")
LINE_BYTES = 1024


def confirmation(*, reads_stdin: bool) -> Callable[[Prewarming], Awaitable[bool]]:
    """Who asks before the table is pre-warmed; raises `UsageError` where nobody can be asked."""
    if reads_stdin or not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError(
            "--prewarm cannot be taken back and is charged once, and there is no terminal to ask on; add --yes to agree"
        )
    return ask


async def ask(plan: Prewarming) -> bool:
    """Show what will happen and wait for a line; anything but yes means no, and so does the end of the input."""
    print(f"{plan}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201  # a message of the command
    return (await _line(sys.stdin.fileno())).strip().lower() in YES


async def _line(terminal: int) -> str:
    """A line of a terminal. No thread: one that waits for a line would hold up the end after Ctrl-C."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(terminal, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(terminal)
    return os.read(terminal, LINE_BYTES).decode(errors="replace")
