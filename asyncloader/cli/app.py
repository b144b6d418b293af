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
from asyncloader.cli import options
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import AttributeType, attribute_type
from asyncloader.values.settings import AwsSettings, CreateSettings, Dialect, LoadSettings, RejectLimit, TransportName

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


@app.command(no_args_is_help=True)
def load(
    table: options.TableName,
    sources: options.Sources,
    region: options.Region = None,
    profile: options.Profile = None,
    endpoint_url: options.EndpointUrl = None,
    local: options.Local = False,
    transport: options.Transport = "auto",
    workers: options.Workers = 32,
    max_wcu: options.MaxWcu = None,
    create: options.Create = False,
    key: options.Key = None,
    sort_key: options.SortKey = None,
    types: options.Types = None,
    empty: options.Empty = "drop",
    delimiter: options.Delimiter = ",",
    quote: options.Quote = '"',
    escape: options.Escape = None,
    encoding: options.Encoding = "utf-8",
    no_header: options.NoHeader = False,
    columns: options.Columns = None,
    skip_rows: options.SkipRows = 0,
    limit: options.Limit = None,
    rejects: options.Rejects = None,
    max_rejects: options.MaxRejects = None,
    journal: options.JournalFile = None,
    resume: options.Resume = False,
    restart: options.Restart = False,
    progress: options.Progress = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    log_level: options.LogLevel = "warning",
) -> None:
    """Load CSV files into a table.

    The first line of each file names its columns. Every row is written, or rejected with its line and reason, or
    superseded by a later row of the same key: the last row wins.
    """
    _set_log_level(log_level)
    if local and (endpoint_url or profile):
        raise UsageError("--local is a server of its own; it does not go with --endpoint-url or --profile")
    settings = LoadSettings(
        workers=workers,
        types=_types(types or []),
        empty=empty,  # type: ignore[arg-type]  # LoadSettings checks it
        dialect=Dialect(
            delimiter="\t" if delimiter == r"\t" else delimiter,
            quote=quote or None,
            escape=escape,
            encoding=encoding,
            header=not no_header,
            columns=_column_names(columns),
            skip_rows=skip_rows,
        ),
        limit=limit,
        create=_create(create, key, sort_key),
        rejects=rejects,
        max_rejects=None if max_rejects is None else RejectLimit.parse(max_rejects),
        max_wcu=max_wcu,
        journal=journal,
        resume=resume,
        restart=restart,
    )
    aws = AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url, transport=_transport(transport))

    from asyncloader.cli.running import Display, run_load

    show_progress = not quiet if progress is None else progress and not quiet
    raise typer.Exit(
        run_load(table, sources, settings, aws, local=local, display=Display(show_progress, quiet, as_json))
    )


@app.command()
def local(port: options.Port = 8000) -> None:
    """Run the embedded DynamoDB for other tools: AWS CLI, boto3, your tests. Ctrl-C ends it; its tables are kept."""
    from asyncloader.cli.running import run_local

    raise typer.Exit(run_local(port))


def _types(pairs: list[str]) -> dict[str, AttributeType]:
    found: dict[str, AttributeType] = {}
    for pair in pairs:
        column, sign, kind = pair.rpartition("=")
        if not sign or not column:
            raise UsageError(f"--type takes COLUMN=TYPE, for example --type price=N, not {pair!r}")
        if column in found:
            raise UsageError(f"--type names the column {column!r} twice")
        try:
            found[column] = attribute_type(kind)
        except UsageError as error:
            raise UsageError(f"--type {pair}: {error}") from None
    return found


def _column_names(text: str | None) -> tuple[str, ...]:
    return () if text is None else tuple(text.split(","))


def _create(create: bool, key: str | None, sort_key: str | None) -> CreateSettings | None:
    if not create and (key or sort_key):
        raise UsageError("--key and --sort-key describe a table to create; add --create, or leave them out")
    return CreateSettings.of(key, sort_key) if create else None


def _transport(name: str) -> TransportName:
    if name not in ("auto", "lean", "aioboto3"):
        raise UsageError(f"--transport takes auto, lean or aioboto3, not {name!r}")
    return name  # type: ignore[return-value]  # checked above


def _set_log_level(name: str) -> None:
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise UsageError(f"--log-level takes debug, info, warning or error, not {name!r}")
    logging.basicConfig(stream=sys.stderr, format="asyncloader: %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("asyncloader").setLevel(level)


def main() -> NoReturn:
    """The entry point: whatever goes wrong is one line on stderr and an exit code."""
    _open_standard_streams()
    # What is imported from here on stays until the end; to look through it again and again would cost a tenth of a second.
    gc.disable()
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
    print(f"asyncloader: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201  # the command's voice


def _hint(error: object) -> str:
    context = getattr(error, "ctx", None)
    return f" (see '{context.command_path} --help')" if context is not None else ""
