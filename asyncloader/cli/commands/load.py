"""`asyncloader load`: options → settings → one call of the library."""

from __future__ import annotations

from typing import get_args

import typer

from asyncloader.cli.options import budget, capacity, dialect, ends, output, shape, spread, target
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
    table: target.TableName,
    sources: target.Sources,
    region: target.Region = None,
    profile: target.Profile = None,
    endpoint_url: target.EndpointUrl = None,
    local: target.Local = False,
    transport: target.Transport = "auto",
    workers: target.Workers = "32",
    max_wcu: capacity.MaxWcu = None,
    stop_after_wcu: budget.StopAfterWcu = None,
    stop_after_cost: budget.StopAfterCost = None,
    stop_after: budget.StopAfter = None,
    price: budget.Price = None,
    utilization: capacity.Utilization = "0.95",
    splits: spread.Splits = 1,
    shard_key: spread.ShardKeyOption = None,
    raise_wcu: capacity.RaiseWcu = None,
    prewarm: capacity.Prewarm = None,
    yes: capacity.Yes = False,
    create: shape.Create = False,
    key: shape.Key = None,
    sort_key: shape.SortKey = None,
    types: shape.Types = None,
    empty: shape.Empty = "drop",
    delimiter: dialect.Delimiter = ",",
    quote: dialect.Quote = '"',
    escape: dialect.Escape = None,
    encoding: dialect.Encoding = "utf-8",
    no_header: dialect.NoHeader = False,
    columns: dialect.Columns = None,
    skip_rows: dialect.SkipRows = 0,
    limit: dialect.Limit = None,
    rejects: ends.Rejects = None,
    max_rejects: ends.MaxRejects = None,
    journal: ends.JournalFile = None,
    resume: ends.Resume = False,
    restart: ends.Restart = False,
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
