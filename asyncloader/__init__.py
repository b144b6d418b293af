"""Load large CSV files into DynamoDB: fast to the limit of the table, exact, crash-safe.

    report = await asyncloader.load("people", "people.csv", region="eu-west-1", workers=32)

Heavy parts are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
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
    WriterClosed,
    WriterFull,
)
from asyncloader.values.report import Counts, Report

if TYPE_CHECKING:
    from asyncloader.api import load, plan
    from asyncloader.engine.writing.ack import Ack, Receipt
    from asyncloader.values.dialect import Dialect
    from asyncloader.values.hooks import BatchSent, OnBatch, OnReject, OnRetry, Rejection, Retry
    from asyncloader.values.plan import Plan
    from asyncloader.values.report import Stats
    from asyncloader.values.settings import RetrySettings
    from asyncloader.writer import BatchWriter

__version__ = "0.1.0"

__all__ = [
    # doing
    "BatchWriter",
    "load",
    "plan",
    # settings
    "Dialect",
    "RetrySettings",
    # results
    "Ack",
    "Counts",
    "Plan",
    "Receipt",
    "Report",
    "Stats",
    # hooks
    "BatchSent",
    "OnBatch",
    "OnReject",
    "OnRetry",
    "Rejection",
    "Retry",
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
    "WriterClosed",
    "WriterFull",
    # the release
    "__version__",
]


_LATER = {
    "BatchWriter": "asyncloader.writer",
    "load": "asyncloader.api",
    "plan": "asyncloader.api",
    "Dialect": "asyncloader.values.dialect",
    "RetrySettings": "asyncloader.values.settings",
    "Ack": "asyncloader.engine.writing.ack",
    "Plan": "asyncloader.values.plan",
    "Receipt": "asyncloader.engine.writing.ack",
    "Stats": "asyncloader.values.report",
    **dict.fromkeys(("BatchSent", "OnBatch", "OnReject", "OnRetry", "Rejection", "Retry"), "asyncloader.values.hooks"),
}
"""Where the names are that are imported when they are first used."""


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'asyncloader' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
