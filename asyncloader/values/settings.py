"""Settings: small frozen values, checked when they are made and passed down, never global."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from asyncloader.values.budget import Budget
from asyncloader.values.change import CapacityChange
from asyncloader.values.errors import UsageError
from asyncloader.values.pacing import PacingSettings
from asyncloader.values.schema import AttributeType, KeyAttribute
from asyncloader.values.spread import Spread

EmptyCells = Literal["drop", "null", "keep"]
TransportName = Literal["auto", "lean", "aioboto3"]

BATCH_ITEMS = 25
"""Put requests in one BatchWriteItem call (DYNAMODB.md)."""
REQUEST_LIMIT_BYTES = 16 * 1024 * 1024
"""Size of one BatchWriteItem request (DYNAMODB.md)."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, an IPv6 address without its end
        return False


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV source is written: RFC 4180 unless said otherwise.

    `columns` names the columns of a source without a header (`header=False`), or replaces the header's names.
    `skip_rows` is a number of physical lines before the header.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    header: bool = True
    columns: tuple[str, ...] = ()
    skip_rows: int = 0

    def __post_init__(self) -> None:
        for name in ("delimiter", "quote", "escape"):
            mark = getattr(self, name)
            if mark is None and name != "delimiter":
                continue
            _require(
                isinstance(mark, str) and len(mark) == 1 and mark.isascii() and mark not in "\r\n\0",
                f"--{name} takes one ASCII character, not {mark!r}",
            )
        marks = [mark for mark in (self.delimiter, self.quote, self.escape) if mark]
        _require(len(set(marks)) == len(marks), "--delimiter, --quote and --escape must differ from one another")
        _require(self.header or bool(self.columns), "--no-header needs --columns a,b,c to name the columns")
        _require(self.skip_rows >= 0, f"--skip-rows takes 0 or more, not {self.skip_rows}")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise UsageError(f"--encoding {self.encoding!r} is not an encoding that Python knows") from None

    @property
    def transcodes(self) -> bool:
        """Whether the bytes of the source must be turned into UTF-8 first."""
        return self.encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii")


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
        _require(self.attempts >= 1, f"retry attempts must be 1 or more, not {self.attempts}")
        for name in ("base_s", "cap_s", "request_timeout_s", "connect_timeout_s"):
            _require(getattr(self, name) > 0, f"{name} must be more than 0")


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
                _require(0 <= (limit.percent or 0) <= 100, "")
            else:
                limit = cls(rows=int(text))
                _require((limit.rows or 0) >= 0, "")
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
        _require(
            self.transport in get_args(TransportName),
            f"--transport takes one of {', '.join(get_args(TransportName))}, not {self.transport!r}",
        )
        _require(
            self.endpoint_url is None or _is_web_address(self.endpoint_url),
            f"--endpoint-url takes an address like http://127.0.0.1:8000 or https://host, not {self.endpoint_url!r}",
        )


@dataclass(frozen=True, slots=True)
class CreateSettings:
    """Create the table if it is missing, on demand, with this key."""

    key: KeyAttribute
    sort_key: KeyAttribute | None = None

    def __post_init__(self) -> None:
        _require(self.sort_key is None or self.sort_key.name != self.key.name, "--key and --sort-key must differ")

    @classmethod
    def of(cls, key: str | None, sort_key: str | None) -> CreateSettings:
        """Read `NAME[:S|N|B]` for both; raises `UsageError` without a key."""
        _require(bool(key), "--create needs --key NAME[:S|N|B] to know the partition key of the new table")
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
    `dissect` keeps of every encoded block what its items are made of, which a survey wants and a load does not.
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
    change: CapacityChange = field(default_factory=CapacityChange)
    journal: Path | None = None
    resume: bool = False
    restart: bool = False
    create: CreateSettings | None = None
    retry: RetrySettings = field(default_factory=RetrySettings)
    spread: Spread = field(default_factory=Spread)
    block_bytes: int = 1024 * 1024
    blocks_in_flight: int = 6
    dissect: bool = False

    def __post_init__(self) -> None:
        _require(1 <= self.workers <= 1024, f"--workers takes 1 to 1024 or auto, not {self.workers}")
        _require(self.empty in get_args(EmptyCells), f"--empty takes drop, null or keep, not {self.empty!r}")
        _require(self.limit is None or self.limit >= 0, f"--limit takes 0 or more, not {self.limit}")
        _require(not (self.resume and self.restart), "--resume and --restart contradict one another")
        _require(
            self.limit is None or self.spread.lanes == 1,
            "--limit counts rows from the begin of the sources, and --spread reads several places of them at once; "
            "leave one of the two out",
        )
        _require(self.block_bytes >= 16, f"block_bytes must be 16 or more, not {self.block_bytes}")
        _require(self.blocks_in_flight >= 1, f"blocks_in_flight must be 1 or more, not {self.blocks_in_flight}")
