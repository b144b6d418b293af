"""The family of errors.

::

    AsyncLoaderError
    ├── UsageError               the command, an option, a file or the table is not as it must be   (exit 2)
    │   ├── SourceError          a source cannot be read: missing, a folder, empty, a bad header
    │   ├── TableError           the table is not active, or its keys do not fit the source
    │   │   └── TableMissing     there is no such table
    │   └── AccessError          no credentials, no region, refused by the service, nobody answers
    ├── LoadFailed               stopped after the first write; `report` says how far it came      (exit 3)
    │   ├── BudgetSpent          stopped in good order at a limit of its budget
    │   └── LoadInterrupted      stopped by a signal, in good order                                 (exit 130)
    ├── ItemRejected             one item can never be stored
    ├── WriterClosed             a writer that is not open any more, or not yet
    ├── WriterFull               there is no room at this moment, and the call does not wait
    └── ServiceError             what DynamoDB, or the way to it, answered instead of storing
        ├── Throttled            ask again later, slower                                            retryable
        ├── ServiceUnavailable   5xx, a broken or late answer; the write may have happened          retryable
        ├── ConnectionFailed     no connection; nothing was written                                 retryable
        ├── CredentialsRefused   an expired or unknown token; fresh credentials may help            retryable
        ├── ClockSkewed          the request's date is not the server's; its date may help          retryable
        ├── BatchRefused         something in the request breaks a rule: bisect
        └── ServiceRefused       the table is gone, access is denied: no item can be stored

A retryable error leaves the items in our hands; a `ServiceError` never reaches the user as such, the engine
turns it into a retry, a reject or a `LoadFailed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from asyncloader.values.report import Report


class AsyncLoaderError(Exception):
    """The root: every error of this package is one of these."""


class UsageError(AsyncLoaderError):
    """Nothing was written, because what was asked for cannot be done as it stands."""


class SourceError(UsageError):
    """A source cannot be read, or what it starts with is no table of rows."""


class TableError(UsageError):
    """The target table cannot take these rows."""


class TableMissing(TableError):
    """There is no such table in this region."""


class AccessError(UsageError):
    """The service cannot be reached or does not let us in."""


class LoadFailed(AsyncLoaderError):
    """The load stopped after its first write.

    `report` holds the counts up to then; `resume` the command that goes on from there, when there is one.
    """

    def __init__(self, message: str, *, report: Report | None = None, resume: str | None = None) -> None:
        super().__init__(message)
        self.report = report
        self.resume = resume


class LoadInterrupted(LoadFailed):
    """The load was stopped on request and ended in good order."""


class BudgetSpent(LoadFailed):
    """The load has used what it may use, and ended in good order.

    `larger` is the option, and a value of it, with which a resume goes on; None where the same call does.
    """

    def __init__(self, message: str, *, larger: tuple[str, str] | None = None) -> None:
        super().__init__(message)
        self.larger = larger


class ItemRejected(AsyncLoaderError):
    """One item can never be stored; `reason` says why, `key` which one."""

    def __init__(self, reason: str, *, key: object = None) -> None:
        super().__init__(reason if key is None else f"{reason} (key {key!r})")
        self.reason = reason
        self.key = key


class WriterClosed(AsyncLoaderError):
    """A `BatchWriter` is used before it is opened, after it was closed, or from another event loop."""


class WriterFull(AsyncLoaderError):
    """`put_nowait` finds no room: as many items are pending as may be, or others wait already."""


class ServiceError(AsyncLoaderError):
    """DynamoDB, or the way to it, answered something else than success.

    `code` is DynamoDB's error code or our own word for a broken connection, `request_id` is the service's. `reasons`
    are those for throttling, `resources` the ARNs that each of them is about.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 0,
        request_id: str = "",
        reasons: tuple[str, ...] = (),
        resources: tuple[str, ...] = (),
    ) -> None:
        text = f"{code}: {message}" if message else code
        super().__init__(f"{text} (request {request_id})" if request_id else text)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.reasons = reasons
        self.resources = resources


class Throttled(ServiceError):
    """The table, an index, a key range or the account has no capacity left at this moment."""

    retryable = True


class ServiceUnavailable(ServiceError):
    """A 5xx, a hang, a reset or an unreadable answer: the write may or may not have happened."""

    retryable = True


class ConnectionFailed(ServiceError):
    """No connection could be made, so nothing was sent."""

    retryable = True


class CredentialsRefused(ServiceError):
    """The token is expired or unknown; it is worth asking again with fresh credentials."""

    retryable = True


class ClockSkewed(ServiceError):
    """The signature's date is too far from the server's; `server_time` is seconds since the epoch."""

    retryable = True

    def __init__(self, code: str, message: str = "", *, server_time: float, request_id: str = "") -> None:
        super().__init__(code, message, status=400, request_id=request_id)
        self.server_time = server_time


class BatchRefused(ServiceError):
    """The request as a whole was refused for what one of its items holds."""


class ServiceRefused(ServiceError):
    """No item of this load can be stored any more: the table is gone or access is denied."""


def require(condition: bool, message: str) -> None:
    """Raises `UsageError` with this message unless the condition holds."""
    if not condition:
        raise UsageError(message)
