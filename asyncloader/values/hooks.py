"""Hooks: what a load or a writer tells its owner while it runs, for logs, metrics and dead-letter queues.

A hook is a plain callable. It is called in the event loop and must not wait; what takes time belongs in a task or a
thread of its own. An error in a hook is logged under `asyncloader` and changes nothing for the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Rejection:
    """One item that can never be stored, and why.

    `key` are its key attributes, as far as it has them. `item` is what was handed to `BatchWriter.put` or `delete`,
    or the row's cells by column. What `load` has read also has its `source` and its `line`, or its number; an item of an
    iterator that DynamoDB itself refused is in DynamoDB JSON. `raw` is the text of a row whose cells could not be told
    apart, or of an item that is none.
    """

    table: str
    reason: str
    key: Mapping[str, Any] | None = None
    item: Mapping[str, Any] | None = None
    source: str | None = None
    line: int | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Items that were not stored and will be sent again in `delay_s` seconds.

    `code` is DynamoDB's error code, `UnprocessedItems` for those that an accepted request handed back, or a word for
    a broken connection. `tries` is how often the most tried of them has been sent.
    """

    table: str
    items: int
    code: str
    delay_s: float
    tries: int


@dataclass(frozen=True, slots=True)
class BatchSent:
    """One BatchWriteItem request and its end: how many of its `items` were acknowledged, in `elapsed_s` seconds.

    `code` is None when it was accepted, also where it handed items back; otherwise as in `Retry`.
    """

    table: str
    items: int
    written: int
    consumed_wcu: float
    elapsed_s: float
    code: str | None = None


class OnReject(Protocol):
    """Hears of every item that was rejected."""

    def __call__(self, rejection: Rejection, /) -> object: ...


class OnRetry(Protocol):
    """Hears of items that will be sent again."""

    def __call__(self, retry: Retry, /) -> object: ...


class OnBatch(Protocol):
    """Hears of every request that has ended."""

    def __call__(self, batch: BatchSent, /) -> object: ...
