"""Settings of a `BatchWriter`."""

from __future__ import annotations

from dataclasses import dataclass, field

from asyncloader.values.errors import UsageError
from asyncloader.values.pacing import PacingSettings
from asyncloader.values.settings import RetrySettings


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """`workers` requests in flight; a batch is sent when it is full, or `linger_s` seconds after its first item.

    At most `max_pending_items` puts, with JSON of `max_pending_bytes`, wait for their fate; `put` waits beyond that.
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
        _require(1 <= self.workers <= 1024, f"workers must be 1 to 1024, not {self.workers}")
        _require(0 <= self.linger_s <= 3600, f"linger must be 0 to 3600 seconds, not {self.linger_s}")
        for name in ("max_pending_items", "max_pending_bytes"):
            _require(getattr(self, name) >= 1, f"{name} must be 1 or more, not {getattr(self, name)}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)
