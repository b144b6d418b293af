"""What a CSV text means: Python's own `csv` module, asked for the dialects of this project."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from asyncloader.values.dialect import Dialect

_SENTINEL = "sentinel"


@dataclass(frozen=True)
class Row:
    """One row as `csv.reader` gives it: the line that it starts in, and its cells."""

    line: int
    cells: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Whether its bytes are UTF-8; those that are not are kept as surrogates."""
        try:
            "".join(self.cells).encode()
        except UnicodeEncodeError:
            return False
        return True


@contextmanager
def _any_field_size() -> Iterator[None]:
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def rows(data: bytes, dialect: Dialect, *, first_line: int = 1) -> list[Row]:
    """The rows of `data`, blank lines left out."""
    text = io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
    reader = csv.reader(
        text,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape,
        doublequote=True,
        strict=False,
    )
    found: list[Row] = []
    line = first_line
    with _any_field_size():
        for cells in reader:
            if cells:
                found.append(Row(line, tuple(cells)))
            line = first_line + reader.line_num
    return found


def is_finished(data: bytes, dialect: Dialect) -> bool:
    """Whether `data` ends outside of quotes and not behind an escape character: what follows is a record of its own."""
    behind = rows(data + f"\n{_SENTINEL}\n".encode(), dialect)
    return behind[-1].cells == (_SENTINEL,)
