"""The reject file: every row that could not be stored, with its line and the reason, ready to be mended and loaded.

It is written in the dialect of the sources, in the order of the file, and made with the first reject, readable by
its owner only, since it may hold personal data. One that an earlier load left is moved aside, never overwritten.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from asyncloader.formats.csv.header import ERROR_COLUMN, LINE_COLUMN, RAW_COLUMN, SOURCE_COLUMN
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import UsageError

UNIT_SYMBOL = "␟"
"""Replaces the delimiter in reasons and raw texts where the dialect has no way to quote it."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One rejected row: its cells by column name, or its raw text where they cannot be separated.

    `item` is for hooks: an item that was no row, as it came, or in DynamoDB JSON where the service refused it.
    """

    source: str
    line: int
    reason: str
    cells: dict[str, str]
    raw: str = ""
    item: Mapping[str, Any] | None = None


class RejectFile:
    """Appends rejects; all methods block and are called from one thread at a time. Raises `OSError`."""

    def __init__(self, path: Path, columns: Iterable[str], dialect: Dialect, *, several_sources: bool) -> None:
        self.path = path
        beside = [SOURCE_COLUMN] if several_sources else []
        self._columns = [*dict.fromkeys(columns), *beside, LINE_COLUMN, ERROR_COLUMN, RAW_COLUMN]
        self._dialect = dialect
        self._file: IO[bytes] | None = None
        encoding = dialect.encoding if dialect.transcodes else "utf-8"
        self._encoder = codecs.getincrementalencoder(encoding)(errors="backslashreplace")
        self.rows = 0
        self.size_bytes = 0

    @property
    def exists(self) -> bool:
        """Whether this load has made the file."""
        return self.size_bytes > 0

    def make_room(self, sources: Sequence[Path]) -> Path | None:
        """Move what an earlier load left out of the way; returns its new name. A source stays, and this file gets another name."""
        if not self.path.is_file():
            return None
        if any(source.exists() and source.samefile(self.path) for source in sources):
            self.path = _free_name(
                self.path, lambda path, number: path.with_name(f"{path.stem}-{number}{path.suffix}"), 2
            )
            return None
        aside = _free_name(self.path, lambda path, number: path.with_name(f"{path.name}.{number}"), 1)
        self.path.rename(aside)
        return aside

    def reopen(self, size_bytes: int) -> None:
        """Go on behind the first `size_bytes` of the file, and forget the rest; raises `UsageError` if they are not there."""
        if size_bytes == 0:
            if self.path.is_file():
                self.path.unlink()
            return
        if not self.path.is_file() or self.path.stat().st_size < size_bytes:
            raise UsageError(
                f"{self.path}: the rejects of the load to resume are not there any more; start anew with --restart"
            )
        self._file = self.path.open("r+b")  # open as long as the load runs
        self._file.truncate(size_bytes)
        self._file.seek(size_bytes)
        self._encoder.setstate(0)  # behind the byte order mark, if the encoding has one
        self.size_bytes = size_bytes

    def append(self, rejects: Sequence[Reject]) -> None:
        """Write rejects, and return once they are on the disk."""
        if not rejects:
            return
        if self._file is None:
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
            self._write([dict(zip(self._columns, self._columns, strict=True))])
        self._write(
            {
                **reject.cells,
                SOURCE_COLUMN: reject.source,
                LINE_COLUMN: str(reject.line),
                ERROR_COLUMN: reject.reason,
                RAW_COLUMN: reject.raw,
            }
            for reject in rejects
        )
        self._file.flush()
        if self.path.is_file():
            os.fsync(self._file.fileno())
        self.rows += len(rejects)

    def close(self) -> None:
        """Close the file if there is one."""
        if self._file is not None:
            # What was appended is on disk; a write that failed has been raised, and is only tried again here.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _write(self, rows: Iterable[dict[str, str]]) -> None:
        assert self._file is not None
        text = io.StringIO(newline="")
        dialect = self._dialect
        for row in rows:
            self._writer(text, row).writerow(row if dialect.quote or dialect.escape else self._plain(row))
        data = self._encoder.encode(text.getvalue())
        self._file.write(data)
        self.size_bytes += len(data)

    def _writer(self, text: io.StringIO, row: dict[str, str]) -> csv.DictWriter[str]:
        """A writer in the dialect of the sources."""
        dialect = self._dialect
        quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
        if dialect.quote and any("\r" in cell for cell in row.values()):
            # Before Python 3.13 the minimum leaves out a CR by itself, which ends a record all the same.
            quoting = csv.QUOTE_ALL
        return csv.DictWriter(
            text,
            self._columns,
            restval="",
            extrasaction="ignore",
            lineterminator="\n",
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            quoting=quoting,
            doublequote=True,
            escapechar=dialect.escape,
        )

    def _plain(self, row: dict[str, str]) -> dict[str, str]:
        """The row where nothing can be quoted: the source's own cells need it not, ours show what would end a cell."""
        shown = str.maketrans({self._dialect.delimiter: UNIT_SYMBOL, "\n": " ", "\r": " "})
        return {name: text.translate(shown) for name, text in row.items()}


def _free_name(path: Path, name: object, first: int) -> Path:
    assert callable(name)
    number = first
    while (candidate := name(path, number)).exists():
        number += 1
    return Path(candidate)
