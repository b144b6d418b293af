"""What becomes of rejected rows, and of a load that stops. Each option is written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ENDS = "Rejects and resume"

Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Where rejected rows go; default TABLE.rejects.csv.",
        rich_help_panel=ENDS,
        show_default=False,
    ),
]
MaxRejects = Annotated[
    str | None,
    typer.Option(
        "--max-rejects",
        metavar="N|N%",
        help="Stop when more rows than that are rejected.",
        rich_help_panel=ENDS,
        show_default=False,
    ),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="Where progress is kept until the load is complete; default TABLE-XXXXXXXX.journal.",
        rich_help_panel=ENDS,
        show_default=False,
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on where an unfinished load of these sources stopped.", rich_help_panel=ENDS),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew, whatever an unfinished load left.", rich_help_panel=ENDS)
]
