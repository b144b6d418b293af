"""The order to end a load from inside, and why it is given."""

from __future__ import annotations

from asyncloader.values.errors import AccessError, AsyncLoaderError, LoadFailed, ServiceError


class StopEngine(Exception):  # it is an order, not an error
    """Ends the engine from inside, for the reason in `cause`."""

    def __init__(self, cause: AsyncLoaderError) -> None:
        super().__init__(str(cause))
        self.cause = cause

    @classmethod
    def because(cls, error: ServiceError, *, before_first_write: bool) -> StopEngine:
        """The service has said that no item can be stored any more, or that none ever could."""
        return cls(AccessError(_words(error)) if before_first_write else LoadFailed(_words(error)))


def _words(error: ServiceError) -> str:
    if error.code == "ResourceNotFoundException":
        return f"the table is gone: {error}"
    if error.code in ("AccessDeniedException", "AccessDenied"):
        return f"writing is not allowed: {error}; allow dynamodb:BatchWriteItem on the table"
    return f"the service refuses to go on: {error}"
