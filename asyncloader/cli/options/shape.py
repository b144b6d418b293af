"""The table to create, and what the values in it are. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

TABLE = "Table"
VALUES = "Values"

Create = Annotated[
    bool, typer.Option("--create", help="Create the table, on demand, if it is missing.", rich_help_panel=TABLE)
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="NAME[:S|N|B]",
        help="Partition key of the table to create.",
        rich_help_panel=TABLE,
        show_default=False,
    ),
]
SortKey = Annotated[
    str | None,
    typer.Option(
        "--sort-key",
        metavar="NAME[:S|N|B]",
        help="Sort key of the table to create.",
        rich_help_panel=TABLE,
        show_default=False,
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="COLUMN=TYPE",
        help="S, N, BOOL, NULL, B (base64), or JSON text as SS, NS, BS, L, M; repeatable. Default S, keys as the table says.",
        rich_help_panel=VALUES,
        show_default=False,
    ),
]
Empty = Annotated[
    str, typer.Option("--empty", metavar="drop|null|keep", help="What becomes of empty cells.", rich_help_panel=VALUES)
]
