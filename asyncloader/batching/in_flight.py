"""Items in flight: the port between the engine and what it sends, and the one registry of what is in flight.

Something is in flight from the moment it is submitted until every item of it is settled, that is acknowledged or
rejected. A request is in flight from the moment it is sent until its response, or its failure, is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from asyncloader.encode.keys import ItemKey


class InFlight(Protocol):
    """Items submitted together, numbered from 0: the rows of a block, or single puts; each is settled once.

    Whoever makes it sees to it that no key is in two requests at once: an item whose key is unsettled elsewhere is
    blocked, and returned by the `settle` that frees it.
    """

    @property
    def is_settled(self) -> bool:
        """Whether every item is acknowledged or rejected."""
        ...

    def mark_sent(self, first: int, stop: int) -> None:
        """These items are being sent: what they hold may not change any more."""
        ...

    def payload(self, first: int, stop: int) -> bytes | memoryview:
        """The requests of items `first` to `stop` as JSON, joined by commas."""
        ...

    def wire_bytes(self, first: int, stop: int) -> int:
        """The length of that JSON, with a comma for each item."""
        ...

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        """How many of these items, from `first` on, have JSON of no more than `limit_bytes`."""
        ...

    def wcu(self, first: int, stop: int) -> int:
        """What these items cost by their sizes, in WCU."""
        ...

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        ...

    def settle(self, first: int, stop: int) -> Sequence[tuple[InFlight, int]]:
        """DynamoDB has acknowledged these items; returns the items that were blocked by them and are free now."""
        ...

    def reject(self, item: int, reason: str) -> tuple[int | None, Sequence[tuple[InFlight, int]]]:
        """An item can never be stored; returns the item to send in its stead, if any, and those that are free now."""
        ...


class InFlightRegistry:
    """What one engine has in flight: blocks or put batches, requests, and the items of both.

    `requests` are sent and unanswered, `request_items` are their items. `unsettled_items` have been sent at least once
    and are neither acknowledged nor rejected: those of requests, and those that wait to be sent again.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.request_items = 0
        self.unsettled_items = 0
        self._entries: dict[int, InFlight] = {}

    def __len__(self) -> int:
        """How many blocks or put batches are in flight."""
        return len(self._entries)

    def __iter__(self) -> Iterator[InFlight]:
        """The blocks or put batches in flight, in the order in which they were submitted."""
        return iter(self._entries.values())

    def add(self, entry: InFlight) -> None:
        """A block or put batch is submitted; one that has nothing to settle, or is known already, changes nothing."""
        if not entry.is_settled:
            self._entries[id(entry)] = entry

    def remove(self, entry: InFlight) -> None:
        """A block or put batch is settled."""
        self._entries.pop(id(entry), None)

    def start_request(self, items: int) -> None:
        """A request with `items` items is sent."""
        self.requests += 1
        self.request_items += items

    def end_request(self, items: int) -> None:
        """A request with `items` items is answered, or has failed."""
        self.requests -= 1
        self.request_items -= items
