"""How much of the table's capacity is used, and what the load may use before it stops. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

CAPACITY = "Capacity"
BUDGET = "Budget"

MaxWcu = Annotated[
    float | None,
    typer.Option(
        "--max-wcu",
        metavar="N",
        help="Use at most N write capacity units a second.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
Utilization = Annotated[
    str,
    typer.Option(
        "--utilization",
        metavar="F|off",
        help="Use this part of the capacity that the table describes; off: only --max-wcu sets the pace.",
        rich_help_panel=CAPACITY,
    ),
]
RaiseWcu = Annotated[
    int | None,
    typer.Option(
        "--raise-wcu",
        metavar="N",
        help="Raise a provisioned table and its indexes to N WCU/s during the load, then set them back.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
Prewarm = Annotated[
    int | None,
    typer.Option(
        "--prewarm",
        metavar="N",
        help="Raise the table's warm throughput to N WCU/s for good. AWS charges once for it. Asks first.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before --prewarm.", rich_help_panel=CAPACITY)]
StopAfterWcu = Annotated[
    float | None,
    typer.Option(
        "--stop-after-wcu",
        metavar="N",
        help="Stop when the load has used N write capacity units since its first start; --resume goes on.",
        rich_help_panel=BUDGET,
        show_default=False,
    ),
]
StopAfterCost = Annotated[
    float | None,
    typer.Option(
        "--stop-after-cost",
        metavar="X",
        help="Stop when the load has cost X since its first start, by --price or the known price of the table's region.",
        rich_help_panel=BUDGET,
        show_default=False,
    ),
]
StopAfter = Annotated[
    str | None,
    typer.Option(
        "--stop-after",
        metavar="TIME",
        help="Stop after this time of this run: 90s, 30m, 1h30m; --resume goes on.",
        rich_help_panel=BUDGET,
        show_default=False,
    ),
]
Price = Annotated[
    float | None,
    typer.Option(
        "--price",
        metavar="X",
        help="Price of a million write request units, for --stop-after-cost.",
        rich_help_panel=BUDGET,
        show_default=False,
    ),
]
Splits = Annotated[
    int,
    typer.Option(
        "--spread",
        metavar="K",
        help="Read the files at K places at once, for files sorted by partition key; no order is kept between the places.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]

ShardKeyOption = Annotated[
    str | None,
    typer.Option(
        "--shard-key",
        metavar="COLUMN=N",
        help="Split each partition key in COLUMN into N, by a suffix #0 to #N-1 chosen by a hash of the sort key.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
