"""The port between the engine and what it sends: items that travel together, whether rows of a block or single puts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from asyncloader.encode.keys import ItemKey


class InFlight(Protocol):
    """Items under way, numbered from 0; each one is settled once, when it is acknowledged or rejected.

    Whoever makes a cargo sees to it that no key is in two requests at once: an item whose key is unsettled elsewhere
    is held back, and given out by the `settle` that frees it.
    """

    @property
    def landed(self) -> bool:
        """Whether every item has found its fate."""
        ...

    def depart(self, first: int, stop: int) -> None:
        """These items are being sent: what they hold may not change any more."""
        ...

    def payload(self, first: int, stop: int) -> bytes | memoryview:
        """The requests of items `first` to `stop` as JSON, joined by commas."""
        ...

    def wire_bytes(self, first: int, stop: int) -> int:
        """The length of that JSON, with a comma for each item."""
        ...

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        """How many of these items, from `first` on, have JSON of no more than that."""
        ...

    def wcu(self, first: int, stop: int) -> int:
        """What these items cost by their sizes, in WCU."""
        ...

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        ...

    def settle(self, first: int, stop: int) -> Sequence[tuple[InFlight, int]]:
        """DynamoDB has acknowledged these items; gives those that waited for them and are free now."""
        ...

    def reject(self, item: int, reason: str) -> tuple[int | None, Sequence[tuple[InFlight, int]]]:
        """An item can never be stored: gives the one to send in its stead, if any, and those that are free now."""
        ...
