"""The result of a plan: what a load of these sources would write, reject, use, cost, and how long it would take.

All figures are for the whole of the sources. Where only a sample was read they are extrapolated, and `Plan.sample`
tells how far the truth may be away; only repeated and different keys, sizes and columns are those of the sample.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

LimitKind = Literal["table", "index", "cap", "order", "key"]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source. `line` counts from 1; it is None in a sample that did not read what lies before it, where
    `offset` in bytes is where the record starts."""

    source: str
    line: int | None
    offset: int | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.source}:{self.line}"
        return f"{self.source} at byte {self.offset:,}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as an example, shortened, and where it stands."""

    text: str
    spot: Location


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows would be rejected: the words for the first of them, how many there are, and where the first ones stand."""

    reason: str
    rows: int
    spots: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What part of the sources was read, and how far the truth may be from the figures.

    `fraction` is of the bytes of text. Each `*_spread` is half of a 95% interval, from how much the blocks that were
    read differ from one another; what is rare and stands in few places may be missed by any sample.
    """

    fraction: float
    rows_read: int
    blocks_read: int
    rows_spread: int
    rejected_spread: int
    wcu_spread: int


@dataclass(frozen=True, slots=True)
class ItemSizes:
    """Sizes of items in bytes as DynamoDB counts them; of a sample `max_bytes` is what it found."""

    mean_bytes: float
    p50_bytes: int
    p99_bytes: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """The entries that the items make in one index, and their write capacity units."""

    name: str
    entries: int
    wcu: int


@dataclass(frozen=True, slots=True)
class HeavyKey:
    """One partition key and its units: at least, at most, and the share of all units (of the upper figure)."""

    key: str
    wcu_least: int
    wcu_most: int
    share: float


@dataclass(frozen=True, slots=True)
class Partitions:
    """How the units spread over the partition keys of `owner`, the table ("") or a global index.

    `distinct` is the number of different keys (of a sample: in the sample). `in_order_wcu` adds up the units of the
    heaviest key of every stretch of the source that a load has in flight at a time.
    """

    owner: str
    key: str
    distinct: int
    wcu: int
    heaviest: tuple[HeavyKey, ...]
    in_order_wcu: int


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """One column of the rows that were read: `cells` of them, so many `empty`, the others of these `kinds`.

    `type` is what they would be stored as, `first` the first value of each kind.
    """

    name: str
    type: str
    cells: int
    empty: int
    kinds: dict[str, int]
    first: dict[str, Cell]
    leading_zeros: int
    beyond_38_digits: int
    longest_bytes: int
    longest: Cell | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What the writes cost on demand, in US dollars; `estimated` says that the price is another region's.

    `price_usd` is for a million write request units, as of `price_date` by `price_source`.
    """

    usd: float
    price_usd: float
    price_region: str | None
    price_date: str | None
    price_source: str
    estimated: bool


@dataclass(frozen=True, slots=True)
class DurationLimit:
    """One thing that a load must wait for, and for how many seconds at least.

    `kind` is table or index (their capacity), cap (`--max-wcu`), order (rows of one partition key stand together) or
    key (the heaviest partition key); `owner` is the index, or "" for the table; `what` says it in words.
    """

    kind: LimitKind
    owner: str
    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Duration:
    """How long the load takes at least: as long as the slowest of its `limits`, which are in that order.

    `basis` says which capacity is supposed.
    """

    seconds: float
    basis: str
    limits: tuple[DurationLimit, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do. `option` is what to add to the command, where there is such an option; `seconds` how long the
    load takes once this and what stands before it is done, where it is about time."""

    text: str
    option: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load would do.

    `rows = items + rows_rejected + rows_superseded` holds. `items` is what would be sent; `rows_repeating` of the rows
    have a key that stands in an earlier row already, `rows_superseded` of them are never sent, because a later row
    stands so near that only that one is. `repeating_spread` is half of its 95% interval, 0 where it is exact. `wcu` is
    for items that are new to the table, with all indexes; `table_wcu` without them.
    """

    sources: tuple[str, ...]
    table: str | None
    rows: int
    items: int
    rows_rejected: int
    rows_superseded: int
    rows_repeating: int
    repeating_spread: int
    keys: int
    rejects: tuple[Reason, ...]
    sizes: ItemSizes
    wcu: int
    table_wcu: int
    indexes: tuple[IndexPlan, ...]
    partitions: tuple[Partitions, ...]
    cost: Cost
    duration: Duration
    columns: tuple[ColumnPlan, ...]
    advice: tuple[Advice, ...]
    sample: Sample | None
    elapsed_s: float

    @property
    def clean(self) -> bool:
        """Whether no row that was read would be rejected."""
        return not self.rows_rejected and not self.rejects

    def as_dict(self) -> dict[str, Any]:
        """The JSON result of the command line."""
        return {**asdict(self), "clean": self.clean, "elapsed_s": round(self.elapsed_s, 3)}
