"""What is loaded, and where to. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

WHERE = "Where"

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
        metavar="auto|native|aioboto3",
        help="The way to the table; auto takes aioboto3 behind a proxy.",
        rich_help_panel=WHERE,
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        metavar="N|auto",
        help="BatchWriteItem requests in flight (1 to 1024); auto finds out how many.",
        rich_help_panel=WHERE,
    ),
]
