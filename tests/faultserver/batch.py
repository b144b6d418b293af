"""A checked BatchWriteItem request, and the plan of what becomes of it.

The request is read and validated first; then the rules and the fault of this request each shape the plan;
then the plan is carried out. So a fault never hides a mistake of the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .errors import ServiceError
from .http import Then
from .table import Key, Table
from .values import Item


@dataclass(frozen=True, slots=True)
class Write:
    """One put (an item) or delete (no item) of a request."""

    table: Table
    key: Key
    item: Item | None
    size: int
    request: dict[str, Any]
    """The operation as it was sent."""

    @property
    def normalised(self) -> dict[str, Any]:
        """The operation as the service would hand it back, with numbers in their stored form."""
        if self.item is None:
            return {"DeleteRequest": {"Key": self.table.key_item(self.key)}}
        return {"PutRequest": {"Item": self.item}}


@dataclass(frozen=True, slots=True)
class Batch:
    """A whole request; `number` counts the valid ones from 0."""

    number: int
    writes: tuple[Write, ...]
    consumed_capacity: str = "NONE"

    @property
    def tables(self) -> list[Table]:
        """The tables of the request, each once."""
        return list({write.table.name: write.table for write in self.writes}.values())

    @property
    def items(self) -> list[Item]:
        """The items to put."""
        return [write.item for write in self.writes if write.item is not None]


@dataclass(slots=True)
class Plan:
    """What is to become of a batch: which writes are left, how it is answered, and what the wire does."""

    batch: Batch
    delay_s: float = 0.0
    left: set[int] = field(default_factory=set)
    shuffle: Random | None = None
    normalised: bool = False
    refusal: ServiceError | None = None
    silent: bool = False
    hold_s: float | None = 0.0
    """How long a silent request keeps its connection; None stands for ever."""
    written: float = 1.0
    """The share of the writes that is applied although the request is refused or stays unanswered."""
    drops_tables: bool = False
    body: bytes | None = None
    content_type: str | None = None
    bad_crc: bool = False
    cut_bytes: int | None = None
    says_close: bool = False
    then: Then = Then.KEEP

    def refuse(self, refusal: ServiceError, *, written: float = 0.0) -> None:
        """Answer with an error; of several, the first one stands."""
        if self.refusal is None:
            self.refusal = refusal
            self.written = written

    def stay_silent(self, *, written: float, hold_s: float | None, then: Then) -> None:
        """Never answer."""
        self.silent = True
        self.written = written
        self.hold_s = hold_s
        self.then = then

    def leave(self, indices: Sequence[int] | set[int]) -> None:
        """Hand these writes back as unprocessed."""
        self.left.update(index for index in indices if 0 <= index < len(self.batch.writes))

    def share(self, fraction: float) -> list[int]:
        """The writes that make up a fraction of the batch, chosen by chance but the same in every run."""
        count = len(self.batch.writes)
        return sorted(Random(self.batch.number).sample(range(count), min(count, round(fraction * count))))

    @property
    def acknowledges(self) -> bool:
        """Whether a client that reads the answer correctly may take the writes as done."""
        spoiled = self.silent or self.bad_crc or self.body is not None or self.cut_bytes is not None
        return self.refusal is None and not spoiled
