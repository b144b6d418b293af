"""Parcels: puts and deletes of single items, gathered until they are sent, and the rule that the last one of a key wins.

An item that has not been sent is replaced in its place by a newer one of the same key, and both share one fate. One
that has been sent is not: the newer one is held in a later parcel until the older one has found its fate. So a key is
never in two requests at once, and whatever happens to a request, the newest value is the last to be sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES, Batch, ItemRange, merge
from asyncloader.encode.item import Encoded
from asyncloader.encode.keys import ItemKey
from asyncloader.values.errors import AsyncLoaderError
from asyncloader.values.schema import WCU_BYTES
from asyncloader.values.settings import BATCH_ITEMS

_GONE = b"\1" * BATCH_ITEMS


class Sink(Protocol):
    """Who put an item, and hears of its fate exactly once."""

    def stored(self) -> None:
        """DynamoDB has acknowledged this very item, or the one that replaced it."""
        ...

    def refused(self, error: AsyncLoaderError) -> None:
        """It was rejected, or the writer has died."""
        ...


class Owner(Protocol):
    """Who gathers parcels and keeps account of them; called in the loop, must not wait."""

    def settled(self, puts: int, size_bytes: int) -> None:
        """So many puts have found their fate, whose items' JSON took so many bytes."""
        ...

    def rejected(self, parcel: PutBatch, item: int, reason: str) -> AsyncLoaderError:
        """The service refuses an item for good; gives what its sinks will hear."""
        ...

    def landed(self, parcel: PutBatch) -> None:
        """All items of a parcel have found their fate."""
        ...


