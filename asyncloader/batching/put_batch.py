"""Puts and deletes of single items, collected in batches until they are sent; the last one of a key wins.

An item that has not been sent is replaced by a newer one of the same key, and both share one outcome. One that has been
sent is not: the newer one is blocked in a later batch until the older one is settled. So a key is never in two requests
at once, and whatever happens to a request, the newest value is the last to be sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES, Batch, ItemRange, merge
from asyncloader.encode.item import Encoded
from asyncloader.encode.keys import ItemKey
from asyncloader.values.dynamodb import BATCH_ITEMS, WCU_BYTES
from asyncloader.values.errors import AsyncLoaderError

_SENT = b"\1" * BATCH_ITEMS


class Sink(Protocol):
    """Who put an item, and is told of its outcome exactly once."""

    def stored(self) -> None:
        """DynamoDB has acknowledged this very item, or the one that replaced it."""
        ...

    def refused(self, error: AsyncLoaderError) -> None:
        """It was rejected, or the writer has died."""
        ...


class Owner(Protocol):
    """Who collects batches and counts what is settled; called in the loop, must not wait."""

    def puts_settled(self, puts: int, size_bytes: int) -> None:
        """`puts` puts are settled, whose items' JSON took `size_bytes`."""
        ...

    def item_rejected(self, batch: PutBatch, item: int, reason: str) -> AsyncLoaderError:
        """The service refuses an item for good; returns the error for its sinks."""
        ...

    def batch_settled(self, batch: PutBatch) -> None:
        """All items of a batch are settled."""
        ...


