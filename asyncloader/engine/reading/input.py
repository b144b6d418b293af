"""What the engine knows of a source: that it can be cut into blocks, that a block can be encoded, and its rejects reported.

A file is one kind of input (`engine.reading.text`); whatever else becomes a source is another one, and nobody else notices.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.steps import Steps
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow
from asyncloader.records.checkpoint import Position
from asyncloader.records.rejects import Reject
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings

if TYPE_CHECKING:
    from asyncloader.encode.key_columns import KeyColumns


class Quota:
    """How many rows of all sources may still be read; None: all of them."""

    __slots__ = ("rows",)

    def __init__(self, rows: int | None) -> None:
        self.rows = rows

    @property
    def is_used_up(self) -> bool:
        return self.rows == 0

    def take(self, rows: int) -> None:
        """So many rows have been read."""
        if self.rows is not None:
            self.rows -= rows


class Input(Protocol):
    """One source that has been looked at, in the order of the events.

    `name` is how messages name it, `columns` its own columns (None where each row names its own), `size_bytes`
    its size as stored, if that is known.
    """

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> tuple[str, ...] | None: ...

    @property
    def size_bytes(self) -> int | None: ...

    def fingerprint(self) -> dict[str, Any] | None:
        """What a journal remembers of it; None if it cannot be read a second time. May block; raises `OSError`."""

    def bind(self, table: Table, settings: LoadSettings) -> None:
        """Be ready to encode for a table; raises `UsageError` where source, options and table do not fit."""

    def blocks(
        self, settings: LoadSettings, start: Position | None, end: int | None, numbers: Iterator[int], quota: Quota
    ) -> AsyncGenerator[Block, None]:
        """Its blocks from `start` (None: its start) up to the offset `end` (None: its end), numbered, until the quota is
        used up; raises `SourceError`."""
        ...

    def encode(self, block: Any) -> Steps[EncodedBlock]:
        """Decode and encode one of its blocks, in steps of which the long ones run in a thread."""
        ...

    def record_starts(self, block: Any) -> Sequence[tuple[int, int]]:
        """Where each record of a block starts: its offset and its line."""

    def rejects(self, block: Any, bad: Sequence[BadRow]) -> list[Reject]:
        """The bad rows of a block as the reject file has them; runs in a thread."""
        ...


@runtime_checkable
class Splittable(Input, Protocol):
    """An input that can be read in several places at once, unless `unsplittable_reason` says why not."""

    @property
    def unsplittable_reason(self) -> str | None: ...

    def keys(self, block: Any) -> KeyColumns:
        """The keys in one of its blocks, and which of its records they are in; runs in a thread."""
        ...


def check_key(name: str, columns: Sequence[str], table: Table) -> None:
    """Raises `UsageError` where the source of this name lacks a column for the table's key."""
    for key in table.key:
        if key.name not in columns:
            raise UsageError(
                f"{name}: has no column {key.name!r}, which is a key of table {table.name}; its columns are {some(columns)}"
            )


def some(names: Sequence[str]) -> str:
    """The first names in words, to be recognised by."""
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
