"""What the command shows, and the port of the embedded server. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

SHOW = "Output"

Progress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Show progress on stderr.", rich_help_panel=SHOW, show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show only errors.", rich_help_panel=SHOW)]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as one JSON object on stdout.", rich_help_panel=SHOW)
]
LogLevel = Annotated[
    str,
    typer.Option(
        "--log-level",
        metavar="LEVEL",
        help="debug, info, warning or error; debug also shows tracebacks.",
        rich_help_panel=SHOW,
    ),
]
Port = Annotated[int, typer.Option("--port", metavar="N", help="Port on 127.0.0.1; 0 takes a free one.")]