class PutBatch:
    """Up to 25 items that are sent together, but for those that are blocked: what a `BatchWriter` has in flight.

    `number` counts the batches, `opened_at` is when the first item was put, in seconds of the writer's clock.
    """

    __slots__ = (
        "_batches",
        "_blocked",
        "_is_sent",
        "_is_submitted",
        "_successors",
        "bodies",
        "number",
        "opened_at",
        "origins",
        "places",
        "sinks",
        "sizes",
        "unsettled",
        "wire",
    )

    def __init__(self, batches: PutBatches, number: int, opened_at: float) -> None:
        self.number = number
        self.opened_at = opened_at
        self.bodies: list[bytes] = []
        self.sizes: list[int] = []
        self.places: dict[ItemKey, int] = {}
        self.sinks: list[Sink | list[Sink]] = []
        self.origins: list[Mapping[str, Any] | None] = []
        self.wire = 0
        self.unsettled = 0
        self._batches = batches
        self._is_sent = bytearray(BATCH_ITEMS)
        self._blocked: set[int] = set()
        self._successors: dict[int, tuple[PutBatch, int]] = {}
        self._is_submitted = False

    @property
    def is_settled(self) -> bool:
        """Whether every item is acknowledged or rejected."""
        return self.unsettled == 0

    def submit(self) -> Sequence[Batch]:
        """What to send first, as batches of the engine; what is blocked comes later, when it is free."""
        self._is_submitted = True
        items = len(self.bodies)
        if not self._blocked:
            item_range = ItemRange(self, 0, items)
            return (Batch([item_range]),) if self.wire <= PAYLOAD_LIMIT_BYTES else tuple(merge([item_range]))
        return tuple(merge(ItemRange(self, item, item + 1) for item in range(items) if item not in self._blocked))

    def mark_sent(self, first: int, stop: int) -> None:
        """These items are being sent: they are not replaced any more."""
        self._is_sent[first:stop] = _SENT[first:stop]

    def payload(self, first: int, stop: int) -> bytes:
        """The requests of items `first` to `stop`, joined by commas."""
        return b",".join(self.bodies[first:stop])

    def wire_bytes(self, first: int, stop: int) -> int:
        """The length of these items' JSON."""
        return sum(map(len, self.bodies[first:stop])) + stop - first

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        """How many of these items have JSON of no more than `limit_bytes`."""
        for item in range(first, stop):
            limit_bytes -= len(self.bodies[item]) + 1
            if limit_bytes < 0:
                return item - first
        return stop - first

    def wcu(self, first: int, stop: int) -> int:
        """What these items cost: one unit for each KB or part of it (docs/dynamodb.md#write-capacity)."""
        return sum([-(-size // WCU_BYTES) for size in self.sizes[first:stop]])

    def item_key(self, item: int) -> ItemKey:
        """The canonical key of one item."""
        return list(self.places)[item]

    def settle(self, first: int, stop: int) -> Sequence[tuple[PutBatch, int]]:
        """DynamoDB has acknowledged these items."""
        puts = 0
        for sink in self.sinks[first:stop]:
            if type(sink) is list:
                puts += len(sink)
                for one_sink in sink:
                    one_sink.stored()
            else:
                puts += 1
                sink.stored()  # type: ignore[union-attr]  # a list is exactly a list here
        return self._settle_items(first, stop, puts)

    def reject(self, item: int, reason: str) -> tuple[None, Sequence[tuple[PutBatch, int]]]:
        """An item can never be stored, and nor can those that it replaced: they share its outcome."""
        sink = self.sinks[item]
        error = self._batches.owner.item_rejected(self, item, reason)
        sinks = sink if isinstance(sink, list) else [sink]
        for one_sink in sinks:
            one_sink.refused(error)
        return None, self._settle_items(item, item + 1, len(sinks))

    def abandon(self, error: AsyncLoaderError) -> None:
        """The writer has died: every sink that has not been told of an outcome is told of that."""
        for sink in self.sinks:
            for one_sink in sink if isinstance(sink, list) else [sink]:
                one_sink.refused(error)
        self.sinks.clear()

    def _settle_items(self, first: int, stop: int, puts: int) -> Sequence[tuple[PutBatch, int]]:
        newest, released = self._batches.newest, list[tuple[PutBatch, int]]()
        for key in self.places if stop - first == len(self.places) else list(self.places)[first:stop]:
            if newest[key] is self:
                del newest[key]
        for item in range(first, stop) if self._successors else ():
            successor = self._successors.pop(item, None)
            if successor is not None:
                other, place = successor
                other._blocked.discard(place)
                if other._is_submitted:
                    released.append(successor)
        self.unsettled -= stop - first
        self._batches.owner.puts_settled(puts, sum(map(len, self.bodies[first:stop])))
        if self.unsettled:
            # The others may take long: these are called no more, and need no memory.
            self.sinks[first:stop] = [[] for _ in range(first, stop)]
            self.bodies[first:stop] = [b""] * (stop - first)
        else:
            self._batches.owner.batch_settled(self)
        return released


class PutBatches:
    """What has been put and is not settled yet, by key; `newest` is the batch that holds the newest item of each."""

    def __init__(self, owner: Owner, *, keep_origins: bool = False) -> None:
        self.owner = owner
        self.newest: dict[ItemKey, PutBatch] = {}
        self.open: PutBatch | None = None
        self._keep_origins = keep_origins
        self._count = 0

    def open_batch(self, now: float) -> PutBatch:
        """Open a batch at `now`, in seconds."""
        self._count += 1
        batch = self.open = PutBatch(self, self._count, now)
        return batch

    def replace(self, encoded: Encoded, sink: Sink, origin: Mapping[str, Any] | None) -> int | None:
        """Put an item in the place of an older one that has not been sent; returns the bytes of that one.

        None if there is no such item, or no room for a longer one in its request.
        """
        body, size, key = encoded
        batch = self.newest.get(key)
        if batch is None:
            return None
        item = batch.places[key]
        before = len(batch.bodies[item])
        wire = batch.wire + len(body) - before
        if batch._is_sent[item] or (wire > PAYLOAD_LIMIT_BYTES and len(body) > before):
            return None
        batch.wire = wire
        batch.bodies[item], batch.sizes[item] = body, size
        if self._keep_origins:
            batch.origins[item] = origin
        sinks = batch.sinks[item]
        if isinstance(sinks, list):
            sinks.append(sink)
        else:
            batch.sinks[item] = [sinks, sink]
        return before

    def add(self, batch: PutBatch, encoded: Encoded, sink: Sink, origin: Mapping[str, Any] | None) -> None:
        """Put an item into the open batch; blocked if an older one of its key is unsettled."""
        body, size, key = encoded
        item = len(batch.bodies)
        older = self.newest.get(key)
        if older is not None:
            older._successors[older.places[key]] = (batch, item)
            batch._blocked.add(item)
        self.newest[key] = batch
        batch.places[key] = item
        batch.bodies.append(body)
        batch.sizes.append(size)
        batch.sinks.append(sink)
        if self._keep_origins:
            batch.origins.append(origin)
        batch.wire += len(body) + 1
        batch.unsettled += 1
