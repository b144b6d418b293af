"""What a plan supposes. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

PLAN = "Plan"

TableToDescribe = Annotated[
    str | None,
    typer.Option(
        "--table",
        metavar="T",
        help="Take key, indexes and capacity from this table (DescribeTable); without it, no request is sent.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME[:S|N|B]",
        help="Partition key, if there is no --table.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
SortKey = Annotated[
    str | None,
    typer.Option(
        "--sort-key",
        metavar="NAME[:S|N|B]",
        help="Sort key, if there is no --table.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
SampleOf = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="P%",
        help="Read only P% of the files, evenly spread, and extrapolate.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
Wcu = Annotated[
    float | None,
    typer.Option(
        "--wcu",
        metavar="N",
        help="Plan for a table provisioned with N write capacity units.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
Price = Annotated[
    float | None,
    typer.Option(
        "--price",
        metavar="X",
        help="US dollars for a million write request units; default: the region's price, as this version knows it.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
