"""`asyncloader plan`: options → settings → one call of the library."""

from __future__ import annotations

import typer

from asyncloader.cli.options import capacity, files, output
from asyncloader.cli.options import plan as planning
from asyncloader.cli.options import table as table_options
from asyncloader.cli.parse import dialect_of, types_of
from asyncloader.cli.startup import set_log_level
from asyncloader.values.plan_settings import PlanSettings, parse_sample
from asyncloader.values.schema import KeyAttribute
from asyncloader.values.settings import AwsSettings, LoadSettings, PacingSettings
from asyncloader.values.spread import ShardKey, Spread


def plan(
    sources: table_options.Sources,
    table: planning.TableToDescribe = None,
    key: planning.Key = None,
    sort_key: planning.SortKey = None,
    sample: planning.SampleOf = None,
    wcu: planning.Wcu = None,
    price: planning.Price = None,
    max_wcu: capacity.MaxWcu = None,
    utilization: capacity.Utilization = "0.95",
    shard_key: capacity.ShardKeyOption = None,
    region: table_options.Region = None,
    profile: table_options.Profile = None,
    endpoint_url: table_options.EndpointUrl = None,
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
    progress: output.Progress = None,
    quiet: output.Quiet = False,
    as_json: output.Json = False,
    log_level: output.LogLevel = "warning",
) -> None:
    """Tell what a load would do, without writing anything.

    Reads the sources as `load` does and counts: rows that would be rejected and why, write capacity with indexes,
    cost, time, hot partition keys, what each column holds; and says what to do about it. The page is the result and
    stands on stdout; the exit code is 0 where every row would be taken, 1 where some would be rejected.
    """
    set_log_level(log_level)
    settings = PlanSettings(
        load=LoadSettings(
            types=types_of(types or []),
            empty=empty,  # type: ignore[arg-type]  # LoadSettings checks it
            dialect=dialect_of(delimiter, quote, escape, encoding, no_header, columns, skip_rows),
            limit=limit,
            pacing=PacingSettings.parse(max_wcu, utilization),
            spread=Spread(shard_key=None if shard_key is None else ShardKey.parse(shard_key)),
        ),
        key=None if key is None else KeyAttribute.parse(key),
        sort_key=None if sort_key is None else KeyAttribute.parse(sort_key),
        sample=None if sample is None else parse_sample(sample),
        wcu=wcu,
        price_usd=price,
    )
    aws = AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url)

    from asyncloader.cli.display import Display
    from asyncloader.cli.runner import run_plan

    show_progress = not quiet if progress is None else progress and not quiet
    raise typer.Exit(run_plan(sources, table, settings, aws, display=Display(show_progress, quiet, as_json)))
