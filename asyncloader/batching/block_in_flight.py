"""Blocks in flight, and the rule that a key is never in two requests at once.

An item whose key is unsettled in an earlier block is blocked by exactly that item. Inside a block every key occurs once
(the encoder sees to it), so all items that are not blocked have different keys.

Conflicts are found by hash: a table of counts by the hash's upper bits excludes nearly every item in one look-up; what
is left is looked up in each block. Two keys of equal hash are taken for the same, which costs a wait, never a row.
Memory is bounded by the blocks in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from asyncloader.batching.in_flight import InFlightRegistry
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.keys import ItemKey

_TABLE_BITS = 20
_SHIFT = np.uint64(64 - _TABLE_BITS)
_ONE = np.uint16(1)
"""Of the table's own type: `add.at` is forty times slower where it must convert."""


class InFlightBlock:
    """One encoded block in flight, and the split that it belongs to.

    `settled` has a byte for each item, 1 once it is acknowledged or rejected. `successors` are the items of later blocks
    that an item blocks, `blocked` says by how many items each of its own items is blocked. `reinstated` are items that a
    later row had replaced and that are sent after all, since the later row was refused.
    """

    __slots__ = (
        "_conflicts",
        "_items_by_hash",
        "blocked",
        "encoded",
        "reinstated",
        "rejected",
        "settled",
        "split",
        "successors",
        "unsettled",
    )

    def __init__(self, encoded: EncodedBlock, split: int = 0) -> None:
        self.encoded = encoded
        self.split = split
        self.unsettled = len(encoded)
        self.settled = bytearray(len(encoded)) + bytearray(b"\1") * encoded.superseded
        self.successors: dict[int, list[tuple[InFlightBlock, int]]] = {}
        self.blocked: dict[int, int] = {}
        self.rejected: list[tuple[int, str]] = []
        self.reinstated: set[int] = set()
        self._conflicts: KeyConflicts | None = None
        self._items_by_hash: npt.NDArray[np.intp] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether every item is acknowledged or rejected."""
        return self.unsettled == 0

    @property
    def superseded(self) -> int:
        """Rows that a later row of this block replaced for good."""
        return self.encoded.superseded - len(self.reinstated)

    @property
    def rows_rejected(self) -> int:
        """Rows that were never sent and items that were refused."""
        return len(self.encoded.bad) + len(self.rejected)

    @property
    def written(self) -> int:
        """Items acknowledged; final once all are settled."""
        return self.encoded.rows_read - self.rows_rejected - self.superseded - self.unsettled

    def mark_sent(self, first: int, stop: int) -> None:
        """Nothing in a block ever changes."""

    def payload(self, first: int, stop: int) -> memoryview:
        """Items `first` to `stop` as JSON: a view."""
        return self.encoded.payload(first, stop)

    def wire_bytes(self, first: int, stop: int) -> int:
        """The length of these items' JSON."""
        offsets = self.encoded.offsets
        return int(offsets[stop] - offsets[first])

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        """How many of these items have JSON of no more than `limit_bytes`."""
        offsets = self.encoded.offsets[first : stop + 1]
        return int(np.searchsorted(offsets, offsets[0] + limit_bytes, side="right")) - 1

    def wcu(self, first: int, stop: int) -> int:
        """What these items cost, in WCU."""
        return self.encoded.wcu(first, stop)

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        return self.encoded.item_key(item)

    def settle(self, first: int, stop: int) -> list[tuple[InFlightBlock, int]]:
        """Items `first` to `stop` are acknowledged; returns the items that were blocked by them and are free now."""
        assert self._conflicts is not None, "not submitted"
        return self._conflicts.settle(self, first, stop)

    def reject(self, item: int, reason: str) -> tuple[int | None, list[tuple[InFlightBlock, int]]]:
        """An item was refused for good; returns the item that it had replaced, if any, and the items that are free now."""
        assert self._conflicts is not None, "not submitted"
        return self._conflicts.reject(self, item, reason)

    def settled_records(self) -> int:
        """How many of the block's records, from its first on, are settled for good.

        A superseded row is settled only when the row that replaces it is: if that one is refused, it is sent itself.
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
        """Pairs of (index in `hashes`, unsettled item here with that hash)."""
        ordered = self.encoded.sorted_hashes
        if ordered is None:
            ordered = self.encoded.sorted_hashes = np.sort(self.encoded.hashes)
        starts = np.searchsorted(ordered, hashes, side="left")
        hits = np.flatnonzero(ordered[np.minimum(starts, len(ordered) - 1)] == hashes)
        if not len(hits):
            return []
        if self._items_by_hash is None:
            # Only now: nearly always there is no hash to look up.
            self._items_by_hash = np.argsort(self.encoded.hashes)
        stops = np.searchsorted(ordered, hashes[hits], side="right")
        pairs: list[tuple[int, int]] = []
        for index, start, stop in zip(hits.tolist(), starts[hits].tolist(), stops.tolist(), strict=True):
            items = self._items_by_hash[start:stop].tolist()
            pairs += [(index, item) for item in items if not self.settled[item]]
        return pairs


class KeyConflicts:
    """Which items must wait for which, over all blocks in flight; `on_settled` is called with each block that is settled.

    The blocks are kept in `in_flight`, in the order of the file: the registry of the engine that sends them.
    """

    def __init__(
        self,
        in_flight: InFlightRegistry | None = None,
        on_settled: Callable[[InFlightBlock], object] = lambda _: None,
    ) -> None:
        self._in_flight = InFlightRegistry() if in_flight is None else in_flight
        self._on_settled = on_settled
        self._table = np.zeros(1 << _TABLE_BITS, dtype=np.uint16)

    def __len__(self) -> int:
        return len(self._in_flight)

    def __iter__(self) -> Iterator[InFlightBlock]:
        return (entry for entry in self._in_flight if isinstance(entry, InFlightBlock))

    def add(self, block: InFlightBlock) -> npt.NDArray[np.bool_] | None:
        """Put a block in flight; returns which of its items are blocked, or None if none is."""
        hashes = block.encoded.hashes[: len(block.encoded)]
        buckets = (hashes >> _SHIFT).astype(np.intp)
        blocked = self._blocked(block, hashes, buckets) if self._in_flight else None
        if block.unsettled:
            np.add.at(self._table, buckets, _ONE)
            self._in_flight.add(block)
            block._conflicts = self
        else:
            self._on_settled(block)
        return blocked

    def settle(self, block: InFlightBlock, first: int, stop: int) -> list[tuple[InFlightBlock, int]]:
        """Items `first` to `stop` are settled; returns the items that were blocked by them and are free now."""
        block.settled[first:stop] = b"\1" * (stop - first)
        block.unsettled -= stop - first
        released: list[tuple[InFlightBlock, int]] = []
        if block.successors:
            for item in range(first, stop):
                for other, successor in block.successors.pop(item, ()):
                    other.blocked[successor] -= 1
                    if not other.blocked[successor]:
                        del other.blocked[successor]
                        released.append((other, successor))
        if block.unsettled == 0:
            self._remove(block)
        return released

    def reject(
        self, block: InFlightBlock, item: int, reason: str
    ) -> tuple[int | None, list[tuple[InFlightBlock, int]]]:
        """An item was refused for good; returns the item that it had replaced, if any, and the items that are free now."""
        block.rejected.append((item, reason))
        earlier = block.encoded.predecessor(item) if block.superseded else None
        if earlier is None:
            return None, self.settle(block, item, item + 1)
        # The rows read as if the refused one had not been there: its predecessor is the last of this key.
        block.reinstated.add(earlier)
        block.settled[item], block.settled[earlier] = 1, 0
        if item in block.successors:
            block.successors[earlier] = block.successors.pop(item)
        return earlier, []

    def _blocked(
        self, block: InFlightBlock, hashes: npt.NDArray[np.uint64], buckets: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.bool_] | None:
        candidates = np.flatnonzero(self._table[buckets])
        if not len(candidates):
            return None
        blocked: npt.NDArray[np.bool_] | None = None
        for other in self:
            for index, item in other.unsettled_with(hashes[candidates]):
                if blocked is None:
                    blocked = np.zeros(len(hashes), dtype=bool)
                own = int(candidates[index])
                blocked[own] = True
                # By every one of them, not just the newest: two keys may share a hash.
                block.blocked[own] = block.blocked.get(own, 0) + 1
                other.successors.setdefault(item, []).append((block, own))
        return blocked

    def _remove(self, block: InFlightBlock) -> None:
        self._in_flight.remove(block)
        buckets = (block.encoded.hashes[: len(block.encoded)] >> _SHIFT).astype(np.intp)
        np.subtract.at(self._table, buckets, _ONE)
        self._on_settled(block)
