"""What a column holds: kinds of values, empty cells, the longest value. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from asyncloader.encode.key_columns import text_buffers
from asyncloader.survey.kinds import Kind, Kinds, kinds_of
from asyncloader.values.plan import Cell, ColumnPlan, Location

SHOWN = 40
"""So many characters of a value are shown."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of one block; rows are counted in the block, lengths in bytes of UTF-8."""

    column: pa.StringArray
    empty: int
    kinds: Kinds
    longest_bytes: int
    longest_row: int


def facts(column: pa.StringArray) -> ColumnFacts:
    """Look at one column of a block."""
    lengths = np.diff(text_buffers(column)[0])
    longest = int(lengths.argmax()) if len(lengths) else 0
    return ColumnFacts(
        column=column,
        empty=int(np.count_nonzero(lengths == 0)),
        kinds=kinds_of(column),
        longest_bytes=int(lengths[longest]) if len(lengths) else 0,
        longest_row=longest,
    )


@dataclass(slots=True)
class ColumnTally:
    """One column over all blocks. `spot` of `add` tells where a row of the block is, and is asked only for what is new."""

    name: str
    cells: int = 0
    empty: int = 0
    counts: dict[Kind, int] = field(default_factory=dict)
    first: dict[Kind, Cell] = field(default_factory=dict)
    leading_zeros: int = 0
    beyond_38_digits: int = 0
    longest_bytes: int = 0
    longest: Cell | None = None

    def add(self, found: ColumnFacts, spot: Callable[[int], Location]) -> None:
        """The next block."""
        self.cells += len(found.column)
        self.empty += found.empty
        self.leading_zeros += found.kinds.leading_zeros
        self.beyond_38_digits += found.kinds.beyond_38_digits
        for kind, count in found.kinds.counts.items():
            if kind not in self.counts:
                row = found.kinds.first[kind]
                self.first[kind] = Cell(_shown(found.column[row].as_py()), spot(row))
            self.counts[kind] = self.counts.get(kind, 0) + count
        if found.longest_bytes > self.longest_bytes:
            self.longest_bytes = found.longest_bytes
            row = found.longest_row
            self.longest = Cell(_shown(found.column[row].as_py()), spot(row))

    def plan(self, stored_as: str) -> ColumnPlan:
        """The result."""
        usual = sorted(self.counts, key=lambda kind: (-self.counts[kind], kind))
        return ColumnPlan(
            name=self.name,
            type=stored_as,
            cells=self.cells,
            empty=self.empty,
            kinds={str(kind): self.counts[kind] for kind in usual},
            first={str(kind): self.first[kind] for kind in usual},
            leading_zeros=self.leading_zeros,
            beyond_38_digits=self.beyond_38_digits,
            longest_bytes=self.longest_bytes,
            longest=self.longest,
        )


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
