"""The commands: options → settings → one call of the library → one result and an exit code.

Exit codes: 0 everything written, 1 some rows rejected, 2 nothing written because of how it was asked for, 3 stopped
after the first write, 130 interrupted.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import NoReturn

import typer

from asyncloader import __version__
from asyncloader.cli.commands.load import load
from asyncloader.cli.commands.local import local
from asyncloader.cli.commands.plan import plan
from asyncloader.cli.startup import without_spinning_threads
from asyncloader.values.errors import UsageError

app = typer.Typer(
    name="asyncloader",
    help="Load large CSV files into DynamoDB: fast to the limit of the table, exact, crash-safe.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asyncloader {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version and exit.", callback=_version, is_eager=True
    ),
) -> None:
    pass


app.command(no_args_is_help=True)(load)
app.command(no_args_is_help=True)(plan)
app.command()(local)


def main() -> NoReturn:
    """The entry point: whatever goes wrong is one line on stderr and an exit code."""
    _open_standard_streams()
    # What is imported from here on stays until the end; to look through it again and again would cost a tenth of a second.
    gc.disable()
    without_spinning_threads()
    code: int | None = 0
    try:
        code = app(prog_name="asyncloader", standalone_mode=False)
    except UsageError as error:
        _say(str(error))
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except Exception as error:
        # Typer's own usage errors: some of its releases bring click along, some take it from outside.
        if (format_message := getattr(error, "format_message", None)) is not None:
            if text := format_message():  # empty where the help has been shown instead
                _say(text.removesuffix(".") + _hint(error))
            sys.exit(2)
        if logging.getLogger("asyncloader").isEnabledFor(logging.DEBUG):
            raise
        _say(
            f"this should not have happened: {type(error).__name__}: {error}; --log-level debug shows where. Please report it."
        )
        code = 3
    gc.freeze()  # or the interpreter looks through everything once more before it goes, a tenth of a second for nothing
    sys.exit(code or 0)


def _open_standard_streams() -> None:
    """Give 0, 1 and 2 to the null device where the caller has closed them: the loop's own files must not take them."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # open as long as the command runs


def _say(text: str) -> None:
    print(f"asyncloader: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201  # a message of the command


def _hint(error: object) -> str:
    context = getattr(error, "ctx", None)
    return f" (see '{context.command_path} --help')" if context is not None else ""
