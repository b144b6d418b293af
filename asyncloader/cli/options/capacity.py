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
