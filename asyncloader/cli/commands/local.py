"""`asyncloader local`: the embedded server for other tools."""

from __future__ import annotations

from collections.abc import Callable

import typer

from asyncloader.cli.options.output import Port
from asyncloader.values.errors import AsyncLoaderError


def local(port: Port = 8000) -> None:
    """Run the embedded DynamoDB for other tools: AWS CLI, boto3, your tests. Ctrl-C ends it; its tables are kept."""
    import asyncio

    from asyncloader.cli.display import Display
    from asyncloader.cli.runner import OK, USAGE, run

    display = Display(progress=False, quiet=False, json=False)
    try:
        run(_serve(port, display.say))
    except AsyncLoaderError as error:
        display.complain(str(error))
        raise typer.Exit(USAGE) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    raise typer.Exit(OK)


async def _serve(port: int, say: Callable[[str], None]) -> None:
    import asyncio
    import signal

    from asyncloader.local.server import serve

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(port) as server:
        lines = [f"export {name}={value}" for name, value in server.environment().items()]
        print("\n".join(lines), flush=True)  # noqa: T201  # the command's result
        say(f"DynamoDB is served at {server.url}, its tables are kept in {server.folder}; Ctrl-C ends it")
        await stop.wait()
