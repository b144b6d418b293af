"""The intake of a writer: from single puts to cargo for the engine, and from its answers to acknowledgements.

The order of events for a put: it is encoded and checked; it waits for room; it takes the place of an older item of its
key, or goes into the open parcel. A parcel closes when it is full, when its first item has lingered long enough, when
a put must wait for room, or at a flush, and the feeder submits it to the engine. When DynamoDB has acknowledged an
item its room is given back and its ack is done. When the engine ends for whatever reason, everybody who waits here
hears of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES
from asyncloader.batching.put_batch import PutBatch, PutBatches
from asyncloader.encode.item import Encoded, ItemEncoder
from asyncloader.engine.engine import Engine
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.stop import StopEngine
from asyncloader.engine.writing.ack import Ack, Receipt, UnretrievedRejections
from asyncloader.engine.writing.pending_limit import PendingLimit
from asyncloader.pacing.latency import LatencyHistogram
from asyncloader.pacing.pacer import pacer_for
from asyncloader.values.errors import AsyncLoaderError, ItemRejected, LoadFailed, WriterClosed
from asyncloader.values.hooks import Rejection
from asyncloader.values.report import Counts, Stats
from asyncloader.values.schema import Table
from asyncloader.values.settings import BATCH_ITEMS, WriterSettings
from asyncloader.wire.transport import TransportFactory

log = logging.getLogger("asyncloader")


class Accumulator:
    """Takes puts in one event loop; `run` is the task that stores them, until `close`, `abort` or a failure."""

    def __init__(
        self,
        gateway: TransportFactory,
        table: Table,
        settings: WriterSettings,
        hooks: Hooks | None = None,
        serializer: Callable[[Any], Mapping[str, Any]] | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        encoder = self._encoder = ItemEncoder(table, raw=settings.raw)
        self.encode: Callable[[Any], Encoded] = encoder.put if serializer is None else self._serialized
        self.encode_delete = encoder.delete
        self.room = PendingLimit(settings.max_pending_items, settings.max_pending_bytes, self._close_open)
        self.counts = Counts()
        self.unheard = UnretrievedRejections()
        self.failure: LoadFailed | None = None
        self.is_closing = False
        self.is_shut = False
        self._table = table
        self._serializer = serializer
        self._linger_s = settings.linger_s
        self._hooks = hooks or Hooks()
        self._now = now
        self._engine = Engine(
            gateway,
            table,
            workers=settings.workers,
            retry=settings.retry,
            counts=self.counts,
            pacer=pacer_for(table, settings.pacing, workers=settings.workers, now=now()),
            hooks=self._hooks,
            now=now,
        )
        self._parcels = PutBatches(self, keep_origins=self._hooks.on_reject is not None)
        self._aloft: dict[int, PutBatch] = {}
        self._closed: deque[PutBatch] = deque()
        self._fed = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._latencies = LatencyHistogram()

    # Putting. Nothing here waits, but for `until_room`.

    def check_open(self) -> None:
        """Raises `WriterClosed` or `LoadFailed` unless items can be put."""
        if self.failure is not None:
            raise self.failure
        if self.is_closing:
            raise WriterClosed("the writer is closed; nothing can be put any more")

    def _serialized(self, item: Any) -> Encoded:
        assert self._serializer is not None
        try:
            plain = self._serializer(item)
        except Exception as error:
            raise ItemRejected(f"the serializer failed: {error!r}") from error
        return self._encoder.put(plain)

    async def until_room(self, encoded: Encoded) -> None:
        """Take room for an item, waiting for it; whoever is cancelled here has not queued it."""
        try:
            await self.room.take(len(encoded[0]))
        except asyncio.CancelledError as cancelled:
            cancelled.add_note("asyncloader: this put was cancelled before its item was queued; it will not be stored")
            raise
        # Closed between the moment in which the room was granted and this one.
        if self.is_shut:
            self.room.give_back(1, len(encoded[0]))
            self.check_open()

    def add(self, encoded: Encoded, sink: Ack | Receipt, origin: Mapping[str, Any] | None) -> None:
        """Queue an item for which there is room."""
        counts = self.counts
        counts.rows_read += 1
        parcels = self._parcels
        if encoded[2] in parcels.newest:
            before = parcels.replace(encoded, sink, origin)
            if before is not None:
                counts.rows_superseded += 1
                self.room.give_back(0, before)
                return
        parcel = parcels.open
        if parcel is not None and parcel.wire + len(encoded[0]) >= PAYLOAD_LIMIT_BYTES:
            self._close_parcel(parcel)
            parcel = None
        if parcel is None:
            parcel = self._begin_parcel()
        parcels.add(parcel, encoded, sink, origin)
        if len(parcel.bodies) == BATCH_ITEMS:
            self._close_parcel(parcel)

    def reject(self, error: ItemRejected, sink: Ack | Receipt, origin: Any) -> None:
        """An item cannot be sent: its ack says so."""
        self.counts.rows_read += 1
        self.counts.rows_rejected += 1
        self._tell_of_rejection(error, origin)
        self.unheard.add(error, sink)
        sink.refused(error)

    def _begin_parcel(self) -> PutBatch:
        now = self._now()
        parcel = self._parcels.begin(now)
        self._aloft[parcel.number] = parcel
        if self._linger is None:
            self._linger = self.loop.call_later(self._linger_s, self._stop_lingering)
        return parcel

    def _stop_lingering(self) -> None:
        # One timer that looks again, not one for each parcel.
        self._linger = None
        parcel = self._parcels.open
        if parcel is None:
            return
        left_s = parcel.opened_at + self._linger_s - self._now()
        if left_s > 0.0005:
            self._linger = self.loop.call_later(left_s, self._stop_lingering)
        else:
            self._close_parcel(parcel)

    def _close_open(self) -> None:
        """Send what there is: nothing more will come, or somebody waits for room."""
        if self._parcels.open is not None:
            self._close_parcel(self._parcels.open)

    def _close_parcel(self, parcel: PutBatch) -> None:
        self._parcels.open = None
        self._closed.append(parcel)
        self._fed.set()

    # What parcels call.

    def settled(self, puts: int, size_bytes: int) -> None:
        self.room.give_back(puts, size_bytes)

    def landed(self, parcel: PutBatch) -> None:
        del self._aloft[parcel.number]
        now = self._now()
        self._latencies.add(now - parcel.opened_at, len(parcel.bodies), now)
        if self._flushes:
            oldest = next(iter(self._aloft), None)
            for number, flushed in self._flushes:
                if (oldest is None or oldest > number) and not flushed.done():
                    flushed.set_result(None)

    def rejected(self, parcel: PutBatch, item: int, reason: str) -> ItemRejected:
        names = [each.name for each in self._table.key]
        error = ItemRejected(reason, key=dict(zip(names, parcel.item_key(item), strict=True)))
        sinks = parcel.sinks[item]
        for sink in sinks if isinstance(sinks, list) else [sinks]:
            assert isinstance(sink, Ack | Receipt)
            self.unheard.add(error, sink)
        self._tell_of_rejection(error, parcel.origins[item] if parcel.origins else None)
        return error

    def _tell_of_rejection(self, error: ItemRejected, origin: Any) -> None:
        if self._hooks.on_reject is not None:
            key = error.key if isinstance(error.key, Mapping) else None
            self._hooks.rejected(Rejection(self._table.name, error.reason, key, origin))

    # Flushing and ending.

    async def flush(self) -> None:
        """Wait until everything that was put before has found its fate; a cancelled flush changes nothing."""
        if self.failure is not None:
            raise self.failure
        self._close_open()
        if not self._aloft:
            return
        flushed: asyncio.Future[None] = self.loop.create_future()
        waiting = (max(self._aloft), flushed)
        self._flushes.append(waiting)
        try:
            await flushed
        finally:
            self._flushes.remove(waiting)

    def close(self) -> None:
        """Take nothing more; `run` ends when everything is settled."""
        self.is_closing = self.is_shut = True
        self.room.fail(WriterClosed("the writer was closed while this put waited for room; its item was not queued"))
        self._close_open()
        self._fed.set()

    async def run(self) -> None:
        """Store what is put; raises nothing but cancellation: `failure` says why it ended before its time."""
        try:
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(self._feed(), name="feeder")
                try:
                    await self._engine.run()
                except StopEngine as stop:
                    self._fail(LoadFailed(str(stop.cause)), stop.cause)
                finally:
                    feeding.cancel()
        except asyncio.CancelledError:
            self._fail(LoadFailed("the writer was aborted; what was pending may be stored or not"), None)
            raise
        except (Exception, BaseExceptionGroup) as error:
            log.exception("the writer has failed")
            self._fail(LoadFailed(f"the writer has failed: {error!r}"), error)
        finally:
            self.end()

    def end(self) -> None:
        """Nothing will be stored any more: whoever still waits hears of it."""
        self.is_closing = self.is_shut = True
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._aloft or self._flushes or self.room.waiting:
            self._fail(LoadFailed("the writer was aborted; what was pending may be stored or not"), None)

    def _fail(self, failure: LoadFailed, cause: BaseException | None) -> None:
        if self.failure is None:
            failure.__cause__ = cause
            self.failure = failure
            self.is_shut = True
        error: AsyncLoaderError = self.failure
        self.room.fail(error)
        for parcel in list(self._aloft.values()):
            parcel.abandon(error)
        self._aloft.clear()
        for _, flushed in self._flushes:
            if not flushed.done():
                flushed.set_exception(error)

    async def _feed(self) -> None:
        """Bring closed parcels to the engine; it waits while the engine's queue is full, `put` only while there is no room."""
        while True:
            while self._closed:
                parcel = self._closed.popleft()
                await self._engine.submit((parcel,), parcel.board())
            if self.is_closing:
                break
            self._fed.clear()
            await self._fed.wait()
        await self._engine.close()

    def stats(self) -> Stats:
        """What is going on."""
        counts, room, engine = self.counts, self.room, self._engine
        p50, p95, p99 = self._latencies.percentiles((0.5, 0.95, 0.99), self._now())
        return Stats(
            table=self._table.name,
            is_open=not self.is_shut,
            put=counts.rows_read,
            pending_items=room.items,
            pending_bytes=room.bytes,
            queue_depth=max(room.items - engine.items_in_flight, 0),
            waiting_puts=room.waiting,
            in_flight=engine.in_flight,
            written=counts.items_written,
            rejected=counts.rows_rejected,
            replaced=counts.rows_superseded,
            requests=counts.requests,
            retried=counts.retried_items,
            unprocessed=counts.unprocessed_items,
            throttled=counts.throttled_requests,
            consumed_wcu=counts.consumed_wcu,
            p50_s=p50,
            p95_s=p95,
            p99_s=p99,
        )
