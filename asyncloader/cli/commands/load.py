"""`asyncloader load`: options → settings → one call of the library."""

from __future__ import annotations

from typing import get_args

import typer

from asyncloader.cli.options import capacity, files, output
from asyncloader.cli.options import table as table_options
from asyncloader.cli.parse import dialect_of, types_of
from asyncloader.cli.startup import set_log_level, without_default_certificates
from asyncloader.values.budget import Budget
from asyncloader.values.capacity_change import CapacitySettings
from asyncloader.values.errors import UsageError
from asyncloader.values.settings import (
    AwsSettings,
    CreateSettings,
    LoadSettings,
    PacingSettings,
    RejectLimit,
    TransportName,
    read_workers,
)
from asyncloader.values.spread import ShardKey, Spread


def load(
    table: table_options.TableName,
    sources: table_options.Sources,
    region: table_options.Region = None,
    profile: table_options.Profile = None,
    endpoint_url: table_options.EndpointUrl = None,
    local: table_options.Local = False,
    transport: table_options.Transport = "auto",
    workers: table_options.Workers = "32",
    max_wcu: capacity.MaxWcu = None,
    stop_after_wcu: capacity.StopAfterWcu = None,
    stop_after_cost: capacity.StopAfterCost = None,
    stop_after: capacity.StopAfter = None,
    price: capacity.Price = None,
    utilization: capacity.Utilization = "0.95",
    splits: capacity.Splits = 1,
    shard_key: capacity.ShardKeyOption = None,
    raise_wcu: capacity.RaiseWcu = None,
    prewarm: capacity.Prewarm = None,
    yes: capacity.Yes = False,
    create: table_options.Create = False,
    key: table_options.Key = None,
    sort_key: table_options.SortKey = None,
    types: files.Types = None,
    empty: files.Empty = "drop",
    delimiter: files.Delimiter = ",",
    quote: files.Quote = '"',
    escape: files.Escape = None,
    encoding: files.Encoding = "utf-8",
    no_header: files.NoHeader = False,
    columns: files.Columns = None,
    skip_rows: files.SkipRows = 0,
    limit: files.Limit = None,
    rejects: files.Rejects = None,
    max_rejects: files.MaxRejects = None,
    journal: files.JournalFile = None,
    resume: files.Resume = False,
    restart: files.Restart = False,
    progress: output.Progress = None,
    quiet: output.Quiet = False,
    as_json: output.Json = False,
    log_level: output.LogLevel = "warning",
) -> None:
    """Load CSV files into a table.

    The first line of each file names its columns. Every row is written, or rejected with its line and reason, or
    superseded by a later row of the same key: the last row wins.
    """
    set_log_level(log_level)
    if local and (endpoint_url or profile):
        raise UsageError("--local is a server of its own; it does not go with --endpoint-url or --profile")
    most, auto = read_workers(workers)
    settings = LoadSettings(
        workers=most,
        auto_workers=auto,
        types=types_of(types or []),
        empty=empty,  # type: ignore[arg-type]  # LoadSettings checks it
        dialect=dialect_of(delimiter, quote, escape, encoding, no_header, columns, skip_rows),
        limit=limit,
        create=_create(create, key, sort_key),
        rejects=rejects,
        max_rejects=None if max_rejects is None else RejectLimit.parse(max_rejects),
        budget=Budget.of(stop_after_wcu, stop_after_cost, stop_after, price),
        pacing=PacingSettings.parse(max_wcu, "off" if local else utilization),
        spread=Spread(splits, None if shard_key is None else ShardKey.parse(shard_key)),
        change=CapacitySettings(raise_wcu, prewarm),
        journal=journal,
        resume=resume,
        restart=restart,
    )
    aws = AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url, transport=_transport(transport))

    from asyncloader.cli.confirm import confirmation

    with without_default_certificates():
        from asyncloader.cli.display import Display
        from asyncloader.cli.runner import run_load

    confirm = None if yes or prewarm is None else confirmation(reads_stdin="-" in sources)

    show_progress = not quiet if progress is None else progress and not quiet
    display = Display(show_progress, quiet, as_json)
    raise typer.Exit(run_load(table, sources, settings, aws, local=local, display=display, confirm=confirm))


def _create(create: bool, key: str | None, sort_key: str | None) -> CreateSettings | None:
    if not create and (key or sort_key):
        raise UsageError("--key and --sort-key describe a table to create; add --create, or leave them out")
    return CreateSettings.of(key, sort_key) if create else None


def _transport(name: str) -> TransportName:
    if name not in get_args(TransportName):
        raise UsageError(f"--transport takes auto, native or aioboto3, not {name!r}")
    return name  # type: ignore[return-value]  # checked above
