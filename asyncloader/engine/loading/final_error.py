"""What is said of a load at its end: nothing where it is complete, else the error to raise."""

from __future__ import annotations

from asyncloader.values.errors import AsyncLoaderError, BudgetSpent, LoadFailed, LoadInterrupted, UsageError
from asyncloader.values.report import Counts
from asyncloader.values.settings import RejectLimit


def final_error(
    failure: BaseException | None, *, done: bool, begun: bool, trouble: str | None, path: object
) -> BaseException | None:
    """The error, if any: `UsageError` only where nothing has `begun`, i.e. there is nothing to resume.

    `done` says that every row is settled, `trouble` that the table's capacity could not be restored, and
    `path` stands for the file that could not be written where the failure names none.
    """
    # Time may be up when everything is done already.
    if done and (failure is None or isinstance(failure, BudgetSpent)):
        return None if trouble is None else LoadFailed(f"everything is written, but {trouble}")
    if isinstance(failure, OSError):
        failure = UsageError(
            f"{failure.filename or path}: cannot be written ({failure.strerror or failure}); "
            "make room, or name another place"
        )
    elif failure is None:
        failure = LoadInterrupted("interrupted")
    if begun and isinstance(failure, AsyncLoaderError) and not isinstance(failure, LoadFailed):
        cause, failure = failure, LoadFailed(str(failure))
        failure.__cause__ = cause
    if trouble is not None:
        failure.add_note(trouble)
    return failure


def too_many_rejects(limit: RejectLimit | None, earlier: Counts, now: Counts, *, at_end: bool) -> LoadFailed | None:
    """The error to stop with when more rows are rejected than the user allows."""
    rejected, read = earlier.rows_rejected + now.rows_rejected, earlier.rows_read + now.rows_read
    if limit is None or not limit.exceeded(rejected, read, at_end=at_end):
        return None
    return LoadFailed(f"{rejected:,} of {read:,} rows were rejected, more than --max-rejects {limit} allows")
