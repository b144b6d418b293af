"""Events as log records whose fields are `extra`, which any formatter can pick up.

structlog does by its `ExtraAdder`, JSON formatters do by themselves. The message is the event's name, the same each
time; what differs is in the fields. A rejection is a warning, a retry an information, a request is for debugging.
"""

from __future__ import annotations

import logging
from typing import Any

from asyncloader.values.hooks import BatchSent, Rejection, Retry


class LogEvents:
    """Writes every event to a logger of the standard library.

    Items are never logged, and keys only with `keys=True`: both may be personal data. A reason may quote the value that
    broke a rule.
    """

    def __init__(self, logger: logging.Logger | str = "asyncloader.events", *, keys: bool = False) -> None:
        self._log = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._keys = keys

    def on_reject(self, rejection: Rejection, /) -> None:
        """An item was rejected: `table`, `reason`, with a file's `source` and `line`."""
        fields: dict[str, Any] = {"table": rejection.table, "reason": rejection.reason}
        if rejection.source is not None:
            fields |= {"source": rejection.source, "line": rejection.line}
        if self._keys:
            fields["key"] = None if rejection.key is None else dict(rejection.key)
        self._log.warning("item rejected", extra=fields)

    def on_retry(self, retry: Retry, /) -> None:
        """Items will be sent again: `table`, `items`, `code`, `delay_s`, `tries`."""
        self._log.info(
            "items retried",
            extra={
                "table": retry.table,
                "items": retry.items,
                "code": retry.code,
                "delay_s": round(retry.delay_s, 6),
                "tries": retry.tries,
            },
        )

    def on_batch(self, batch: BatchSent, /) -> None:
        """A request has ended: `table`, `items`, `written`, `consumed_wcu`, `elapsed_s`, `code`."""
        if self._log.isEnabledFor(logging.DEBUG):
            self._log.debug(
                "batch sent",
                extra={
                    "table": batch.table,
                    "items": batch.items,
                    "written": batch.written,
                    "consumed_wcu": batch.consumed_wcu,
                    "elapsed_s": round(batch.elapsed_s, 6),
                    "code": batch.code,
                },
            )
