"""`asyncloader local`: the embedded server for other tools."""

from __future__ import annotations

import typer

from asyncloader.cli.options.local import Port


def local(port: Port = 8000) -> None:
    """Run the embedded DynamoDB for other tools: AWS CLI, boto3, your tests. Ctrl-C ends it; its tables are kept."""
    from asyncloader.cli.running import run_local

    raise typer.Exit(run_local(port))
