"""What a load or a writer reports: counts, the result, a snapshot, what limited it, hot keys."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Counts:
    """What has happened so far; `rows_*` and `items_*` are numbers of rows, `consumed_wcu` is in WCU.

    `rows_read = items_written + rows_rejected + rows_superseded + rows_filtered` holds at the end of a
    complete load. `retried_items` are items sent again for whatever reason, `unprocessed_items` the ones handed
    back by an accepted request, `throttled_requests` the requests refused whole.
    """

    rows_read: int = 0
    items_written: int = 0
    rows_rejected: int = 0
    rows_superseded: int = 0
    rows_filtered: int = 0
    requests: int = 0
    retried_items: int = 0
    unprocessed_items: int = 0
    throttled_requests: int = 0
    consumed_wcu: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in Counts.__slots__))

    def __sub__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) - getattr(other, name) for name in Counts.__slots__))

    def as_dict(self) -> dict[str, int | float]:
        return {name: getattr(self, name) for name in Counts.__slots__}

    @property
    def rows_settled(self) -> int:
        """Rows that are written, rejected, superseded or filtered."""
        return self.items_written + self.rows_rejected + self.rows_superseded + self.rows_filtered


@dataclass(frozen=True, slots=True)
class Report:
    """What a load did; `complete` says that every row of every source is settled.

    `counts` cover the whole load since its first start, `this_run` this run alone. `elapsed_s` is in seconds of
    this run. `limited_by` is what held this run back, `hot_keys` the partition keys that were refused while others passed;
    `shard_key` says how to find the items again whose partition key was split.
    """

    table: str
    sources: tuple[str, ...]
    counts: Counts
    this_run: Counts
    elapsed_s: float
    rejects_file: str | None
    complete: bool
    shard_key: dict[str, Any] | None = None
    limited_by: CapacityLimit | None = None
    hot_keys: tuple[HotKey, ...] = ()

    @property
    def items_per_s(self) -> float:
        """Items written in this run per second of this run."""
        return self.this_run.items_written / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def reconciles(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.counts.rows_read == self.counts.rows_settled

    def as_dict(self) -> dict[str, Any]:
        """The JSON result of the command line."""
        return {
            "table": self.table,
            "sources": list(self.sources),
            **self.counts.as_dict(),
            "elapsed_s": round(self.elapsed_s, 3),
            "items_per_s": round(self.items_per_s, 1),
            "rejects_file": self.rejects_file,
            "complete": self.complete,
            "limited_by": None if self.limited_by is None else self.limited_by.what,
            "hot_keys": [key.as_dict() for key in self.hot_keys],
            "shard_key": self.shard_key,
            "this_run": self.this_run.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of a `BatchWriter`; counts are since it was opened.

    `pending_items` puts are not settled yet, with JSON of `pending_bytes`; `queue_depth` of them are not being sent
    at this moment. `waiting_puts` are calls of `put` that wait. `in_flight` are requests. `put` counts
    accepted puts and deletes; `put = written + rejected + replaced` once nothing is pending. A replaced put is pending,
    too, until it shares the outcome of the newer one of its key. `retried`, `unprocessed` are items, `throttled`
    refused requests. `p50_s`, `p95_s` and `p99_s` are seconds from a put to its acknowledgement, over the last one to
    two minutes, for each batch from its first item on; None while there are none.
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


@dataclass(frozen=True, slots=True)
class CapacityLimit:
    """`what` names the limit ("table", "index by-city", …), `size` says how large it is, `advice` what changes it."""

    what: str
    size: str = ""
    advice: str = ""

    @property
    def brief(self) -> str:
        return f"{self.what}, {self.size}" if self.size else self.what

    def __str__(self) -> str:
        return f"{self.brief}; {self.advice}" if self.advice else self.brief


@dataclass(frozen=True, slots=True)
class HotKey:
    """A partition key that was refused while others passed.

    `key` is its text, `refused` how many of its items were handed back, `share` that number by all items handed back.
    """

    key: str
    refused: int
    share: float

    def as_dict(self) -> dict[str, str | int | float]:
        return {"key": self.key, "refused": self.refused, "share": round(self.share, 4)}
