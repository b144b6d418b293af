"""Batches from a bounded asyncio queue, through N writer tasks, to acknowledgement or rejection of every item.

The order of events: `submit` takes a cargo (a block of a file, or the single puts of a service) and its first batches
into the queue; items whose key is unsettled elsewhere are not among them. A writer sends a batch. Items that DynamoDB
acknowledged are settled, which may release waiting ones; items it handed back go to the backlog; a request that was
refused for one of its items is bisected. The cargo lands when all its items are settled.

Writers never put into the queue that they drain: what must be sent again goes to the backlog, and a task of its own
brings it back when it is due.
"""

from __future__ import annotations

import asyncio
import logging
import random as random_module
import time
from collections.abc import Callable, Iterable, Sequence

from asyncloader.encode.keys import key_of
from asyncloader.engine.gates.crew import Crew
from asyncloader.engine.gates.gate import Gate
from asyncloader.engine.gates.guard import Guard
from asyncloader.engine.gates.narrows import Narrows
from asyncloader.engine.gates.turnstile import Turnstile
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.stop import Stop
from asyncloader.schedule import backoff
from asyncloader.schedule.backlog import Backlog
from asyncloader.schedule.batch import Batch, Run
from asyncloader.schedule.cargo import Cargo
from asyncloader.schedule.handed_back import sort_out
from asyncloader.schedule.pace import Pacer
from asyncloader.values import errors
from asyncloader.values.report import Counts
from asyncloader.values.schema import Table
from asyncloader.values.settings import RetrySettings
from asyncloader.wire.answer import Answer
from asyncloader.wire.transport import Gateway, Transport

log = logging.getLogger("asyncloader")


