"""Settings: small frozen values, checked when they are made and passed down, never global."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from asyncloader.values.budget import Budget
from asyncloader.values.capacity_change import CapacitySettings
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import UsageError, require
from asyncloader.values.schema import AttributeType, KeyAttribute
from asyncloader.values.spread import Spread

EmptyCells = Literal["drop", "null", "keep"]
TransportName = Literal["auto", "native", "lean", "aioboto3"]
"""`lean` is the name that `native` had at first; it is still accepted."""


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, an IPv6 address without its end
        return False


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """When to send again, and when to stop: full jitter between 0 and `base_s * 2**n`, at most `cap_s`.

    `attempts` counts only attempts during which the whole load did not advance by a single item.
    """

    attempts: int = 12
    base_s: float = 0.05
    cap_s: float = 20.0
    request_timeout_s: float = 30.0
    connect_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        require(self.attempts >= 1, f"retry attempts must be 1 or more, not {self.attempts}")
        for name in ("base_s", "cap_s", "request_timeout_s", "connect_timeout_s"):
            require(getattr(self, name) > 0, f"{name} must be more than 0")


UTILIZATION = 0.95
"""Of the described capacity: what is left keeps a table that others use, too, from being throttled."""


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """`max_wcu` caps the WCU used in any second; `utilization` is the part of the described capacity that is used.

    The lower of the two holds. A `utilization` of None leaves `max_wcu` as the only pace: the description is not
    followed, nothing is learnt, and what is refused is only sent again later.
    """

    max_wcu: float | None = None
    utilization: float | None = UTILIZATION

    def __post_init__(self) -> None:
        if self.max_wcu is not None and not self.max_wcu >= 1:
            raise UsageError(f"--max-wcu takes 1 or more WCU a second, not {self.max_wcu}")
        if self.utilization is not None and not 0 < self.utilization <= 1:
            raise UsageError(
                f"--utilization takes a part of the described capacity, more than 0 and at most 1, or 'off', not {self.utilization:g}"
            )

    @classmethod
    def parse(cls, max_wcu: float | None, utilization: str) -> PacingSettings:
        """Read the options of the command; raises `UsageError`."""
        if utilization == "off":
            return cls(max_wcu, None)
        try:
            return cls(max_wcu, float(utilization))
        except ValueError:
            raise UsageError(
                f"--utilization takes a part of the described capacity such as 0.95, or 'off', not {utilization!r}"
            ) from None


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """More rejected rows than this stop the load: an absolute number, or a percentage of the rows read.

    A percentage is judged from row 1,000 on, and at the end.
    """

    rows: int | None = None
    percent: float | None = None

    FIRST_JUDGED_ROW = 1_000

    @classmethod
    def parse(cls, text: str) -> RejectLimit:
        """Read `N` or `N%`."""
        try:
            if text.endswith("%"):
                limit = cls(percent=float(text[:-1]))
                require(0 <= (limit.percent or 0) <= 100, "")
            else:
                limit = cls(rows=int(text))
                require((limit.rows or 0) >= 0, "")
        except (ValueError, UsageError):
            raise UsageError(f"--max-rejects takes a number of rows or a percentage like 5%, not {text!r}") from None
        return limit

    def exceeded(self, rejected: int, read: int, *, at_end: bool = False) -> bool:
        """Whether `rejected` rows out of `read` are too many."""
        if self.rows is not None and rejected > self.rows:
            return True
        if self.percent is None or (read < self.FIRST_JUDGED_ROW and not at_end):
            return False
        return rejected * 100 > self.percent * read

    def __str__(self) -> str:
        return f"{self.rows}" if self.percent is None else f"{self.percent:g}%"


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Where the table is and who we are; what is None comes from the environment as for any AWS tool."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    transport: TransportName = "auto"

    def __post_init__(self) -> None:
        require(
            self.transport in get_args(TransportName),
            f"--transport takes one of auto, native, aioboto3, not {self.transport!r}",
        )
        require(
            self.endpoint_url is None or _is_web_address(self.endpoint_url),
            f"--endpoint-url takes an address like http://127.0.0.1:8000 or https://host, not {self.endpoint_url!r}",
        )


@dataclass(frozen=True, slots=True)
class CreateSettings:
    """Create the table if it is missing, on demand, with this key."""

    key: KeyAttribute
    sort_key: KeyAttribute | None = None

    def __post_init__(self) -> None:
        require(self.sort_key is None or self.sort_key.name != self.key.name, "--key and --sort-key must differ")

    @classmethod
    def of(cls, key: str | None, sort_key: str | None) -> CreateSettings:
        """Read `NAME[:S|N|B]` for both; raises `UsageError` without a key."""
        require(bool(key), "--create needs --key NAME[:S|N|B] to know the partition key of the new table")
        return cls(KeyAttribute.parse(key or ""), KeyAttribute.parse(sort_key) if sort_key else None)


AUTO = "auto"
AUTO_WORKERS = 256
"""The most requests in flight where their number is found out."""


def read_workers(given: int | str) -> tuple[int, bool]:
    """The number of writers, and whether it is the most only: `auto` leaves it to the load. Raises `UsageError`."""
    if given == AUTO:
        return AUTO_WORKERS, True
    try:
        return int(given), False
    except ValueError:
        raise UsageError(f"--workers takes 1 to 1024 or auto, not {given!r}") from None


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """Everything that a load needs to know besides its table and its sources.

    `workers` is how many requests may be in flight; with `auto_workers` it is the most, and how many is found out.
    `types` maps column names to DynamoDB types; `block_bytes` is how much of a source is parsed at once and
    `blocks_in_flight` how many such blocks may be unfinished, which bounds memory and what a resume sends again.
    `keep_breakdown` keeps of every encoded block what its items are made of, which a plan wants and a load does not.
    """

    workers: int = 32
    auto_workers: bool = False
    types: dict[str, AttributeType] = field(default_factory=dict)
    empty: EmptyCells = "drop"
    dialect: Dialect = field(default_factory=Dialect)
    limit: int | None = None
    rejects: Path | None = None
    max_rejects: RejectLimit | None = None
    budget: Budget = field(default_factory=Budget)
    pacing: PacingSettings = field(default_factory=PacingSettings)
    change: CapacitySettings = field(default_factory=CapacitySettings)
    journal: Path | None = None
    resume: bool = False
    restart: bool = False
    create: CreateSettings | None = None
    retry: RetrySettings = field(default_factory=RetrySettings)
    spread: Spread = field(default_factory=Spread)
    block_bytes: int = 1024 * 1024
    blocks_in_flight: int = 6
    keep_breakdown: bool = False

    def __post_init__(self) -> None:
        require(1 <= self.workers <= 1024, f"--workers takes 1 to 1024 or auto, not {self.workers}")
        require(self.empty in get_args(EmptyCells), f"--empty takes drop, null or keep, not {self.empty!r}")
        require(self.limit is None or self.limit >= 0, f"--limit takes 0 or more, not {self.limit}")
        require(not (self.resume and self.restart), "--resume and --restart contradict one another")
        require(
            self.limit is None or self.spread.splits == 1,
            "--limit counts rows from the start of the sources, and --spread reads several places of them at once; "
            "leave one of the two out",
        )
        require(self.block_bytes >= 16, f"block_bytes must be 16 or more, not {self.block_bytes}")
        require(self.blocks_in_flight >= 1, f"blocks_in_flight must be 1 or more, not {self.blocks_in_flight}")


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """`workers` requests in flight; a batch is sent when it is full, or `linger_s` seconds after its first item.

    At most `max_pending_items` puts, with JSON of `max_pending_bytes`, are pending; `put` waits beyond that.
    A single item that is longer is taken when nothing else is pending. `raw` says that items are DynamoDB JSON.
    """

    workers: int = 8
    linger_s: float = 0.02
    max_pending_items: int = 10_000
    max_pending_bytes: int = 64 * 1024 * 1024
    pacing: PacingSettings = field(default_factory=PacingSettings)
    raw: bool = False
    retry: RetrySettings = field(default_factory=RetrySettings)

    def __post_init__(self) -> None:
        require(1 <= self.workers <= 1024, f"workers must be 1 to 1024, not {self.workers}")
        require(0 <= self.linger_s <= 3600, f"linger must be 0 to 3600 seconds, not {self.linger_s}")
        for name in ("max_pending_items", "max_pending_bytes"):
            require(getattr(self, name) >= 1, f"{name} must be 1 or more, not {getattr(self, name)}")
