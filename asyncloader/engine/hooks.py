"""Calling hooks: an error in one is logged, and changes nothing for the items."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asyncloader.batching.batch import ItemRange
from asyncloader.values.errors import ServiceError
from asyncloader.values.hooks import BatchSent, OnBatch, OnReject, OnRetry, Rejection, Retry
from asyncloader.values.schema import Table
from asyncloader.wire.response import BatchWriteResult

if TYPE_CHECKING:
    from asyncloader.records.rejects import Reject

log = logging.getLogger("asyncloader")


class Hooks:
    """The hooks of one load or writer; those that are None are never called.

    The first error of each is logged with its traceback, later ones in one line each time their number has doubled.
    """

    def __init__(
        self, *, on_reject: OnReject | None = None, on_retry: OnRetry | None = None, on_batch: OnBatch | None = None
    ) -> None:
        self.on_reject = on_reject
        self.on_retry = on_retry
        self.on_batch = on_batch
        self._errors = {"on_reject": 0, "on_retry": 0, "on_batch": 0}

    def batch_sent(self, table: str, items: int, elapsed_s: float, end: BatchWriteResult | ServiceError) -> None:
        """A request with `items` items has ended."""
        if self.on_batch is None:
            return
        if isinstance(end, ServiceError):
            event = BatchSent(table, items, 0, 0.0, elapsed_s, end.code)
        else:
            event = BatchSent(table, items, max(items - len(end.unprocessed), 0), end.consumed_wcu, elapsed_s)
        self._call("on_batch", self.on_batch, event)

    def retried(self, table: str, ranges: Sequence[ItemRange], error: ServiceError, delay_s: float) -> None:
        """Items will be sent again."""
        if self.on_retry is not None:
            tries = max(item_range.tries for item_range in ranges)
            self._call("on_retry", self.on_retry, Retry(table, sum(map(len, ranges)), error.code, delay_s, tries))

    def reject_callback(self, table: Table) -> Callable[[Reject], None] | None:
        """Tells of rejected rows; None where nobody listens."""
        if self.on_reject is None:
            return None
        names = [attribute.name for attribute in table.key]

        def tell(reject: Reject) -> None:
            item: Mapping[str, Any] = reject.item or reject.cells
            key = {name: item[name] for name in names if item.get(name)}
            raw = None if item else reject.raw or None
            self.rejected(
                Rejection(table.name, reject.reason, key or None, item or None, reject.source, reject.line, raw)
            )

        return tell

    def rejected(self, rejection: Rejection) -> None:
        """An item was rejected."""
        self._call("on_reject", self.on_reject, rejection)

    def _call(self, name: str, hook: Callable[[Any], object] | None, event: object) -> None:
        if hook is None:
            return
        try:
            hook(event)
        except Exception as error:
            count = self._errors[name] = self._errors[name] + 1
            if count == 1:
                log.exception("the hook %s failed; the items are not affected", name)
            elif count & (count - 1) == 0:
                log.error("the hook %s has failed %d times, now with %r", name, count, error)  # noqa: TRY400
