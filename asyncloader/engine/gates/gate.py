"""What every request passes before it is sent: pace, budget, how many at once."""

from __future__ import annotations

from typing import Protocol

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.values.errors import ServiceError
from asyncloader.wire.response import BatchWriteResult


class Gate(Protocol):
    """Lets requests out one after the other, and hears what became of them; `sent_at` is in seconds of the engine's clock."""

    def lets(self, batch: Batch) -> bool:
        """Let the batch out at once, if nothing holds it up; else it has to wait."""
        ...

    async def wait(self, batch: Batch) -> list[ItemRange]:
        """Wait until the batch may be sent; gives the items that were cut off from it. Raises `Stop`."""
        ...

    def answered(self, batch: Batch, answer: BatchWriteResult, sent_at: float) -> None:
        """The request was accepted, though items may have been handed back."""
        ...

    def failed(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Nothing of the request was acknowledged."""
        ...

    def shut(self) -> None:
        """Nobody waits any more: nothing will be sent."""
        ...
