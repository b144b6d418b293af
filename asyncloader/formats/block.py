"""Blocks: whole records of one source, in order, whatever they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Block(Protocol):
    """A block as the engine sees it; only the input that cut it knows its content.

    `source` is the source's index, `number` counts the blocks of its split from 0. `offset` and `line` are where it starts,
    `end` and `end_line` where the next one does: bytes and physical lines of a text, rows of anything else (lines from
    1, offsets from 0). `size_bytes` is what it holds, `read_bytes` how much of the source had been read when it was cut.
    """

    @property
    def source(self) -> int: ...

    @property
    def number(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def line(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def end_line(self) -> int: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def read_bytes(self) -> int: ...


Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class RowBlock(Generic[Held]):
    """`count` rows of one source, behind `offset` earlier ones: a `Block`. Its lines are the rows' numbers, from 1."""

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

    def record_starts(self) -> list[tuple[int, int]]:
        """The offset and the number of every row."""
        return [(row, row + 1) for row in range(self.offset, self.end)]
