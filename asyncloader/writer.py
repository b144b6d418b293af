"""The writer for services: many puts and deletes of single items, without a thought for batches.

async with asyncloader.BatchWriter("events", region="eu-west-1") as writer:
    ack = await writer.put({"id": "7", "price": Decimal("9.50")})
    await ack
"""

from __future__ import annotations

import asyncio
import warnings
from asyncio import get_running_loop
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from asyncloader.cancellation import end_task, finish
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.writing.accumulator import Accumulator
from asyncloader.engine.writing.ack import Ack, Receipt
from asyncloader.engine.writing.put_many import put_all
from asyncloader.values.errors import ItemRejected, UsageError, WriterClosed, WriterFull
from asyncloader.values.hooks import OnBatch, OnReject, OnRetry
from asyncloader.values.report import Stats
from asyncloader.values.settings import (
    UTILIZATION,
    AwsSettings,
    PacingSettings,
    RetrySettings,
    TransportName,
    WriterSettings,
)

if TYPE_CHECKING:
    import aioboto3

    from asyncloader.values.schema import Table
    from asyncloader.wire.transport import TransportFactory


class BatchWriter:
    """Writes single items into a table in batches; an async context manager that belongs to one event loop.

    Leaving the block waits until everything is stored; leaving it by an exception aborts. Whatever producers share a
    writer: of two puts of one key the later one wins, through any retry.

    Args:
        table: Name or ARN of the table.
        session: An `aioboto3.Session`; without it `region` and `profile` are found as by any AWS tool.
        region: AWS region of the table.
        profile: Profile of the AWS configuration files.
        endpoint_url: Address of the service, where it is not AWS's own.
        workers: BatchWriteItem requests in flight, 1 to 1024.
        linger: Seconds after its first item at which a batch is sent that is not full.
        max_pending_items: Items that may be pending; `put` waits beyond that.
        max_pending_bytes: Bytes of JSON that may be pending; `put` waits beyond that.
        raw: Items are DynamoDB JSON instead of Python values.
        serializer: Turns what is put into a dict first, for example `dataclasses.asdict`.
        max_wcu: Cap on the write capacity used in any second, in WCU.
        utilization: Part of the described capacity that may be used, 0 to 1; None: the description is not followed.
        transport: "auto", "native" (own connections) or "aioboto3".
        retry: When items are sent again, and when the writer gives up.
        on_reject: Called with each rejected item, in the event loop; must not wait. So are the other two.
        on_retry: Called when items will be sent again.
        on_batch: Called when a request has ended.

    Raises:
        UsageError: When it is made or opened; also `TableError` and `AccessError`.
    """

    def __init__(
        self,
        table: str,
        *,
        session: aioboto3.Session | None = None,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        workers: int = 8,
        linger: float = 0.02,
        max_pending_items: int = 10_000,
        max_pending_bytes: int = 64 * 1024 * 1024,
        raw: bool = False,
        serializer: Callable[[Any], Mapping[str, Any]] | None = None,
        max_wcu: float | None = None,
        utilization: float | None = UTILIZATION,
        transport: TransportName = "auto",
        retry: RetrySettings | None = None,
        on_reject: OnReject | None = None,
        on_retry: OnRetry | None = None,
        on_batch: OnBatch | None = None,
    ) -> None:
        self._name = table
        self._session = session
        self._aws = AwsSettings(region=region, profile=profile, endpoint_url=endpoint_url, transport=transport)
        self._settings = WriterSettings(
            workers=workers,
            linger_s=linger,
            max_pending_items=max_pending_items,
            max_pending_bytes=max_pending_bytes,
            pacing=PacingSettings(max_wcu, utilization),
            raw=raw,
            retry=retry or RetrySettings(),
        )
        self._serializer = serializer
        self._hooks = Hooks(on_reject=on_reject, on_retry=on_retry, on_batch=on_batch)
        self._stack = AsyncExitStack()
        self._accumulator: Accumulator | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_entered = False
        self._is_aborted = False

    # Opening.

    async def __aenter__(self) -> Self:
        if self._is_entered:
            raise WriterClosed("a writer is opened once; make another one")
        self._is_entered = True
        try:
            transports, table = await self._connect()
        except BaseException:
            await finish(self._stack.aclose())
            raise
        self._begin(transports, table)
        return self

    async def _connect(self) -> tuple[TransportFactory, Table]:
        """Describe the table and open the transports."""
        from asyncloader.table.aws import connect, open_transports

        settings = self._settings
        aws = await self._stack.enter_async_context(connect(self._aws, self._session))
        table = await aws.describe(self._name)
        opening = open_transports(
            aws, self._name, transport=self._aws.transport, workers=settings.workers, retry=settings.retry
        )
        return await self._stack.enter_async_context(opening), table

    def _begin(self, transports: TransportFactory, table: Table) -> None:
        self._accumulator = Accumulator(transports, table, self._settings, self._hooks, self._serializer)
        # The task knows the accumulator, not the writer, so that a forgotten writer is collected and warns.
        self._task = asyncio.create_task(self._accumulator.run(), name="asyncloader-writer")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
            return
        await self.abort()
        if error is not None and self._accumulator is not None:
            self._accumulator.unretrieved.note_on(error)

    # Putting.

    async def put(self, item: Any) -> Ack:
        """Queue an item; waits only while too much is pending. The item is read at once and may be changed afterwards.

        Never raises for what the item holds: its ack does. If it raises, also when it is cancelled, the item was not
        queued; once it is queued, `put` returns without another wait. Raises `WriterClosed`, or `LoadFailed` when the
        writer has died.
        """
        accumulator = self._accumulator
        if accumulator is None or accumulator.is_closed or get_running_loop() is not accumulator.loop:
            accumulator = self._open_accumulator()
        ack = Ack()
        try:
            encoded = accumulator.encode(item)
        except ItemRejected as error:
            accumulator.reject(error, ack, item)
            return ack
        if not accumulator.pending.try_acquire(len(encoded[0])):
            await accumulator.until_pending(encoded)
        accumulator.add(encoded, ack, item)
        return ack

    async def delete(self, key: Mapping[str, Any]) -> Ack:
        """Queue the deletion of the item with this key, which holds the key attributes alone; otherwise as `put`."""
        accumulator = self._open_accumulator()
        ack = Ack()
        try:
            encoded = accumulator.encode_delete(key)
        except ItemRejected as error:
            accumulator.reject(error, ack, key)
            return ack
        if not accumulator.pending.try_acquire(len(encoded[0])):
            await accumulator.until_pending(encoded)
        accumulator.add(encoded, ack, key)
        return ack

    def put_nowait(self, item: Any) -> Ack:
        """As `put`, but raises `WriterFull` instead of waiting."""
        accumulator = self._open_accumulator()
        ack = Ack()
        try:
            encoded = accumulator.encode(item)
        except ItemRejected as error:
            accumulator.reject(error, ack, item)
            return ack
        pending = accumulator.pending
        if not pending.try_acquire(len(encoded[0]), politely=False):
            raise WriterFull(
                f"{pending.items:,} items with {pending.bytes:,} bytes are pending, and {pending.waiting:,} puts wait; "
                "use put, which waits, or raise max_pending_items or max_pending_bytes"
            )
        accumulator.add(encoded, ack, item)
        return ack

    async def put_many(self, items: Iterable[Any] | AsyncIterable[Any]) -> Receipt:
        """Queue all items of an iterable, sync or async; returns when the last one is queued.

        Returns one receipt for them all. If it raises, because it is cancelled or because the iterable does, the items
        before that are queued and will be stored; a note on the exception says how many.
        """
        return await put_all(self._open_accumulator(), items)

    # Ending.

    async def flush(self) -> None:
        """Wait until everything that was put before is settled.

        Raises an `ExceptionGroup` of `ItemRejected` for the rejected items whose acks nobody awaited, `LoadFailed`
        when the writer has died. A cancelled flush changes nothing.
        """
        accumulator = self._known_accumulator()
        if self._task is not None and self._task.done() and accumulator.failure is None:
            raise WriterClosed("the writer is closed; there is nothing to flush")
        await accumulator.flush()
        self._raise_unretrieved(accumulator)

    async def close(self) -> None:
        """Take nothing more, and wait until everything is stored; then raises as `flush` does.

        Puts that still wait raise `WriterClosed`. A cancelled close aborts. To close twice does no harm.
        """
        accumulator = self._known_accumulator()
        task = self._task
        assert task is not None
        accumulator.close()
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            await self.abort()
            raise
        await finish(self._stack.aclose())
        if self._is_aborted:
            return
        if accumulator.failure is not None:
            accumulator.unretrieved.note_on(accumulator.failure)
            raise accumulator.failure
        self._raise_unretrieved(accumulator)

    async def abort(self) -> None:
        """Stop at once: requests in flight are dropped, and every pending ack raises `LoadFailed`; `close` raises nothing then."""
        if self._accumulator is None or self._task is None:
            return
        self._is_aborted = True
        await finish(end_task(self._task))
        # A task that was cancelled before its first step has not cleaned up after itself.
        self._accumulator.end()
        await finish(self._stack.aclose())

    def stats(self) -> Stats:
        """What the writer is doing at this moment, and has done; also once it is closed."""
        return self._known_accumulator(any_loop=True).stats()

    def __del__(self) -> None:
        task: asyncio.Task[None] | None = getattr(self, "_task", None)
        if task is None or task.done():
            return
        warnings.warn(
            f"a BatchWriter for table {self._name!r} was never closed; use async with, or await close()",
            ResourceWarning,
            source=self,
            stacklevel=2,
        )
        loop = task.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    # Inside.

    def _open_accumulator(self) -> Accumulator:
        accumulator = self._known_accumulator()
        accumulator.check_open()
        return accumulator

    def _known_accumulator(self, *, any_loop: bool = False) -> Accumulator:
        if self._accumulator is None:
            raise WriterClosed("the writer is not open; use it inside of 'async with BatchWriter(…) as writer'")
        if not any_loop and get_running_loop() is not self._accumulator.loop:
            raise UsageError("this writer belongs to another event loop; make one in each")
        return self._accumulator

    @staticmethod
    def _raise_unretrieved(accumulator: Accumulator) -> None:
        rejected = accumulator.unretrieved.take()
        if rejected is not None:
            raise rejected
