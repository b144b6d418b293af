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
RaiseWcu = Annotated[
    int | None,
    typer.Option(
        "--raise-wcu",
        metavar="N",
        help="Raise a provisioned table and its indexes to N for the time of the load, then set them back.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
Prewarm = Annotated[
    int | None,
    typer.Option(
        "--prewarm",
        metavar="N",
        help="Raise what the table takes at once to N, for good; AWS charges it once. Asks before.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before --prewarm.", rich_help_panel=CAPACITY)]
