"""Where the sources are loaded to, and the table to create. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

WHERE = "Where"
TABLE = "Table"

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
        help="Endpoint to use instead of AWS's own.",
        rich_help_panel=WHERE,
        show_default=False,
    ),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local",
        help="Use an embedded DynamoDB, kept in your data folder; needs no AWS account.",
        rich_help_panel=WHERE,
    ),
]
Transport = Annotated[
    str,
    typer.Option(
        "--transport",
        metavar="auto|native|aioboto3",
        help="HTTP client to use; auto: native, or aioboto3 where a proxy needs it.",
        rich_help_panel=WHERE,
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        metavar="N|auto",
        help="Number of BatchWriteItem requests in flight (1 to 1024); auto adjusts it.",
        rich_help_panel=WHERE,
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
