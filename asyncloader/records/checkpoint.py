"""How far a load is done for good.

A load reads its sources in one split, or with `--spread K` in K of them: together they cover every byte of every
source once, each is read in order, and each has its own position up to which everything is settled.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from asyncloader.values.report import Counts


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading starts or goes on.

    `source` is the source's index; `offset` a byte of its (decompressed, UTF-8) text and `line` the line there, with
    0 for the source's start; `rows` how many rows of this split are before it.
    """

    source: int = 0
    offset: int = 0
    line: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """What is left of a part of the sources that is read in order: from `position` on.

    It ends before byte `end_offset` of source `end_source`, or with the last source where that is None.
    """

    position: Position = field(default_factory=Position)
    end_source: int | None = None
    end_offset: int = 0

    def moved_to(self, position: Position) -> Split:
        """The same split once everything before `position` is done."""
        return replace(self, position=position)

    def end_in(self, source: int) -> int | None:
        """Before which byte of `source` the split ends; None: it goes on to the source's end."""
        return self.end_offset if source == self.end_source else None

    def covers(self, source: int) -> bool:
        """Whether some of `source` is left in this split."""
        if source < self.position.source or (self.end_source is not None and source > self.end_source):
            return False
        return source != self.end_source or self.end_offset > 0


UNSPLIT: tuple[Split, ...] = (Split(),)
"""All sources in one split."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that is before the positions of the `splits` is settled.

    `counts` since the load's first start, `rejects_bytes` of the reject file.
    """

    splits: tuple[Split, ...] = UNSPLIT
    counts: Counts = field(default_factory=Counts)
    rejects_bytes: int = 0

    def as_json(self) -> dict[str, Any]:
        """What the journal keeps; a split is `[source, offset, line, rows, end_source, end_offset]`."""
        splits = [
            [
                split.position.source,
                split.position.offset,
                split.position.line,
                split.position.rows,
                split.end_source,
                split.end_offset,
            ]
            for split in self.splits
        ]
        return {"splits": splits, "counts": asdict(self.counts), "rejects_bytes": self.rejects_bytes}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Checkpoint:
        """What the journal kept."""
        splits = tuple(Split(Position(*split[:4]), *split[4:]) for split in kept["splits"])
        return cls(splits, Counts(**kept["counts"]), kept["rejects_bytes"])
