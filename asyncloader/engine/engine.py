"""Batches from a bounded asyncio queue, through N writer tasks, to acknowledgement or rejection of every item.

The order of events: `submit` puts blocks of a file, or single puts of a service, in flight and their first batches into
the queue; items whose key is unsettled elsewhere are blocked and not among them. A writer takes a batch, passes the
gates and sends it; `engine.outcomes` settles its items, or has them sent again.

Writers never put into the queue that they drain: what must be sent again waits in the retry queue, and a task of its own
brings it back when it is due, together with the items of hot keys whose turn it is.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import Callable, Iterable, Sequence

from asyncloader.batching.batch import Batch
from asyncloader.batching.hot_key_queues import HotKeyQueues
from asyncloader.batching.in_flight import InFlight, InFlightRegistry
from asyncloader.batching.retry_queue import RetryQueue
from asyncloader.engine.gates.budget import BudgetGate
from asyncloader.engine.gates.concurrency import ConcurrencyGate
from asyncloader.engine.gates.congestion import CongestionGate
from asyncloader.engine.gates.gate import Gate
from asyncloader.engine.gates.pacing import PacingGate
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.outcomes import Outcomes
from asyncloader.engine.stop import StopEngine
from asyncloader.pacing.pacer import Pacer
from asyncloader.values import errors
from asyncloader.values.dynamodb import BATCH_ITEMS
from asyncloader.values.report import Counts
from asyncloader.values.schema import Table
from asyncloader.values.settings import RetrySettings
from asyncloader.wire.transport import Transport, TransportFactory


class Engine:
    """Sends what is submitted; owns the queue, the retry queue, the hot keys, the registry of what is in flight, the writers.

    `run` lasts as long as there is work: until `close` has been called and everything is settled, until `halt` and
    the requests in flight are answered, or until an item shows that no other can be stored (raises `StopEngine`).
    """

    def __init__(
        self,
        transports: TransportFactory,
        table: Table,
        *,
        workers: int,
        retry: RetrySettings,
        counts: Counts,
        on_reject: Callable[[], None] = lambda: None,
        pacer: Pacer | None = None,
        budget: BudgetGate | None = None,
        auto_workers: bool = False,
        hooks: Hooks | None = None,
        random: Callable[[], float] = random_module.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.in_flight = InFlightRegistry()
        self.hot_keys = HotKeyQueues(now())
        self.pacing = None if pacer is None else PacingGate(pacer, table, self.hot_keys, now)
        self._transports = transports
        self._table = table
        self._workers = workers
        self._counts = counts
        self._hooks = hooks or Hooks()
        self._now = now
        if pacer is not None and pacer.limits.parts:
            transports.capacity_mode.mode = "INDEXES"
        self._concurrency = ConcurrencyGate(self.in_flight, now) if auto_workers else None
        congestion = CongestionGate(retry.request_timeout_s, self.in_flight, now)
        # The budget comes behind whatever may still shorten a batch, since it counts what it lets through.
        gates = (self.pacing, congestion, budget, self._concurrency)
        self._gates: list[Gate] = [gate for gate in gates if gate is not None]
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue(2 * workers)
        self._half_full = workers
        self._retries = RetryQueue(workers * BATCH_ITEMS)
        self._has_room = asyncio.Event()
        self._outcomes = Outcomes(
            table,
            retry,
            counts,
            self.in_flight,
            self._retries,
            self._hooks,
            on_reject=on_reject,
            random=random,
            now=now,
        )
        self._halted = False
        self._stopped: StopEngine | None = None

    @property
    def may_have_written(self) -> bool:
        """Whether some item may be in the table by now."""
        return self._outcomes.may_have_written

    async def submit(self, entries: Sequence[InFlight], batches: Iterable[Batch]) -> None:
        """Send these batches of blocks or put batches, and later what they blocked; waits while a queue is full."""
        for entry in entries:
            self.in_flight.add(entry)
        queue, retries = self._queue, self._retries
        for batch in batches:
            if queue.full() or retries.is_full:
                # Until there is room for many: to wake up for each single one would be a tenth of what a request costs.
                while queue.qsize() > self._half_full or retries.is_full:
                    self._has_room.clear()
                    await self._has_room.wait()
            queue.put_nowait(batch)

    async def until_in_flight_below(self, limit: int) -> None:
        """Wait until fewer than `limit` blocks or put batches are in flight."""
        settled = self._outcomes.entry_settled
        while len(self.in_flight) >= limit:
            settled.clear()
            await settled.wait()

    async def close(self) -> None:
        """Wait until everything that was submitted is settled, then let the writers end."""
        await self.until_in_flight_below(1)
        if self._concurrency is not None:
            self._concurrency.close()
        for _ in range(self._workers):
            await self._queue.put(None)

    def halt(self) -> None:
        """Take no more from the queue; requests in flight are still answered and counted."""
        self._halted = True
        for gate in self._gates:
            gate.close()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._has_room.set()
        for _ in range(self._workers):
            self._queue.put_nowait(None)

    async def run(self) -> None:
        """Run the writers until closed or halted; raises `StopEngine` when the load cannot go on, after the last response."""
        async with asyncio.TaskGroup() as tasks:
            requeue = tasks.create_task(self._requeue_due(), name="requeue")
            writers = [
                tasks.create_task(self._write(number), name=f"writer-{number}") for number in range(self._workers)
            ]
            await asyncio.wait(writers)
            requeue.cancel()
        if self._stopped is not None:
            raise self._stopped

    async def _write(self, number: int) -> None:
        """One writer: one connection, one request at a time; with `auto_workers` only as many work as are needed."""
        transport, concurrency, queue = self._transports.transport(), self._concurrency, self._queue
        try:
            while True:
                if concurrency is not None:
                    await concurrency.until_needed(number)
                if (batch := await queue.get() if queue.empty() else queue.get_nowait()) is None:
                    return
                if queue.qsize() == self._half_full:
                    self._has_room.set()
                try:
                    await self._send(transport, batch)
                except StopEngine as stop:
                    self._stop(stop)
                if self._halted:
                    return
        finally:
            await transport.close()

    async def _send(self, transport: Transport, batch: Batch) -> None:
        outcomes = self._outcomes
        if self.hot_keys and self.hot_keys.divert(batch):
            outcomes.requeued.set()
            if not batch.ranges:
                return
        for gate in self._gates:
            if gate.try_acquire(batch):
                continue
            if others := await gate.acquire(batch):
                outcomes.requeue(others, 0.0)
            if self._halted:
                return
        sent_at = self._now()
        items = outcomes.on_send(batch)
        self.in_flight.start_request(items)
        try:
            result = await transport.send(batch.payload)
        except errors.ServiceError as error:
            for gate in self._gates:
                gate.on_error(batch, error, sent_at)
            self._hooks.batch_sent(self._table.name, items, self._now() - sent_at, error)
            outcomes.on_error(batch, error)
        else:
            # Where the server does not tell what it cost, the sizes of the items do.
            cost = result.consumed_wcu or batch.wcu * (1 - len(result.unprocessed) / items)
            self._counts.consumed_wcu += cost
            for gate in self._gates:
                gate.on_response(batch, result, sent_at)
            self._hooks.batch_sent(self._table.name, items, self._now() - sent_at, result)
            outcomes.on_response(batch, result)
        finally:
            self.in_flight.end_request(items)

    def _stop(self, stop: StopEngine) -> None:
        """The load cannot go on; the other writers still receive the responses to what they have sent."""
        if self._stopped is None:
            self._stopped = stop
        if not self._halted:
            self.halt()

    async def _requeue_due(self) -> None:
        """Bring what is due from the retry queue and the hot keys to the queue."""
        retries, hot_keys, requeued = self._retries, self.hot_keys, self._outcomes.requeued
        while True:
            requeued.clear()
            now = self._now()
            batches = retries.take_due(now, hot_keys.hold if hot_keys else None)
            if hot_keys:
                batches = [*hot_keys.take_due(now), *batches]
            if not retries.is_full:
                self._has_room.set()
            for batch in batches:
                await self._queue.put(batch)
            if batches:
                continue
            due = min((due for due in (retries.next_due, hot_keys.next_due) if due is not None), default=None)
            try:
                async with asyncio.timeout(None if due is None else max(due - self._now(), 0.0)):
                    await requeued.wait()
            except TimeoutError:
                continue