class Engine:
    """Sends what is submitted; owns the queue, the backlog and the writers.

    `run` lives as long as there is work: until `close` has been called and everything is settled, until `halt` and
    the requests in flight are answered, or until an item shows that no other can be stored (raises `Stop`).
    """

    def __init__(
        self,
        gateway: Gateway,
        table: Table,
        *,
        workers: int,
        retry: RetrySettings,
        counts: Counts,
        on_reject: Callable[[], None] = lambda: None,
        pacer: Pacer | None = None,
        guard: Guard | None = None,
        crew: Crew | None = None,
        hooks: Hooks | None = None,
        random: Callable[[], float] = random_module.random,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._table = table
        self._workers = workers
        self._retry = retry
        self._counts = counts
        self._on_reject = on_reject
        self.turnstile = None if pacer is None else Turnstile(pacer, table, now)
        if pacer is not None and pacer.limits.parts:
            gateway.wish.detail = "INDEXES"
        self._crew = crew
        # The guard comes behind whatever may still shorten a batch, since it counts what it lets out.
        gates = (self.turnstile, Narrows(retry.request_timeout_s, now), guard, crew)
        self._gates: list[Gate] = [gate for gate in gates if gate is not None]
        self._hooks = hooks or Hooks()
        self._random = random
        self._now = now
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue(2 * workers)
        self._half_full = workers
        self._backlog = Backlog(workers * 25, None if self.turnstile is None else self.turnstile.sidings)
        self._backlog_changed = asyncio.Event()
        self._room = asyncio.Event()
        self._aloft = 0
        self._landed = asyncio.Event()
        self._advance = 0
        self._unanswered = 0
        """Items that have been sent and are not settled yet."""
        self._halted = False
        self._stopped: Stop | None = None
        self.in_flight = 0
        self.items_in_flight = 0
        self.may_have_written = False

    async def submit(self, cargoes: Sequence[Cargo], batches: Iterable[Batch]) -> None:
        """Send these batches of cargoes, and whatever those release later; waits while the queue or the backlog is full."""
        self._aloft += sum(not cargo.landed for cargo in cargoes)
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
        while self._aloft >= limit:
            self._landed.clear()
            await self._landed.wait()

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
        """Run the writers until closed or halted; raises `Stop` when the load cannot go on, after the last answer."""
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
                except Stop as stop:
                    self._stop(stop)
                if self._halted:
                    return
        finally:
            await transport.close()

    async def _send(self, transport: Transport, batch: Batch) -> None:
        for gate in self._gates:
            if gate.lets(batch):
                continue
            if others := await gate.wait(batch):
                self._hold(others, 0.0)
            if self._halted or not batch.runs:
                return
        counts, advance = self._counts, self._advance
        sent_at = self._now()
        counts.requests += 1
        items = 0
        for run in batch.runs:
            size = run.stop - run.first
            items += size
            if run.tries:
                counts.retried_items += size
            else:
                self._unanswered += size
            backoff.note_attempt(run, advance)
            run.flight.depart(run.first, run.stop)
        self.in_flight += 1
        self.items_in_flight += items
        try:
            answer = await transport.send(batch.payload)
        except errors.ServiceError as error:
            # Whatever else went wrong, in these cases the service may have stored items all the same.
            self.may_have_written |= isinstance(error, errors.ServiceUnavailable)
            for gate in self._gates:
                gate.failed(batch, error, sent_at)
            self._hooks.sent(self._table.name, items, self._now() - sent_at, error)
            self._failed(batch, error)
            return
        finally:
            self.in_flight -= 1
            self.items_in_flight -= items
        self.may_have_written = True
        # Where the server does not tell what it cost, the sizes of the items do.
        counts.consumed_wcu += answer.consumed_wcu or batch.wcu * (1 - len(answer.unprocessed) / items)
        for gate in self._gates:
            gate.answered(batch, answer, sent_at)
        self._hooks.sent(self._table.name, items, self._now() - sent_at, answer)
        if answer.unprocessed:
            self._partly_written(batch, answer)
        else:
            for run in batch.runs:
                self._written(run)

    def _stop(self, stop: Stop) -> None:
        """The load cannot go on; the other writers still hear the answers to what they have sent."""
        if self._stopped is None:
            self._stopped = stop
        if not self._halted:
            self.halt()

    def _written(self, run: Run) -> None:
        """DynamoDB has acknowledged these very items."""
        items, cargo = run.stop - run.first, run.flight
        self._counts.items_written += items
        self._advance += items
        self._unanswered -= items
        if released := cargo.settle(run.first, run.stop):
            self._release(released)
        self._note_landing(cargo)

    def _release(self, released: Sequence[tuple[Cargo, int]]) -> None:
        self._hold([Run(cargo, item, item + 1) for cargo, item in released], 0.0)

    def _note_landing(self, cargo: Cargo) -> None:
        if cargo.landed:
            self._aloft -= 1
            self._landed.set()

    def _partly_written(self, batch: Batch, answer: Answer) -> None:
        """Some items were handed back."""
        self._counts.unprocessed_items += len(answer.unprocessed)
        try:
            returned = {key_of(item, self._table.key) for item in answer.unprocessed}
        except (KeyError, TypeError, ValueError):
            returned = set()
        found = sort_out(batch, returned)
        if found is None:
            # Something came back that we cannot find: then nothing of this request counts as acknowledged.
            log.warning("an answer hands back items that were not sent; the whole request is sent again")
            found = [], batch.runs
        stored, again = found
        for run in stored:
            self._written(run)
        self._retry_later(again, errors.Throttled("UnprocessedItems", "handed back by the service"))

    def _failed(self, batch: Batch, error: errors.ServiceError) -> None:
        """Nothing of this request is acknowledged."""
        log.debug("request refused: %s", error)
        if isinstance(error, errors.Throttled):
            self._counts.throttled_requests += 1
        if error.retryable:
            self._retry_later(batch.runs, error)
        elif isinstance(error, errors.BatchRefused):
            self._bisect(batch, error)
        else:
            raise Stop.because(error, before_first_write=not self.may_have_written)

    def _bisect(self, batch: Batch, error: errors.BatchRefused) -> None:
        if len(batch) == 1:
            self._reject(batch.runs[0].flight, batch.runs[0].first, str(error))
            return
        for half in batch.halves():
            self._hold(half.runs, 0.0)

    def _reject(self, cargo: Cargo, item: int, reason: str) -> None:
        self._counts.rows_rejected += 1
        self._advance += 1
        self._unanswered -= 1
        self._on_reject()
        earlier, released = cargo.reject(item, reason)
        if released:
            self._release(released)
        if earlier is not None:
            self._counts.rows_superseded -= 1
            self._hold([Run(cargo, earlier, earlier + 1)], 0.0)
        self._note_landing(cargo)

    def _retry_later(self, runs: list[Run], error: errors.ServiceError) -> None:
        again: list[Run] = []
        for run in runs:
            if not backoff.is_spent(run, self._advance, self._retry):
                again.append(run)
            elif self._is_outage(run, error):
                kind = errors.LoadFailed if self.may_have_written else errors.AccessError
                raise Stop(kind(f"no progress in {run.tries} attempts; the last one ended with {error}"))
            else:
                reason = f"not stored in {run.tries} attempts; the last one ended with {error}"
                self._reject(run.flight, run.first, reason)
        if again:
            delay_s = backoff.delay_s(again, self._retry, self._random)
            self._hooks.again(self._table.name, again, error, delay_s)
            self._hold(again, self._now() + delay_s)

    def _is_outage(self, run: Run, error: errors.ServiceError) -> bool:
        """Whether it is the service that takes nothing, rather than this one item that cannot be stored.

        It is the item only if it is the last one in our hands, and others that came later have been stored. A row that
        is rejected for an outage would be lost to a later `--resume`.
        """
        told = isinstance(error, errors.ConnectionFailed | errors.CredentialsRefused)
        return told or run.first_advance == self._advance or self._unanswered > 1

    def _hold(self, runs: list[Run], due: float) -> None:
        self._backlog.add(runs, due)
        self._backlog_changed.set()

    async def _bring_back(self) -> None:
        """Bring what is due from the backlog to the queue."""
        while True:
            self._backlog_changed.clear()
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
                    await self._backlog_changed.wait()
            except TimeoutError:
                continue
