"""How much of the table's capacity is used. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

CAPACITY = "Capacity"

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
        help="Use that part of the table's described capacity; off: no pace but --max-wcu.",
        rich_help_panel=CAPACITY,
    ),
]
