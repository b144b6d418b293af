"""Load large CSV files into DynamoDB: fast to the limit of the table, exact, crash-safe.

    report = await asyncloader.load("people", "people.csv", region="eu-west-1", workers=32)

Heavy parts are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncloader.values.errors import (
    AccessError,
    AsyncLoaderError,
    BudgetSpent,
    ItemRejected,
    LoadFailed,
    LoadInterrupted,
    SourceError,
    TableError,
    UsageError,
)
from asyncloader.values.report import Counts, Report

if TYPE_CHECKING:
    from asyncloader.api import load

__version__ = "0.1.0"

__all__ = [
    # doing
    "load",
    # results
    "Counts",
    "Report",
    # errors
    "AccessError",
    "AsyncLoaderError",
    "BudgetSpent",
    "ItemRejected",
    "LoadFailed",
    "LoadInterrupted",
    "SourceError",
    "TableError",
    "UsageError",
    # the release
    "__version__",
]


def __getattr__(name: str) -> object:
    if name == "load":
        from asyncloader.api import load

        return load
    raise AttributeError(f"module 'asyncloader' has no attribute {name!r}")
