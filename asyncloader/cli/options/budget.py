"""What the load may use before it stops, to be resumed. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

BUDGET = "Budget"

StopAfterWcu = Annotated[
    float | None,
    typer.Option(
        "--stop-after-wcu",
        metavar="N",
        help="Stop, resumably, when the load has used N write capacity units since its first start.",
        rich_help_panel=BUDGET,
        show_default=False,
    ),
]
StopAfterCost = Annotated[
    float | None,
    typer.Option(
        "--stop-after-cost",
        metavar="X",
        help="The same by what a table on demand costs, at the price of its region where that is known, or --price.",
        rich_help_panel=BUDGET,
        show_default=False,
    ),
]
StopAfter = Annotated[
    str | None,
    typer.Option(
        "--stop-after",
        metavar="TIME",
        help="Stop, resumably, when this run has lasted so long: 90s, 30m, 1h30m.",
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
