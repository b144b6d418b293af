"""The header of a source: the names of its columns and where its first record starts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from asyncloader.formats.csv.grammar import LINE_END, Grammar, Record, count_lines, grammar
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import SourceError

OWN_PREFIX = "_asyncloader_"
"""Columns that a reject file has beside the source's own; ignored on input."""
SOURCE_COLUMN = OWN_PREFIX + "source"
LINE_COLUMN = OWN_PREFIX + "line"
ERROR_COLUMN = OWN_PREFIX + "error"
RAW_COLUMN = OWN_PREFIX + "raw"


@dataclass(frozen=True, slots=True)
class Header:
    """The column names of a source; its records start at byte `end`, in line `line`."""

    columns: tuple[str, ...]
    end: int
    line: int

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The columns that hold data: without those that a reject file added."""
        return tuple(name for name in self.columns if not name.startswith(OWN_PREFIX))


def read_header(name: str, head: bytes, dialect: Dialect, *, at_end: bool) -> Header | None:
    """Read the header from the first bytes of source `name`; None asks for more of them.

    `at_end` says that `head` is all there is. Raises `SourceError` for an empty source, for a header that cannot be
    read, and for duplicate or empty column names.
    """
    if not at_end and LINE_END.search(head, 0, len(head) - 1) is None:
        return None
    rules = grammar(dialect)
    first_record = next(rules.records(head, 1), None)
    if first_record is not None and ERROR_COLUMN.encode() in head[: first_record.end]:
        if first_record.end >= len(head) - 1 and not at_end:
            return None
        if (own := _reject_header(name, head, first_record, rules)) is not None:
            return own
    start, line = 0, 1
    for _ in range(dialect.skip_rows):
        match = LINE_END.search(head, start)
        if match is None or (match.end() == len(head) and not at_end):
            if not at_end:
                return None
            raise SourceError(f"{name}: has fewer lines than --skip-rows {dialect.skip_rows} skips")
        start, line = match.end(), line + 1
    if not dialect.header:
        if at_end and not head[start:].strip():
            raise SourceError(f"{name}: is empty; there is nothing to load")
        return Header(_checked(name, dialect.columns), start, line)
    while match := LINE_END.match(head, start):
        start, line = match.end(), line + 1
    end = rules.last_record_end(head[start:])
    if end == 0 and not at_end:
        return None
    record = next(rules.records(head[start:] if end == 0 else head[start : start + end], line), None)
    if record is None:
        raise SourceError(
            f"{name}: is empty; its first line must name the columns (or say --no-header --columns a,b,c)"
        )
    first = head[start + record.start : start + record.end]
    cells = rules.fields(first)
    if cells is None:
        raise SourceError(f"{name}:{line}: the header opens a quote that is never closed")
    names = _decoded(name, line, cells)
    behind = start + record.end
    if line_end := LINE_END.match(head, behind):
        behind = line_end.end()
    if dialect.columns:
        if len(dialect.columns) != len(names):
            raise SourceError(
                f"{name}:{line}: the header has {len(names)} columns, but --columns names {len(dialect.columns)}"
            )
        names = dialect.columns
    return Header(_checked(name, names), behind, line + count_lines(head[start:behind]))


def _reject_header(name: str, head: bytes, record: Record, rules: Grammar) -> Header | None:
    """The header of a reject file, which is known by its own columns: it is the first record, whatever the dialect
    says of other sources, so that a corrected reject file is loaded by the same command."""
    cells = rules.fields(head[record.start : record.end])
    if cells is None or ERROR_COLUMN.encode() not in cells:
        return None
    behind = record.end
    if line_end := LINE_END.match(head, behind):
        behind = line_end.end()
    return Header(_checked(name, _decoded(name, 1, cells)), behind, 1 + count_lines(head[:behind]))


def _decoded(name: str, line: int, cells: list[bytes]) -> tuple[str, ...]:
    try:
        return tuple(cell.decode() for cell in cells)
    except UnicodeDecodeError:
        raise SourceError(
            f"{name}:{line}: the header is not valid UTF-8; name the file's encoding, for example --encoding latin-1"
        ) from None


def _checked(name: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    for number, column in enumerate(columns, start=1):
        if not column:
            raise SourceError(
                f"{name}: column {number} of {len(columns)} has no name; name it in the header, or give all names by --columns"
            )
    repeated = [column for column, times in Counter(columns).items() if times > 1]
    if repeated:
        raise SourceError(
            f"{name}: the column name {repeated[0]!r} stands {Counter(columns)[repeated[0]]} times in the header; "
            "each needs a name of its own, in the header or by --columns"
        )
    return columns
