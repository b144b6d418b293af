"""What a writer is doing at this moment, and has done since it was opened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of a `BatchWriter`; counts are since it was opened.

    `pending_items` puts wait for their fate, with JSON of `pending_bytes`; `queue_depth` of them are not being sent
    at this moment. `waiting_puts` are calls of `put` that wait for room. `in_flight` are requests. `put` counts
    accepted puts and deletes; `put = written + rejected + replaced` once nothing is pending. A replaced put is pending,
    too, until it shares the fate of the newer one of its key. `retried`, `unprocessed` are items, `throttled`
    refused requests. `p50_s`, `p95_s` and `p99_s` are seconds from a put to its acknowledgement, over the last one to
    two minutes, for each batch from its first item on; None while there were none.
    """

    table: str
    is_open: bool
    put: int
    pending_items: int
    pending_bytes: int
    queue_depth: int
    waiting_puts: int
    in_flight: int
    written: int
    rejected: int
    replaced: int
    requests: int
    retried: int
    unprocessed: int
    throttled: int
    consumed_wcu: float
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None

    def as_dict(self) -> dict[str, Any]:
        """The same, for a health endpoint."""
        return asdict(self)
