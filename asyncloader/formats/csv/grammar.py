"""What a CSV record is, as regular expressions: as Python's `csv` module reads it.

The grammar is the one of `csv.reader(strict=False, doublequote=True)`: a quote opens a quoted field only at the
field's start; after the closing quote any text up to the delimiter belongs to the field as it is; a quote
elsewhere is a character like any other. A record ends with LF, CRLF or CR. An escape character makes the next one an
ordinary one, but right behind a closing quote it is ordinary itself; at the end of all it leaves its record unfinished.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from asyncloader.values.dialect import Dialect

LINE_END = re.compile(rb"\r\n|\n|\r")

POSSESSIVE, ATOMIC = rb"(?:%s)*+", rb"(?>(?:%s)*)"
"""Two ways to write a repetition without backtracking. The first takes no memory, but Python before 3.11.5 lets it
match half of what it should not have started (python/cpython#106052)."""
_REPEATED = ATOMIC if re.fullmatch(POSSESSIVE % b"ab?c", b"a") else POSSESSIVE


@dataclass(frozen=True, slots=True)
class Record:
    """One record inside a block: `data[start:end]` without its line end; `line` counts from 1 in the source."""

    start: int
    end: int
    line: int


class Grammar:
    """The expressions for one dialect."""

    def __init__(self, dialect: Dialect, repeated: bytes = _REPEATED) -> None:
        delimiter = re.escape(dialect.delimiter.encode())
        quote = re.escape(dialect.quote.encode()) if dialect.quote else None
        escape = re.escape(dialect.escape.encode()) if dialect.escape else None
        stop = delimiter + rb"\r\n" + (escape or b"")
        self._quoted: re.Pattern[bytes] | None = None
        tail = rb"[^" + stop + rb"]*+"
        if escape:
            tail += repeated % (escape + rb".[^" + stop + rb"]*+")
        if quote:
            text = rb"[^" + quote + (escape or b"") + rb"]*+"
            special = rb"(?:" + quote + quote + (rb"|" + escape + rb"." if escape else b"") + rb")"
            inner = text + repeated % (special + text)
            behind = rb"(?:" + escape + rb")?+" if escape else b""
            field = rb"(?:" + quote + inner + quote + behind + tail + rb"|(?!" + quote + rb")" + tail + rb")"
            self._quoted = re.compile(
                quote + rb"(" + inner + rb")" + quote + rb"(" + behind + rb")(" + tail + rb")", re.DOTALL
            )
        else:
            field = tail
        record = field + repeated % (delimiter + field)
        self._field = re.compile(field, re.DOTALL)
        self._record = re.compile(record, re.DOTALL)
        self._records = re.compile(repeated % (record + rb"(?:\r\n|\n|\r)"), re.DOTALL)
        self._quote = dialect.quote
        self._escape = re.compile(escape + rb"(.)", re.DOTALL) if escape else None
        self._delimiter = dialect.delimiter.encode()

    def last_record_end(self, data: bytes) -> int:
        """The end of the last whole record in `data`, which starts with a record; 0 if there is none."""
        match = self._records.match(data)
        end = match.end() if match else 0
        if end == len(data) and data.endswith(b"\r"):
            # The CR may be half of a CRLF; the record before it is safe only once the next byte is known.
            before = self._records.match(data, 0, end - 1)
            return before.end() if before else 0
        return end

    def records(self, data: bytes, line: int) -> Iterator[Record]:
        """Every record of `data`, blank lines left out; an unclosed quote or escape takes all that is left."""
        at, size = 0, len(data)
        while at < size:
            match = self._record.match(data, at)
            end = match.end() if match else at
            if (line_end := LINE_END.match(data, end)) is not None:
                after = line_end.end()
            else:
                end = after = size
            if end > at:
                yield Record(at, end, line)
            line += count_lines(data[at:after])
            at = after

    def fields(self, record: bytes) -> list[bytes] | None:
        """The cells of one record, unquoted; None if its last field is unfinished: a quote left open, or an escape
        character with nothing behind it."""
        cells: list[bytes] = []
        at = 0
        while (match := self._field.match(record, at)) is not None:
            cells.append(self._text(match.group()))
            at = match.end()
            if at >= len(record):
                return cells
            if not record.startswith(self._delimiter, at):
                return None
            at += 1
        return None

    def _text(self, cell: bytes) -> bytes:
        if self._quoted and (match := self._quoted.fullmatch(cell)):
            quote = (self._quote or "").encode()
            inner, behind, tail = match.groups()
            if self._escape:
                both = re.escape(quote) * 2
                unquoted = re.compile(self._escape.pattern + rb"|" + both, re.DOTALL)
                inner = unquoted.sub(lambda m: m.group(1) or quote, inner)
                return bytes(inner + behind + self._escape.sub(rb"\1", tail))
            return bytes(inner.replace(quote + quote, quote) + tail)
        return self._escape.sub(rb"\1", cell) if self._escape else cell


@cache
def grammar(dialect: Dialect) -> Grammar:
    """The grammar of a dialect, compiled once."""
    return Grammar(dialect)


def count_lines(data: bytes) -> int:
    """How many physical lines end in `data`; LF, CRLF and CR each end one."""
    lines = int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == 10))
    if b"\r" in data:
        lines += data.count(b"\r") - data.count(b"\r\n")
    return lines
