"""What a plan is to suppose. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

PLAN = "Plan"

TableToDescribe = Annotated[
    str | None,
    typer.Option(
        "--table",
        metavar="T",
        help="Ask for this table's key, indexes and capacity (DescribeTable); without it nobody is asked anything.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME[:S|N|B]",
        help="Partition key, where no --table tells it.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
SortKey = Annotated[
    str | None,
    typer.Option(
        "--sort-key",
        metavar="NAME[:S|N|B]",
        help="Sort key, where no --table tells it.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
SampleOf = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="P%",
        help="Read only so much, evenly spread, and extrapolate.",
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
        help="US dollars for a million write request units; default: what the package knows of the region.",
        rich_help_panel=PLAN,
        show_default=False,
    ),
]
