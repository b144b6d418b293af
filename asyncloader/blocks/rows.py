"""Rows that never were a text: a piece of a frame, or of an iterator of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class Rows(Generic[Held]):
    """`count` rows of one source, of which `offset` lie before: a `Piece`. Its lines are the rows' numbers, from 1."""

    source: int
    number: int
    held: Held
    offset: int
    count: int
    size_bytes: int = 0
    read_bytes: int = 0

    @property
    def line(self) -> int:
        return self.offset + 1

    @property
    def end(self) -> int:
        return self.offset + self.count

    @property
    def end_line(self) -> int:
        return self.end + 1

    def begins(self) -> list[tuple[int, int]]:
        """The offset and the number of every row."""
        return [(row, row + 1) for row in range(self.offset, self.end)]
