"""Where a record starts in text whose start was not read: for samples, which need not be exact. Pure.

Without any quote in sight it is behind the first line end. Otherwise a line end may lie inside a quoted field; so it is
behind the first line end from which on every quote is where it should be and the next records have as many cells as
the header. A load must not guess like this, and never does.
"""

from __future__ import annotations

import itertools

import numpy as np

from asyncloader.formats.csv.cutter import quotes_are_regular
from asyncloader.formats.csv.grammar import LINE_END, grammar
from asyncloader.values.dialect import Dialect

TRIED = 200
"""Line ends that are looked at."""
CHECKED_RECORDS = 16
CHECKED_BYTES = 65_536


def find_record(data: bytes, columns: int, dialect: Dialect) -> int | None:
    """The offset in `data` at which a record starts, most probably; None if there is no line end that could be one."""
    ends = (match.end() for match in LINE_END.finditer(data) if match.end() < len(data))
    if dialect.escape is None and (dialect.quote is None or dialect.quote.encode() not in data):
        return next(ends, None)
    fitting: int | None = None
    for end in itertools.islice(ends, TRIED):
        if _fits(data, end, columns, dialect):
            if _is_regular(data, end, dialect):
                return end
            fitting = end if fitting is None else fitting
    return fitting


def _fits(data: bytes, start: int, columns: int, dialect: Dialect) -> bool:
    """Whether the records from there on have the right number of cells; the last one is cut off and does not count."""
    rules = grammar(dialect)
    text = data[start : start + CHECKED_BYTES]
    records = [record for record in itertools.islice(rules.records(text, 1), CHECKED_RECORDS) if record.end < len(text)]
    cells = [rules.fields(text[record.start : record.end]) for record in records]
    return bool(cells) and all(fields is not None and len(fields) == columns for fields in cells)


def _is_regular(data: bytes, start: int, dialect: Dialect) -> bool:
    if dialect.quote is None:
        return True
    text = data[start : start + CHECKED_BYTES]
    quotes = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord(dialect.quote))
    # An odd one at the end opens a field that goes on beyond the text.
    return quotes_are_regular(text, quotes[: len(quotes) // 2 * 2], ord(dialect.delimiter))
