"""Cutting a stream of bytes into blocks that end where a record ends.

The common way is by quote parity: a newline that has an even number of quotes before it ends a record. That is
exact as long as every quote is where RFC 4180 allows it, which is checked for each block that holds a quote at
all; a block with a stray quote (`5" pipe`), or a dialect with an escape character, is cut by the real grammar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asyncloader.formats.csv.grammar import Grammar, count_lines, grammar
from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import SourceError

RECORD_LIMIT_BYTES = 16 * 1024 * 1024
"""No record that is longer can be an item of 400 KB; one that seems to be is a quote that nobody closed."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole records of one text: a `Block`.

    `source` is the source's index, `number` counts the blocks of its split from 0; `data` starts at byte `offset` of
    the (decompressed, UTF-8) source, in its line `line` (from 1). `read_bytes` says how much of the source as stored
    had been read when the block was cut: the measure of progress. Only the `last` block of a source can end inside a
    quoted field.
    """

    source: int
    number: int
    data: bytes
    offset: int
    line: int
    read_bytes: int = 0
    last: bool = False

    @property
    def end(self) -> int:
        """The offset behind the last record."""
        return self.offset + len(self.data)

    @property
    def end_line(self) -> int:
        """The line behind the last record."""
        return self.line + count_lines(self.data)

    @property
    def size_bytes(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a source as the cutter returns it: whole records, their offset and their line."""

    data: bytes
    offset: int
    line: int
    last: bool = False


class Cutter:
    """Takes chunks of any length, returns cuts of at least `block_bytes`, and the rest at the end.

    What the cuts hold, joined, is what was fed; each ends with a record's end, whatever the chunks were.
    """

    def __init__(self, dialect: Dialect, *, block_bytes: int, offset: int = 0, line: int = 1, name: str = "") -> None:
        self._grammar: Grammar = grammar(dialect)
        self._delimiter = ord(dialect.delimiter)
        self._quote = dialect.quote.encode() if dialect.quote else None
        self._escaped = dialect.escape is not None
        self._block_bytes = block_bytes
        self._offset = offset
        self._line = line
        self._name = name
        self._rest = b""

    def feed(self, chunk: bytes) -> Cut | None:
        """Add a chunk; returns the whole records so far, once they reach the size of a block."""
        self._rest = self._rest + chunk if self._rest else chunk
        if len(self._rest) < self._block_bytes:
            return None
        end = self._find_end(self._rest)
        if end == 0:
            if len(self._rest) > RECORD_LIMIT_BYTES:
                raise SourceError(
                    f"{self._name}:{self._line}: the record that starts here does not end within "
                    f"{RECORD_LIMIT_BYTES // 2**20} MiB; is a quote left open? Mend it, or say --quote '' if the file has no quoting"
                )
            return None
        return self._take(end)

    def finish(self) -> Cut | None:
        """What is left when the source has ended; its last record may lack a line end."""
        return self._take(len(self._rest), last=True) if self._rest else None

    def _take(self, end: int, *, last: bool = False) -> Cut:
        cut = Cut(self._rest[:end], self._offset, self._line, last)
        self._rest = self._rest[end:]
        self._offset += end
        self._line += count_lines(cut.data)
        return cut

    def _find_end(self, data: bytes) -> int:
        if self._escaped:
            return self._grammar.last_record_end(data)
        if self._quote is None or self._quote not in data:
            return _last_line_end(data, len(data))
        quotes = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == self._quote[0])
        end = len(data)
        while (end := _last_line_end(data, end)) > 0:
            before = int(np.searchsorted(quotes, end))
            if before % 2 == 0:
                break
            # Every line end behind the last quote is inside quotes, too: go on before it.
            end = int(quotes[before - 1])
        if end > 0 and quotes_are_regular(data, quotes[:before], self._delimiter):
            return end
        return self._grammar.last_record_end(data)


def _last_line_end(data: bytes, stop: int) -> int:
    """Where the last line that ends before `stop` ends; 0 if none does."""
    end = data.rfind(b"\n", 0, stop) + 1
    if end == 0 and b"\n" not in data:
        # A file of the classic Mac: CR alone. The last byte may be half of a CRLF.
        end = data.rfind(b"\r", 0, min(stop, len(data) - 1)) + 1
    return end


def quotes_are_regular(data: bytes, quotes: npt.NDArray[np.intp], delimiter: int) -> bool:
    """Whether every one of the `quotes` opens a field, closes one or is doubled inside one; their number is even.

    By induction from the first: those at even places must open (follow a delimiter, a line end, the start or,
    as the second half of a doubled quote, a quote), those at odd places must close likewise.
    """
    text = np.frombuffer(data, dtype=np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    before = text[opening - 1]
    before[opening == 0] = delimiter
    behind = text[np.minimum(closing + 1, len(text) - 1)]
    behind[closing == len(text) - 1] = delimiter
    doubled = opening[1:] == closing[:-1] + 1
    opens, closes = _borders(before, delimiter), _borders(behind, delimiter)
    opens[1:] |= doubled
    closes[:-1] |= doubled
    return bool(np.all(opens) and np.all(closes))


def _borders(characters: npt.NDArray[np.uint8], delimiter: int) -> npt.NDArray[np.bool_]:
    borders: npt.NDArray[np.bool_] = (characters == delimiter) | (characters == 10) | (characters == 13)
    return borders
