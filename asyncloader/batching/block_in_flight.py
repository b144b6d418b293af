"""Blocks in flight, and the rule that a key is never in two requests at once.

A block takes flight when it is encoded and lands when each of its items is settled: acknowledged or rejected. An
item whose key is unsettled in an earlier flight waits for exactly that item. Inside a block every key stands once
(the encoder sees to it), so all items that do not wait have different keys.

Who waits is found by hash: a table of counts by the hash's upper bits sorts out nearly every item in one gather;
what is left is looked up in each flight. Two keys of equal hash are taken for the same, which costs a wait, never a
row. Memory is bounded by the blocks in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.keys import ItemKey

_TABLE_BITS = 20
_SHIFT = np.uint64(64 - _TABLE_BITS)
_ONE = np.uint16(1)
"""Of the table's own type: `add.at` is forty times slower where it must convert."""


class InFlightBlock:
    """One block under way, and in which split: the cargo of a load."""

    __slots__ = (
        "_flights",
        "_items_by_hash",
        "awaited",
        "encoded",
        "split",
        "rejected",
        "revived",
        "settled",
        "unsettled",
        "waiters",
    )

    def __init__(self, encoded: EncodedBlock, split: int = 0) -> None:
        self.encoded = encoded
        self.split = split
        self.unsettled = len(encoded)
        self.settled = bytearray(len(encoded)) + bytearray(b"\1") * encoded.superseded
        self.waiters: dict[int, list[tuple[InFlightBlock, int]]] = {}
        self.awaited: dict[int, int] = {}
        self.rejected: list[tuple[int, str]] = []
        self.revived: set[int] = set()
        self._flights: KeyConflicts | None = None
        self._items_by_hash: npt.NDArray[np.intp] | None = None

    @property
    def landed(self) -> bool:
        """Whether every item has found its fate."""
        return self.unsettled == 0

    @property
    def superseded(self) -> int:
        """Rows that a later row of this block replaced for good."""
        return self.encoded.superseded - len(self.revived)

    @property
    def rows_rejected(self) -> int:
        """Rows that were never sent and items that were refused."""
        return len(self.encoded.bad) + len(self.rejected)

    @property
    def written(self) -> int:
        """Items acknowledged; final once landed."""
        return self.encoded.rows_read - self.rows_rejected - self.superseded - self.unsettled

    def depart(self, first: int, stop: int) -> None:
        """Nothing in a block ever changes."""

    def payload(self, first: int, stop: int) -> memoryview:
        """Items `first` to `stop` as JSON: a view."""
        return self.encoded.payload(first, stop)

    def wire_bytes(self, first: int, stop: int) -> int:
        """The length of these items' JSON."""
        offsets = self.encoded.offsets
        return int(offsets[stop] - offsets[first])

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        """How many of these items have JSON of no more than that."""
        offsets = self.encoded.offsets[first : stop + 1]
        return int(np.searchsorted(offsets, offsets[0] + limit_bytes, side="right")) - 1

    def wcu(self, first: int, stop: int) -> int:
        """What these items cost, in WCU."""
        return self.encoded.wcu(first, stop)

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        return self.encoded.item_key(item)

    def settle(self, first: int, stop: int) -> list[tuple[InFlightBlock, int]]:
        """Items `first` to `stop` are acknowledged; gives the items that were waiting for them."""
        assert self._flights is not None, "not admitted"
        return self._flights.settle(self, first, stop)

    def reject(self, item: int, reason: str) -> tuple[int | None, list[tuple[InFlightBlock, int]]]:
        """An item was refused for good: gives the item that it had replaced, if any, and the items that are free now."""
        assert self._flights is not None, "not admitted"
        return self._flights.reject(self, item, reason)

    def settled_records(self) -> int:
        """How many of the block's records, from its first on, have found their fate for good.

        A superseded row has found it only when the row that replaces it has: if that one is refused, it is sent itself.
        """
        encoded, items = self.encoded, len(self.encoded)
        open_items = np.flatnonzero(np.frombuffer(self.settled, dtype=np.uint8) == 0)
        if not len(open_items):
            return encoded.rows_read
        if encoded.superseded:
            replaced = np.flatnonzero(np.isin(encoded.hashes[items:], encoded.hashes[open_items])) + items
            open_items = np.concatenate([open_items, replaced])
        return int(open_items.min() if encoded.records is None else encoded.records[open_items].min())

    def unsettled_with(self, hashes: npt.NDArray[np.uint64]) -> list[tuple[int, int]]:
        """Pairs of (place in `hashes`, unsettled item here with that hash)."""
        ordered = self.encoded.sorted_hashes
        if ordered is None:
            ordered = self.encoded.sorted_hashes = np.sort(self.encoded.hashes)
        starts = np.searchsorted(ordered, hashes, side="left")
        hits = np.flatnonzero(ordered[np.minimum(starts, len(ordered) - 1)] == hashes)
        if not len(hits):
            return []
        if self._items_by_hash is None:
            # Only now: nearly always there is nobody to look for.
            self._items_by_hash = np.argsort(self.encoded.hashes)
        stops = np.searchsorted(ordered, hashes[hits], side="right")
        found: list[tuple[int, int]] = []
        for place, start, stop in zip(hits.tolist(), starts[hits].tolist(), stops.tolist(), strict=True):
            items = self._items_by_hash[start:stop].tolist()
            found += [(place, item) for item in items if not self.settled[item]]
        return found


