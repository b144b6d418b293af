"""The sources: dialect, values, rejected rows, and the journal of a load that stops. Each option is written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FORMAT = "CSV dialect"
VALUES = "Values"
ENDS = "Rejects and resume"

Delimiter = Annotated[
    str,
    typer.Option("--delimiter", metavar="C", help=r"Character between cells; \t for a tab.", rich_help_panel=FORMAT),
]
Quote = Annotated[
    str,
    typer.Option("--quote", metavar="C", help="Character around quoted cells; '' for none.", rich_help_panel=FORMAT),
]
Escape = Annotated[
    str | None,
    typer.Option(
        "--escape",
        metavar="C",
        help="Escape character: what follows it is part of the cell.",
        rich_help_panel=FORMAT,
        show_default=False,
    ),
]
Encoding = Annotated[
    str, typer.Option("--encoding", metavar="NAME", help="Encoding of the text.", rich_help_panel=FORMAT)
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The files have no header line; needs --columns.", rich_help_panel=FORMAT)
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
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="COLUMN=TYPE",
        help="Type of a column: S, N, BOOL, NULL, B (base64), or SS, NS, BS, L, M (JSON text). Repeatable. "
        "Default S; keys as in the table.",
        rich_help_panel=VALUES,
        show_default=False,
    ),
]
Empty = Annotated[
    str,
    typer.Option(
        "--empty",
        metavar="drop|null|keep",
        help="Empty cells: leave the attribute out, store NULL, or keep an empty string.",
        rich_help_panel=VALUES,
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="File for rejected rows; default TABLE.rejects.csv.",
        rich_help_panel=ENDS,
        show_default=False,
    ),
]
MaxRejects = Annotated[
    str | None,
    typer.Option(
        "--max-rejects",
        metavar="N|N%",
        help="Stop when more than N rows, or N% of the rows, are rejected.",
        rich_help_panel=ENDS,
        show_default=False,
    ),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="File that keeps the progress until the load is complete; default TABLE-XXXXXXXX.journal.",
        rich_help_panel=ENDS,
        show_default=False,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Continue an unfinished load of these sources where it stopped.", rich_help_panel=ENDS
    ),
]
Restart = Annotated[
    bool,
    typer.Option(
        "--restart", help="Start again from the first row, even after an unfinished load.", rich_help_panel=ENDS
    ),
]
