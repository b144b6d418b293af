"""What the server has seen: counts, acknowledged writes, and keys that were in two requests at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .table import Key
from .values import Item

# A client that drops a connection and sends the same key over another one does both in one moment, and the
# server may be told of the second first. Within this time a dropped request is not held against it.
_GRACE_S = 0.02


@dataclass(slots=True)
class Applied:
    """One write that was applied, in the order of application; no item stands for a delete."""

    key: Key
    item: Item | None
    acknowledged: bool = False


@dataclass(slots=True, eq=False)
class Ticket:
    """A request from the moment it has been read until it is answered or its connection is gone."""

    keys: list[Key] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    acknowledges: bool = False
    met_at: list[float] = field(default_factory=list)
    """When a later request came with a key of this one."""


class Ledger:
    """The server's books."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self.requests: Counter[str] = Counter()
        self.accepted: Counter[Key] = Counter()
        self.log: list[Applied] = []
        self.in_flight = 0
        self.max_in_flight = 0
        self.unprocessed_items = 0
        self.throttled_requests = 0
        self.consumed_wcu = 0
        self._monotonic = monotonic
        self._overlaps = 0
        self._open: set[Ticket] = set()
        self._holders: dict[Key, Ticket] = {}

    @property
    def overlaps(self) -> int:
        """How often a key arrived in a request while another request with it was still open."""
        return self._overlaps + sum(self._late(ticket) for ticket in list(self._open))

    def counters(self) -> dict[str, Any]:
        """All numbers as JSON can hold them."""
        return {
            "requests": dict(self.requests),
            "accepted": self.accepted.total(),
            "overlaps": self.overlaps,
            "max_in_flight": self.max_in_flight,
            "unprocessed_items": self.unprocessed_items,
            "throttled_requests": self.throttled_requests,
            "consumed_wcu": self.consumed_wcu,
        }

    def enter(self) -> Ticket:
        """A BatchWriteItem request has been read."""
        ticket = Ticket()
        self._open.add(ticket)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        return ticket

    def hold(self, ticket: Ticket, keys: Iterable[Key]) -> None:
        """The request is valid and writes these keys."""
        holders = self._holders
        for key in keys:
            if (holder := holders.get(key)) is not None:
                holder.met_at.append(self._monotonic())
            holders[key] = ticket
            ticket.keys.append(key)

    def record(self, ticket: Ticket, key: Key, item: Item | None) -> None:
        """A write of the request has been applied."""
        applied = Applied(key, item)
        self.log.append(applied)
        ticket.applied.append(applied)

    def leave(self, ticket: Ticket, *, answered: bool) -> None:
        """The request has been answered, or its connection is gone."""
        self._overlaps += len(ticket.met_at) if answered else self._late(ticket)
        self._open.discard(ticket)
        self.in_flight -= 1
        for key in ticket.keys:
            if self._holders.get(key) is ticket:
                del self._holders[key]
        if answered and ticket.acknowledges:
            for applied in ticket.applied:
                applied.acknowledged = True
                self.accepted[applied.key] += 1

    def _late(self, ticket: Ticket) -> int:
        limit = self._monotonic() - _GRACE_S
        return sum(met_at < limit for met_at in ticket.met_at)