class KeyConflicts:
    """All blocks under way, in the order of the file; `on_landed` hears of each one that has landed."""

    def __init__(self, on_landed: Callable[[InFlightBlock], object] = lambda _: None) -> None:
        self._on_landed = on_landed
        self._aloft: dict[int, InFlightBlock] = {}
        self._table = np.zeros(1 << _TABLE_BITS, dtype=np.uint16)

    def __len__(self) -> int:
        return len(self._aloft)

    def __iter__(self) -> Iterator[InFlightBlock]:
        return iter(self._aloft.values())

    def admit(self, flight: InFlightBlock) -> npt.NDArray[np.bool_] | None:
        """Let a block take flight; gives which of its items must wait, or None if none must."""
        hashes = flight.encoded.hashes[: len(flight.encoded)]
        buckets = (hashes >> _SHIFT).astype(np.intp)
        waits = self._held(flight, hashes, buckets) if self._aloft else None
        if flight.unsettled:
            np.add.at(self._table, buckets, _ONE)
            self._aloft[id(flight)] = flight
            flight._flights = self
        else:
            self._on_landed(flight)
        return waits

    def settle(self, flight: InFlightBlock, first: int, stop: int) -> list[tuple[InFlightBlock, int]]:
        """Items `first` to `stop` have found their fate; gives the items that were waiting for them."""
        flight.settled[first:stop] = b"\1" * (stop - first)
        flight.unsettled -= stop - first
        released: list[tuple[InFlightBlock, int]] = []
        if flight.waiters:
            for item in range(first, stop):
                for other, waiting in flight.waiters.pop(item, ()):
                    other.awaited[waiting] -= 1
                    if not other.awaited[waiting]:
                        del other.awaited[waiting]
                        released.append((other, waiting))
        if flight.unsettled == 0:
            self._land(flight)
        return released

    def reject(
        self, flight: InFlightBlock, item: int, reason: str
    ) -> tuple[int | None, list[tuple[InFlightBlock, int]]]:
        """An item was refused for good: gives the item that it had replaced, if any, and the items that are free now."""
        flight.rejected.append((item, reason))
        earlier = flight.encoded.predecessor(item) if flight.superseded else None
        if earlier is None:
            return None, self.settle(flight, item, item + 1)
        # The rows read as if the refused one had not been there: its predecessor is the last of this key.
        flight.revived.add(earlier)
        flight.settled[item], flight.settled[earlier] = 1, 0
        if item in flight.waiters:
            flight.waiters[earlier] = flight.waiters.pop(item)
        return earlier, []

    def _held(
        self, flight: InFlightBlock, hashes: npt.NDArray[np.uint64], buckets: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.bool_] | None:
        suspects = np.flatnonzero(self._table[buckets])
        if not len(suspects):
            return None
        waits: npt.NDArray[np.bool_] | None = None
        for other in self._aloft.values():
            for place, item in other.unsettled_with(hashes[suspects]):
                if waits is None:
                    waits = np.zeros(len(hashes), dtype=bool)
                mine = int(suspects[place])
                waits[mine] = True
                # For every one of them, not just the newest: two keys may share a hash.
                flight.awaited[mine] = flight.awaited.get(mine, 0) + 1
                other.waiters.setdefault(item, []).append((flight, mine))
        return waits

    def _land(self, flight: InFlightBlock) -> None:
        del self._aloft[id(flight)]
        buckets = (flight.encoded.hashes[: len(flight.encoded)] >> _SHIFT).astype(np.intp)
        np.subtract.at(self._table, buckets, _ONE)
        self._on_landed(flight)
