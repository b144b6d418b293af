"""The accumulator of a writer: single puts → put batches for the engine, and its outcomes → acknowledgements.

The order of events for a put: it is encoded and checked; it waits while too much is pending; it replaces an older item
of its key, or goes into the open batch. A batch is closed when it is full, when its first item has lingered long
enough, when a put has to wait, or at a flush, and the feeder submits it to the engine. When DynamoDB has acknowledged an
item it is pending no more and its ack is done. When the engine ends, for whatever reason, everybody who waits here is
told.
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
from asyncloader.engine.writing.flushes import Flushes
from asyncloader.engine.writing.pending_limit import PendingLimit
from asyncloader.pacing.latency import LatencyHistogram
from asyncloader.pacing.pacer import pacer_for
from asyncloader.values.dynamodb import BATCH_ITEMS
from asyncloader.values.errors import AsyncLoaderError, ItemRejected, LoadFailed, WriterClosed
from asyncloader.values.hooks import Rejection
from asyncloader.values.report import Counts, Stats
from asyncloader.values.schema import Table
from asyncloader.values.settings import WriterSettings
from asyncloader.wire.transport import TransportFactory

log = logging.getLogger("asyncloader")


class Accumulator:
    """Takes puts in one event loop; `run` is the task that stores them, until `close`, `abort` or a failure."""

    def __init__(
        self,
        transports: TransportFactory,
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
        self.pending = PendingLimit(settings.max_pending_items, settings.max_pending_bytes, self._close_current)
        self.counts = Counts()
        self.unretrieved = UnretrievedRejections()
        self.failure: LoadFailed | None = None
        self.is_closing = False
        self.is_closed = False
        self._table = table
        self._serializer = serializer
        self._linger_s = settings.linger_s
        self._hooks = hooks or Hooks()
        self._now = now
        self._engine = Engine(
            transports,
            table,
            workers=settings.workers,
            retry=settings.retry,
            counts=self.counts,
            pacer=pacer_for(table, settings.pacing, workers=settings.workers, now=now()),
            hooks=self._hooks,
            now=now,
        )
        self._batches = PutBatches(self, keep_origins=self._hooks.on_reject is not None)
        self._unsettled: dict[int, PutBatch] = {}
        self._closed: deque[PutBatch] = deque()
        self._wakeup = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self._flushes = Flushes()
        self._latencies = LatencyHistogram()

    # Putting. Nothing here waits, but for `until_pending`.

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

    async def until_pending(self, encoded: Encoded) -> None:
        """Count an item as pending, waiting for that; whoever is cancelled here has not queued it."""
        try:
            await self.pending.acquire(len(encoded[0]))
        except asyncio.CancelledError as cancelled:
            cancelled.add_note("asyncloader: this put was cancelled before its item was queued; it will not be stored")
            raise
        # Closed since the item was counted.
        if self.is_closed:
            self.pending.release(1, len(encoded[0]))
            self.check_open()

    def add(self, encoded: Encoded, sink: Ack | Receipt, origin: Mapping[str, Any] | None) -> None:
        """Queue an item that is counted as pending."""
        counts = self.counts
        counts.rows_read += 1
        batches = self._batches
        if encoded[2] in batches.newest:
            before = batches.replace(encoded, sink, origin)
            if before is not None:
                counts.rows_superseded += 1
                self.pending.release(0, before)
                return
        batch = batches.open
        if batch is not None and batch.wire + len(encoded[0]) >= PAYLOAD_LIMIT_BYTES:
            self._close_batch(batch)
            batch = None
        if batch is None:
            batch = self._open_batch()
        batches.add(batch, encoded, sink, origin)
        if len(batch.bodies) == BATCH_ITEMS:
            self._close_batch(batch)

    def reject(self, error: ItemRejected, sink: Ack | Receipt, origin: Any) -> None:
        """An item cannot be sent: its ack says so."""
        self.counts.rows_read += 1
        self.counts.rows_rejected += 1
        self._tell_of_rejection(error, origin)
        self.unretrieved.add(error, sink)
        sink.refused(error)

    def _open_batch(self) -> PutBatch:
        now = self._now()
        batch = self._batches.open_batch(now)
        self._unsettled[batch.number] = batch
        if self._linger is None:
            self._linger = self.loop.call_later(self._linger_s, self._stop_lingering)
        return batch

    def _stop_lingering(self) -> None:
        # One timer that looks again, not one for each batch.
        self._linger = None
        batch = self._batches.open
        if batch is None:
            return
        left_s = batch.opened_at + self._linger_s - self._now()
        if left_s > 0.0005:
            self._linger = self.loop.call_later(left_s, self._stop_lingering)
        else:
            self._close_batch(batch)

    def _close_current(self) -> None:
        """Send what there is: nothing more will come, or a put waits."""
        if self._batches.open is not None:
            self._close_batch(self._batches.open)

    def _close_batch(self, batch: PutBatch) -> None:
        self._batches.open = None
        self._closed.append(batch)
        self._wakeup.set()

    # What put batches call.

    def puts_settled(self, puts: int, size_bytes: int) -> None:
        self.pending.release(puts, size_bytes)

    def batch_settled(self, batch: PutBatch) -> None:
        del self._unsettled[batch.number]
        now = self._now()
        self._latencies.add(now - batch.opened_at, len(batch.bodies), now)
        if self._flushes:
            self._flushes.settle(next(iter(self._unsettled), None))

    def item_rejected(self, batch: PutBatch, item: int, reason: str) -> ItemRejected:
        names = [attribute.name for attribute in self._table.key]
        error = ItemRejected(reason, key=dict(zip(names, batch.item_key(item), strict=True)))
        sinks = batch.sinks[item]
        for sink in sinks if isinstance(sinks, list) else [sinks]:
            assert isinstance(sink, Ack | Receipt)
            self.unretrieved.add(error, sink)
        self._tell_of_rejection(error, batch.origins[item] if batch.origins else None)
        return error

    def _tell_of_rejection(self, error: ItemRejected, origin: Any) -> None:
        if self._hooks.on_reject is not None:
            key = error.key if isinstance(error.key, Mapping) else None
            self._hooks.rejected(Rejection(self._table.name, error.reason, key, origin))

    # Flushing and ending.

    async def flush(self) -> None:
        """Wait until everything that was put before is settled; a cancelled flush changes nothing."""
        if self.failure is not None:
            raise self.failure
        self._close_current()
        if self._unsettled:
            await self._flushes.wait(max(self._unsettled))

    def close(self) -> None:
        """Take nothing more; `run` ends when everything is settled."""
        self.is_closing = self.is_closed = True
        self.pending.fail(WriterClosed("the writer was closed while this put waited for room; its item was not queued"))
        self._close_current()
        self._wakeup.set()

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
        """Nothing will be stored any more: whoever still waits is told."""
        self.is_closing = self.is_closed = True
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._unsettled or self._flushes or self.pending.waiting:
            self._fail(LoadFailed("the writer was aborted; what was pending may be stored or not"), None)

    def _fail(self, failure: LoadFailed, cause: BaseException | None) -> None:
        if self.failure is None:
            failure.__cause__ = cause
            self.failure = failure
            self.is_closed = True
        error: AsyncLoaderError = self.failure
        self.pending.fail(error)
        for batch in list(self._unsettled.values()):
            batch.abandon(error)
        self._unsettled.clear()
        self._flushes.fail(error)

    async def _feed(self) -> None:
        """Bring closed batches to the engine; it waits while the engine's queue is full, `put` only while too much is pending."""
        while True:
            while self._closed:
                batch = self._closed.popleft()
                await self._engine.submit((batch,), batch.submit())
            if self.is_closing:
                break
            self._wakeup.clear()
            await self._wakeup.wait()
        await self._engine.close()

    def stats(self) -> Stats:
        """A snapshot: what is pending and in flight, and what has been done."""
        counts, pending, engine = self.counts, self.pending, self._engine
        p50, p95, p99 = self._latencies.percentiles((0.5, 0.95, 0.99), self._now())
        return Stats(
            table=self._table.name,
            is_open=not self.is_closed,
            put=counts.rows_read,
            pending_items=pending.items,
            pending_bytes=pending.bytes,
            queue_depth=max(pending.items - engine.in_flight.request_items, 0),
            waiting_puts=pending.waiting,
            in_flight=engine.in_flight.requests,
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