class PutBatch:
    """Up to 25 items that are sent together, but for those that are held: the cargo of a writer.

    `number` counts the parcels, `opened_at` is when the first item was put, in seconds of the writer's clock.
    """

    __slots__ = (
        "_boarded",
        "_departed",
        "_heirs",
        "_held",
        "_parcels",
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

    def __init__(self, parcels: PutBatches, number: int, opened_at: float) -> None:
        self.number = number
        self.opened_at = opened_at
        self.bodies: list[bytes] = []
        self.sizes: list[int] = []
        self.places: dict[ItemKey, int] = {}
        self.sinks: list[Sink | list[Sink]] = []
        self.origins: list[Mapping[str, Any] | None] = []
        self.wire = 0
        self.unsettled = 0
        self._parcels = parcels
        self._departed = bytearray(BATCH_ITEMS)
        self._held: set[int] = set()
        self._heirs: dict[int, tuple[PutBatch, int]] = {}
        self._boarded = False

    @property
    def landed(self) -> bool:
        """Whether every item has found its fate."""
        return self.unsettled == 0

    def board(self) -> Sequence[Batch]:
        """The batches to send first; what is held comes later, when it is free."""
        self._boarded = True
        items = len(self.bodies)
        if not self._held:
            run = ItemRange(self, 0, items)
            return (Batch([run]),) if self.wire <= PAYLOAD_LIMIT_BYTES else tuple(merge([run]))
        return tuple(merge(ItemRange(self, item, item + 1) for item in range(items) if item not in self._held))

    def depart(self, first: int, stop: int) -> None:
        """These items are being sent: they are not replaced any more."""
        self._departed[first:stop] = _GONE[first:stop]

    def payload(self, first: int, stop: int) -> bytes:
        """The requests of items `first` to `stop`, joined by commas."""
        return b",".join(self.bodies[first:stop])

    def wire_bytes(self, first: int, stop: int) -> int:
        """The length of these items' JSON."""
        return sum(map(len, self.bodies[first:stop])) + stop - first

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        """How many of these items have JSON of no more than that."""
        for item in range(first, stop):
            limit_bytes -= len(self.bodies[item]) + 1
            if limit_bytes < 0:
                return item - first
        return stop - first

    def wcu(self, first: int, stop: int) -> int:
        """What these items cost: one unit for each KB begun (DYNAMODB.md, WCU)."""
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
                for each in sink:
                    each.stored()
            else:
                puts += 1
                sink.stored()  # type: ignore[union-attr]  # a list is exactly a list here
        return self._close_account(first, stop, puts)

    def reject(self, item: int, reason: str) -> tuple[None, Sequence[tuple[PutBatch, int]]]:
        """An item can never be stored, and nor can those that it replaced: they share its fate."""
        sink = self.sinks[item]
        error = self._parcels.owner.rejected(self, item, reason)
        sinks = sink if isinstance(sink, list) else [sink]
        for each in sinks:
            each.refused(error)
        return None, self._close_account(item, item + 1, len(sinks))

    def abandon(self, error: AsyncLoaderError) -> None:
        """The writer has died: whoever has not heard of the fate of an item hears of that."""
        for sink in self.sinks:
            for each in sink if isinstance(sink, list) else [sink]:
                each.refused(error)
        self.sinks.clear()

    def _close_account(self, first: int, stop: int, puts: int) -> Sequence[tuple[PutBatch, int]]:
        newest, released = self._parcels.newest, list[tuple[PutBatch, int]]()
        for key in self.places if stop - first == len(self.places) else list(self.places)[first:stop]:
            if newest[key] is self:
                del newest[key]
        for item in range(first, stop) if self._heirs else ():
            heir = self._heirs.pop(item, None)
            if heir is not None:
                other, place = heir
                other._held.discard(place)
                if other._boarded:
                    released.append(heir)
        self.unsettled -= stop - first
        self._parcels.owner.settled(puts, sum(map(len, self.bodies[first:stop])))
        if self.unsettled:
            # The others may take long: these hear nothing more, and need no memory.
            self.sinks[first:stop] = [[] for _ in range(first, stop)]
            self.bodies[first:stop] = [b""] * (stop - first)
        else:
            self._parcels.owner.landed(self)
        return released


class PutBatches:
    """What has been put and not yet found its fate, by key; `newest` is the parcel that holds the newest item of each."""

    def __init__(self, owner: Owner, *, keep_origins: bool = False) -> None:
        self.owner = owner
        self.newest: dict[ItemKey, PutBatch] = {}
        self.open: PutBatch | None = None
        self._keep_origins = keep_origins
        self._count = 0

    def begin(self, now: float) -> PutBatch:
        """Begin a parcel at `now`, in seconds."""
        self._count += 1
        parcel = self.open = PutBatch(self, self._count, now)
        return parcel

    def replace(self, encoded: Encoded, sink: Sink, origin: Mapping[str, Any] | None) -> int | None:
        """Put an item in the place of an older one that has not been sent; gives the bytes of that one.

        None if there is no such item, or no room for a longer one in its request.
        """
        body, size, key = encoded
        parcel = self.newest.get(key)
        if parcel is None:
            return None
        item = parcel.places[key]
        before = len(parcel.bodies[item])
        wire = parcel.wire + len(body) - before
        if parcel._departed[item] or (wire > PAYLOAD_LIMIT_BYTES and len(body) > before):
            return None
        parcel.wire = wire
        parcel.bodies[item], parcel.sizes[item] = body, size
        if self._keep_origins:
            parcel.origins[item] = origin
        sinks = parcel.sinks[item]
        if isinstance(sinks, list):
            sinks.append(sink)
        else:
            parcel.sinks[item] = [sinks, sink]
        return before

    def add(self, parcel: PutBatch, encoded: Encoded, sink: Sink, origin: Mapping[str, Any] | None) -> None:
        """Put an item into the open parcel; held if an older one of its key is unsettled."""
        body, size, key = encoded
        item = len(parcel.bodies)
        older = self.newest.get(key)
        if older is not None:
            older._heirs[older.places[key]] = (parcel, item)
            parcel._held.add(item)
        self.newest[key] = parcel
        parcel.places[key] = item
        parcel.bodies.append(body)
        parcel.sizes.append(size)
        parcel.sinks.append(sink)
        if self._keep_origins:
            parcel.origins.append(origin)
        parcel.wire += len(body) + 1
        parcel.unsettled += 1
