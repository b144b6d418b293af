"""What becomes of items that are sent: acknowledged, sent again, or rejected.

Items that DynamoDB acknowledged are settled, which may free items that they blocked; items it handed back, and those of
a request that failed, are sent again when they are due; a request that was refused for one of its items is bisected.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from asyncloader.batching.batch import Batch, ItemRange, split_unprocessed
from asyncloader.batching.in_flight import InFlight, InFlightRegistry
from asyncloader.batching.retry_queue import RetryQueue, is_exhausted, note_attempt, retry_delay_s
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
    """The outcomes of all items of one engine.

    `entry_settled` is set whenever a block or put batch is settled, `requeued` whenever there is more to send again.
    `may_have_written` says that some item may be in the table by now.
    """

    def __init__(
        self,
        table: Table,
        retry: RetrySettings,
        counts: Counts,
        in_flight: InFlightRegistry,
        retries: RetryQueue,
        hooks: Hooks,
        *,
        on_reject: Callable[[], None],
        random: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._table = table
        self._retry = retry
        self._counts = counts
        self._in_flight = in_flight
        self._retries = retries
        self._hooks = hooks
        self._on_reject = on_reject
        self._random = random
        self._now = now
        self._advance = 0
        """Items settled so far: what says whether the whole load advances."""
        self.entry_settled = asyncio.Event()
        self.requeued = asyncio.Event()
        self.may_have_written = False

    def on_send(self, batch: Batch) -> int:
        """A request is being sent; returns the number of its items."""
        counts, in_flight, advance, items = self._counts, self._in_flight, self._advance, 0
        counts.requests += 1
        for item_range in batch.ranges:
            size = item_range.stop - item_range.first
            items += size
            if item_range.tries:
                counts.retried_items += size
            else:
                in_flight.unsettled_items += size
            note_attempt(item_range, advance)
            item_range.entry.mark_sent(item_range.first, item_range.stop)
        return items

    def on_response(self, batch: Batch, result: BatchWriteResult) -> None:
        """The request was accepted, though items may have been handed back."""
        self.may_have_written = True
        if result.unprocessed:
            self._settle_some(batch, result)
        else:
            for item_range in batch.ranges:
                self._settle(item_range)

    def on_error(self, batch: Batch, error: errors.ServiceError) -> None:
        """Nothing of this request is acknowledged; raises `StopEngine` where the load cannot go on."""
        # Whatever else went wrong, in these cases the service may have stored items all the same.
        self.may_have_written |= isinstance(error, errors.ServiceUnavailable)
        log.debug("request refused: %s", error)
        if isinstance(error, errors.Throttled):
            self._counts.throttled_requests += 1
        if error.retryable:
            self._retry_later(batch.ranges, error)
        elif isinstance(error, errors.BatchRefused):
            self._bisect(batch, error)
        else:
            raise StopEngine.because(error, before_first_write=not self.may_have_written)

    def requeue(self, ranges: list[ItemRange], due: float) -> None:
        """Send these items, but not before `due`."""
        self._retries.add(ranges, due)
        self.requeued.set()

    def _settle(self, item_range: ItemRange) -> None:
        """DynamoDB has acknowledged these very items."""
        items, entry = item_range.stop - item_range.first, item_range.entry
        self._counts.items_written += items
        self._advance += items
        self._in_flight.unsettled_items -= items
        if released := entry.settle(item_range.first, item_range.stop):
            self._release(released)
        if entry.is_settled:
            self._end(entry)

    def _release(self, released: Sequence[tuple[InFlight, int]]) -> None:
        self.requeue([ItemRange(entry, item, item + 1) for entry, item in released], 0.0)

    def _end(self, entry: InFlight) -> None:
        self._in_flight.remove(entry)
        self.entry_settled.set()

    def _settle_some(self, batch: Batch, result: BatchWriteResult) -> None:
        """Some items were handed back."""
        self._counts.unprocessed_items += len(result.unprocessed)
        try:
            keys = {key_of(item, self._table.key) for item in result.unprocessed}
        except (KeyError, TypeError, ValueError):
            keys = set()
        parts = split_unprocessed(batch, keys)
        if parts is None:
            # Something came back that we cannot find: then nothing of this request counts as acknowledged.
            log.warning("a response hands back items that were not sent; the whole request is sent again")
            parts = [], batch.ranges
        stored, unprocessed = parts
        for item_range in stored:
            self._settle(item_range)
        self._retry_later(unprocessed, errors.Throttled("UnprocessedItems", "handed back by the service"))

    def _bisect(self, batch: Batch, error: errors.BatchRefused) -> None:
        if len(batch) == 1:
            self._reject(batch.ranges[0].entry, batch.ranges[0].first, str(error))
            return
        for half in batch.halves():
            self.requeue(half.ranges, 0.0)

    def _reject(self, entry: InFlight, item: int, reason: str) -> None:
        self._counts.rows_rejected += 1
        self._advance += 1
        self._in_flight.unsettled_items -= 1
        self._on_reject()
        earlier, released = entry.reject(item, reason)
        if released:
            self._release(released)
        if earlier is not None:
            self._counts.rows_superseded -= 1
            self.requeue([ItemRange(entry, earlier, earlier + 1)], 0.0)
        if entry.is_settled:
            self._end(entry)

    def _retry_later(self, ranges: list[ItemRange], error: errors.ServiceError) -> None:
        retried: list[ItemRange] = []
        for item_range in ranges:
            if not is_exhausted(item_range, self._advance, self._retry):
                retried.append(item_range)
            elif self._is_outage(item_range, error):
                kind = errors.LoadFailed if self.may_have_written else errors.AccessError
                raise StopEngine(kind(f"no progress in {item_range.tries} attempts; the last one ended with {error}"))
            else:
                reason = f"not stored in {item_range.tries} attempts; the last one ended with {error}"
                self._reject(item_range.entry, item_range.first, reason)
        if retried:
            delay_s = retry_delay_s(retried, self._retry, self._random)
            self._hooks.retried(self._table.name, retried, error, delay_s)
            self.requeue(retried, self._now() + delay_s)

    def _is_outage(self, item_range: ItemRange, error: errors.ServiceError) -> bool:
        """Whether it is the service that takes nothing, rather than this one item that cannot be stored.

        It is the item only if it is the last one unsettled, and others that came later have been stored. A row that
        is rejected for an outage would be lost to a later `--resume`.
        """
        is_said = isinstance(error, errors.ConnectionFailed | errors.CredentialsRefused)
        return is_said or item_range.first_advance == self._advance or self._in_flight.unsettled_items > 1
