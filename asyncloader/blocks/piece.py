"""What every block is, whatever it holds: whole records of one source, in their order."""

from __future__ import annotations

from typing import Protocol


class Piece(Protocol):
    """A block as the engine knows it; what it holds is for the input that cut it.

    `source` is the source's index, `number` counts the blocks of its lane from 0. `offset` and `line` are where it begins,
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
