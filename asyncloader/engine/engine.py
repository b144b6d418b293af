"""Batches from a bounded asyncio queue, through N writer tasks, to acknowledgement or rejection of every item.

The order of events: `submit` takes a cargo (a block of a file, or the single puts of a service) and its first batches
into the queue; items whose key is unsettled elsewhere are not among them. A writer sends a batch; what becomes of its
items is told in `engine.outcomes`. The cargo lands when all its items are settled.

Writers never put into the queue that they drain: what must be sent again goes to the backlog, and a task of its own
brings it back when it is due.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import Callable, Iterable, Sequence

from asyncloader.batching.batch import Batch
from asyncloader.batching.in_flight import InFlight
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
from asyncloader.values.report import Counts
from asyncloader.values.schema import Table
from asyncloader.values.settings import RetrySettings
from asyncloader.wire.transport import Transport, TransportFactory


class Engine:
    """Sends what is submitted; owns the queue, the backlog and the writers.

    `run` lives as long as there is work: until `close` has been called and everything is settled, until `halt` and
    the requests in flight are answered, or until an item shows that no other can be stored (raises `StopEngine`).
    """

    def __init__(
        self,
        gateway: TransportFactory,
        table: Table,
        *,
        workers: int,
        retry: RetrySettings,
        counts: Counts,
        on_reject: Callable[[], None] = lambda: None,
        pacer: Pacer | None = None,
        guard: BudgetGate | None = None,
        crew: ConcurrencyGate | None = None,
        hooks: Hooks | None = None,
        random: Callable[[], float] = random_module.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._table = table
        self._workers = workers
        self._counts = counts
        self.turnstile = None if pacer is None else PacingGate(pacer, table, now)
        if pacer is not None and pacer.limits.parts:
            gateway.capacity_mode.mode = "INDEXES"
        self._crew = crew
        # The guard comes behind whatever may still shorten a batch, since it counts what it lets out.
        gates = (self.turnstile, CongestionGate(retry.request_timeout_s, now), guard, crew)
        self._gates: list[Gate] = [gate for gate in gates if gate is not None]
        self._hooks = hooks or Hooks()
        self._now = now
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue(2 * workers)
        self._half_full = workers
        self._backlog = RetryQueue(workers * 25, None if self.turnstile is None else self.turnstile.sidings)
        self._room = asyncio.Event()
        self._fates = Outcomes(
            table, retry, counts, self._backlog, self._hooks, on_reject=on_reject, random=random, now=now
        )
        self._halted = False
        self._stopped: StopEngine | None = None
        self.in_flight = 0
        self.items_in_flight = 0

    @property
    def may_have_written(self) -> bool:
        """Whether some item may stand in the table by now."""
        return self._fates.may_have_written

    async def submit(self, cargoes: Sequence[InFlight], batches: Iterable[Batch]) -> None:
        """Send these batches of cargoes, and whatever those release later; waits while the queue or the backlog is full."""
        self._fates.aloft += sum(not cargo.landed for cargo in cargoes)
        queue, backlog = self._queue, self._backlog
        for batch in batches:
            if queue.full() or backlog.is_full:
                # Until there is room for many: to wake up for each single one would be a tenth of what a request costs.
                while queue.qsize() > self._half_full or backlog.is_full:
                    self._room.clear()
                    await self._room.wait()
            queue.put_nowait(batch)

    async def until_below(self, limit: int) -> None:
        """Wait until fewer than `limit` cargoes are under way."""
        fates = self._fates
        while fates.aloft >= limit:
            fates.landed.clear()
            await fates.landed.wait()

    async def close(self) -> None:
        """Wait until everything that was submitted is settled, then let the writers go."""
        await self.until_below(1)
        if self._crew is not None:
            self._crew.dismiss()
        for _ in range(self._workers):
            await self._queue.put(None)

    def halt(self) -> None:
        """Take no more from the queue; requests in flight are still answered and counted."""
        self._halted = True
        for gate in self._gates:
            gate.shut()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._room.set()
        for _ in range(self._workers):
            self._queue.put_nowait(None)

    async def run(self) -> None:
        """Run the writers until closed or halted; raises `StopEngine` when the load cannot go on, after the last answer."""
        async with asyncio.TaskGroup() as tasks:
            bringer = tasks.create_task(self._bring_back(), name="backlog")
            writers = [tasks.create_task(self._write(each), name=f"writer-{each}") for each in range(self._workers)]
            await asyncio.wait(writers)
            bringer.cancel()
        if self._stopped is not None:
            raise self._stopped

    async def _write(self, number: int) -> None:
        """One writer: one connection, one request at a time; of a crew only as many work as there is use for."""
        transport, crew, queue = self._gateway.transport(), self._crew, self._queue
        try:
            while True:
                if crew is not None:
                    await crew.turn(number)
                if (batch := await queue.get() if queue.empty() else queue.get_nowait()) is None:
                    return
                if queue.qsize() == self._half_full:
                    self._room.set()
                try:
                    await self._send(transport, batch)
                except StopEngine as stop:
                    self._stop(stop)
                if self._halted:
                    return
        finally:
            await transport.close()

    async def _send(self, transport: Transport, batch: Batch) -> None:
        fates = self._fates
        for gate in self._gates:
            if gate.lets(batch):
                continue
            if others := await gate.wait(batch):
                fates.hold(others, 0.0)
            if self._halted or not batch.runs:
                return
        sent_at = self._now()
        items = fates.sent(batch)
        self.in_flight += 1
        self.items_in_flight += items
        try:
            answer = await transport.send(batch.payload)
        except errors.ServiceError as error:
            for gate in self._gates:
                gate.failed(batch, error, sent_at)
            self._hooks.sent(self._table.name, items, self._now() - sent_at, error)
            fates.failed(batch, error)
            return
        finally:
            self.in_flight -= 1
            self.items_in_flight -= items
        # Where the server does not tell what it cost, the sizes of the items do.
        self._counts.consumed_wcu += answer.consumed_wcu or batch.wcu * (1 - len(answer.unprocessed) / items)
        for gate in self._gates:
            gate.answered(batch, answer, sent_at)
        self._hooks.sent(self._table.name, items, self._now() - sent_at, answer)
        fates.answered(batch, answer)

    def _stop(self, stop: StopEngine) -> None:
        """The load cannot go on; the other writers still hear the answers to what they have sent."""
        if self._stopped is None:
            self._stopped = stop
        if not self._halted:
            self.halt()

    async def _bring_back(self) -> None:
        """Bring what is due from the backlog to the queue."""
        while True:
            self._fates.changed.clear()
            batches = self._backlog.take_due(self._now())
            if not self._backlog.is_full:
                self._room.set()
            for batch in batches:
                await self._queue.put(batch)
            if batches:
                continue
            due = self._backlog.next_due
            try:
                async with asyncio.timeout(None if due is None else max(due - self._now(), 0.0)):
                    await self._fates.changed.wait()
            except TimeoutError:
                continue
