"""What becomes of items that are sent: stored, sent again, or rejected. The engine tells of requests, this keeps account.

Items that DynamoDB acknowledged are settled, which may release waiting ones; items it handed back, and those of a
request that failed, go to the backlog until they are due; a request that was refused for one of its items is bisected.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from asyncloader.batching import retry_queue as backoff
from asyncloader.batching.batch import Batch, ItemRange, split_unprocessed
from asyncloader.batching.in_flight import InFlight
from asyncloader.batching.retry_queue import RetryQueue
from asyncloader.encode.keys import key_of
from asyncloader.engine.hooks import Hooks
from asyncloader.engine.stop import StopEngine
from asyncloader.values import errors
from asyncloader.values.report import Counts
from asyncloader.values.schema import Table
from asyncloader.values.settings import RetrySettings
from asyncloader.wire.response import BatchWriteResult

log = logging.getLogger("asyncloader")


class Outcomes:
    """The fates of all items of one engine.

    `aloft` counts the cargoes that are under way, and `landed` is set whenever one of them has landed; `changed` is set
    whenever the backlog has got something. `may_have_written` says that some item may stand in the table by now.
    """

    def __init__(
        self,
        table: Table,
        retry: RetrySettings,
        counts: Counts,
        backlog: RetryQueue,
        hooks: Hooks,
        *,
        on_reject: Callable[[], None],
        random: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._table = table
        self._retry = retry
        self._counts = counts
        self._backlog = backlog
        self._hooks = hooks
        self._on_reject = on_reject
        self._random = random
        self._now = now
        self._advance = 0
        self._unanswered = 0
        """Items that have been sent and are not settled yet."""
        self.aloft = 0
        self.landed = asyncio.Event()
        self.changed = asyncio.Event()
        self.may_have_written = False

    def sent(self, batch: Batch) -> int:
        """A request goes out; gives the number of its items."""
        counts, advance, items = self._counts, self._advance, 0
        counts.requests += 1
        for run in batch.runs:
            size = run.stop - run.first
            items += size
            if run.tries:
                counts.retried_items += size
            else:
                self._unanswered += size
            backoff.note_attempt(run, advance)
            run.flight.depart(run.first, run.stop)
        return items

    def answered(self, batch: Batch, answer: BatchWriteResult) -> None:
        """The request was accepted, though items may have been handed back."""
        self.may_have_written = True
        if answer.unprocessed:
            self._partly_stored(batch, answer)
        else:
            for run in batch.runs:
                self._stored(run)

    def failed(self, batch: Batch, error: errors.ServiceError) -> None:
        """Nothing of this request is acknowledged; raises `StopEngine` where the load cannot go on."""
        # Whatever else went wrong, in these cases the service may have stored items all the same.
        self.may_have_written |= isinstance(error, errors.ServiceUnavailable)
        log.debug("request refused: %s", error)
        if isinstance(error, errors.Throttled):
            self._counts.throttled_requests += 1
        if error.retryable:
            self._retry_later(batch.runs, error)
        elif isinstance(error, errors.BatchRefused):
            self._bisect(batch, error)
        else:
            raise StopEngine.because(error, before_first_write=not self.may_have_written)

    def hold(self, runs: list[ItemRange], due: float) -> None:
        """Send these items, but not before `due`."""
        self._backlog.add(runs, due)
        self.changed.set()

    def _stored(self, run: ItemRange) -> None:
        """DynamoDB has acknowledged these very items."""
        items, cargo = run.stop - run.first, run.flight
        self._counts.items_written += items
        self._advance += items
        self._unanswered -= items
        if released := cargo.settle(run.first, run.stop):
            self._release(released)
        self._note_landing(cargo)

    def _release(self, released: Sequence[tuple[InFlight, int]]) -> None:
        self.hold([ItemRange(cargo, item, item + 1) for cargo, item in released], 0.0)

    def _note_landing(self, cargo: InFlight) -> None:
        if cargo.landed:
            self.aloft -= 1
            self.landed.set()

    def _partly_stored(self, batch: Batch, answer: BatchWriteResult) -> None:
        """Some items were handed back."""
        self._counts.unprocessed_items += len(answer.unprocessed)
        try:
            returned = {key_of(item, self._table.key) for item in answer.unprocessed}
        except (KeyError, TypeError, ValueError):
            returned = set()
        found = split_unprocessed(batch, returned)
        if found is None:
            # Something came back that we cannot find: then nothing of this request counts as acknowledged.
            log.warning("an answer hands back items that were not sent; the whole request is sent again")
            found = [], batch.runs
        stored, again = found
        for run in stored:
            self._stored(run)
        self._retry_later(again, errors.Throttled("UnprocessedItems", "handed back by the service"))

    def _bisect(self, batch: Batch, error: errors.BatchRefused) -> None:
        if len(batch) == 1:
            self._reject(batch.runs[0].flight, batch.runs[0].first, str(error))
            return
        for half in batch.halves():
            self.hold(half.runs, 0.0)

    def _reject(self, cargo: InFlight, item: int, reason: str) -> None:
        self._counts.rows_rejected += 1
        self._advance += 1
        self._unanswered -= 1
        self._on_reject()
        earlier, released = cargo.reject(item, reason)
        if released:
            self._release(released)
        if earlier is not None:
            self._counts.rows_superseded -= 1
            self.hold([ItemRange(cargo, earlier, earlier + 1)], 0.0)
        self._note_landing(cargo)

    def _retry_later(self, runs: list[ItemRange], error: errors.ServiceError) -> None:
        again: list[ItemRange] = []
        for run in runs:
            if not backoff.is_spent(run, self._advance, self._retry):
                again.append(run)
            elif self._is_outage(run, error):
                kind = errors.LoadFailed if self.may_have_written else errors.AccessError
                raise StopEngine(kind(f"no progress in {run.tries} attempts; the last one ended with {error}"))
            else:
                reason = f"not stored in {run.tries} attempts; the last one ended with {error}"
                self._reject(run.flight, run.first, reason)
        if again:
            delay_s = backoff.delay_s(again, self._retry, self._random)
            self._hooks.again(self._table.name, again, error, delay_s)
            self.hold(again, self._now() + delay_s)

    def _is_outage(self, run: ItemRange, error: errors.ServiceError) -> bool:
        """Whether it is the service that takes nothing, rather than this one item that cannot be stored.

        It is the item only if it is the last one in our hands, and others that came later have been stored. A row that
        is rejected for an outage would be lost to a later `--resume`.
        """
        told = isinstance(error, errors.ConnectionFailed | errors.CredentialsRefused)
        return told or run.first_advance == self._advance or self._unanswered > 1
