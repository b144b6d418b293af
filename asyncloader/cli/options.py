"""The command's options, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WHERE, TABLE, VALUES, FORMAT, ENDS, SHOW = "Where", "Table", "Values", "CSV dialect", "Rejects and resume", "Output"

TableName = Annotated[str, typer.Argument(metavar="TABLE", help="The DynamoDB table to write to.", show_default=False)]
Sources = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE...", help="CSV files: paths, globs, or - for standard input.", show_default=False),
]
Region = Annotated[
    str | None, typer.Option("--region", metavar="R", help="AWS region.", rich_help_panel=WHERE, show_default=False)
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="P", help="AWS profile.", rich_help_panel=WHERE, show_default=False)
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        metavar="URL",
        help="Another endpoint than AWS's own.",
        rich_help_panel=WHERE,
        show_default=False,
    ),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local", help="An embedded DynamoDB, kept in your data folder; no AWS account.", rich_help_panel=WHERE
    ),
]
Transport = Annotated[
    str,
    typer.Option(
        "--transport",
        metavar="auto|lean|aioboto3",
        help="The way to the table; auto takes aioboto3 behind a proxy.",
        rich_help_panel=WHERE,
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers", metavar="N", help="BatchWriteItem requests in flight (1 to 1024).", rich_help_panel=WHERE
    ),
]
MaxWcu = Annotated[
    float | None,
    typer.Option(
        "--max-wcu",
        metavar="N",
        help="Use at most N write capacity units a second.",
        rich_help_panel=WHERE,
        show_default=False,
    ),
]
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
Progress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Show progress on stderr.", rich_help_panel=SHOW, show_default=False),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.", rich_help_panel=SHOW)]
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
