"""How far a load is done for good."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from asyncloader.values.report import Counts


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading begins or goes on.

    `source` is the source's index; `offset` a byte of its (decompressed, UTF-8) text and `line` the line there, with
    0 for the source's begin; `rows` how many rows of all sources lie before.
    """

    source: int = 0
    offset: int = 0
    line: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Watermark:
    """Everything before `place` is settled; `counts` since the load's first start, `rejects_bytes` of the reject file."""

    place: Place = field(default_factory=Place)
    counts: Counts = field(default_factory=Counts)
    rejects_bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        """What the journal keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Watermark:
        """What the journal kept."""
        return cls(Place(**told["place"]), Counts(**told["counts"]), told["rejects_bytes"])
