"""How the sources are written. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

FORMAT = "CSV dialect"

Delimiter = Annotated[
    str, typer.Option("--delimiter", metavar="C", help=r"Between cells; \t for a tab.", rich_help_panel=FORMAT)
]
Quote = Annotated[str, typer.Option("--quote", metavar="C", help="Around cells; '' for none.", rich_help_panel=FORMAT)]
Escape = Annotated[
    str | None,
    typer.Option(
        "--escape", metavar="C", help="Before a character meant as it is.", rich_help_panel=FORMAT, show_default=False
    ),
]
Encoding = Annotated[
    str, typer.Option("--encoding", metavar="NAME", help="Encoding of the text.", rich_help_panel=FORMAT)
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The first line is a row; needs --columns.", rich_help_panel=FORMAT)
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="a,b,c", help="Names of the columns.", rich_help_panel=FORMAT, show_default=False
    ),
]
SkipRows = Annotated[
    int, typer.Option("--skip-rows", metavar="N", help="Lines to skip before the header.", rich_help_panel=FORMAT)
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", help="Load only the first N rows.", rich_help_panel=FORMAT, show_default=False
    ),
]
