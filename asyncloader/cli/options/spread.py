"""How the writes are spread over the table's partitions. Each option is written once."""

from __future__ import annotations

from typing import Annotated

import typer

from asyncloader.cli.options.capacity import CAPACITY

Splits = Annotated[
    int,
    typer.Option(
        "--spread",
        metavar="K",
        help="Read K places of the files at once, for files sorted by partition key; no order is kept between them.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]

ShardKeyOption = Annotated[
    str | None,
    typer.Option(
        "--shard-key",
        metavar="COLUMN=N",
        help="Split each partition key into N by a suffix #0 to #N-1, chosen by a hash of the sort key.",
        rich_help_panel=CAPACITY,
        show_default=False,
    ),
]
