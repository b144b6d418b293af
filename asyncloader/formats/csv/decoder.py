"""CSV blocks through Arrow's parser, held to the meaning of Python's `csv` module.

Arrow parses a block in one call and releases the GIL. What it cannot turn into a row is set apart with its reason:
ragged records (it reports each), records that are not valid UTF-8 and an unfinished one at the end (both found before).
What it would read differently, a byte order mark inside a source and an escape character behind a closing quote, is
spelled for it in another way first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv

from asyncloader.formats.columns import BadRow, Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.formats.csv.grammar import Grammar, Record, grammar
from asyncloader.formats.csv.header import OWN_PREFIX
from asyncloader.values.dialect import Dialect

_CONTROLS = re.compile(rb"[\x00-\x1f]")
_UTF8_BOM = b"\xef\xbb\xbf"


class CsvDecoder:
    """Turns the blocks of one source into columns, all of its own or the `wanted` ones; one per set of column names."""

    def __init__(self, columns: Sequence[str], dialect: Dialect, wanted: Sequence[str] | None = None) -> None:
        self.columns = tuple(columns)
        self._wanted = tuple(wanted or (name for name in columns if not name.startswith(OWN_PREFIX)))
        self._grammar: Grammar = grammar(dialect)
        self._dialect = dialect
        self._quote = (dialect.quote or "").encode()
        self._escape = (dialect.escape or "").encode()
        self._suspects = {b"\\", b'"', *(mark for mark in (self._quote, self._escape) if mark)}
        self._convert = arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in columns},
            include_columns=list(self._wanted),
            check_utf8=False,
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        )

    def decode(self, block: TextBlock) -> Columns:
        """Parse one block; every record is in the columns, in `bad`, or a blank line."""
        data, kept, bad = self._readable(block)
        ragged: list[BadRow] = []

        def skip(row: arrow_csv.InvalidRow) -> str:
            actual, expected = row.actual_columns, row.expected_columns
            ragged.append(BadRow(row.number - 1, f"has {actual} cells where the header has {expected}", ragged=True))
            return "skip"

        if not data.strip(b"\r\n"):
            empty: pa.StringArray = pa.array([], pa.string())
            return Columns(self._wanted, tuple(empty for _ in self._wanted), 0, None, bad)
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=list(self.columns)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                quote_char=self._dialect.quote or False,
                double_quote=bool(self._dialect.quote),
                escape_char=self._dialect.escape or False,
                newlines_in_values=bool(self._dialect.quote or self._dialect.escape),
                invalid_row_handler=skip,
            ),
            convert_options=self._convert,
        )
        rows = table.num_rows
        arrays = tuple(_whole(column) for column in table.columns)
        records = kept
        if ragged:
            among = np.arange(rows + len(ragged)) if kept is None else kept
            gone = [row.record for row in ragged]
            records = np.delete(among, gone)
            bad = sorted(
                [*bad, *(BadRow(int(among[row.record]), row.reason, ragged=True) for row in ragged)],
                key=lambda row: row.record,
            )
        return Columns(self._wanted, arrays, rows, records, bad, plain=self._is_plain(data))

    def records(self, block: TextBlock) -> list[Record]:
        """The block's records with their places and lines, as numbered in `BadRow.record`."""
        return list(self._grammar.records(block.data, block.line))

    def cells(self, record: bytes) -> list[str] | None:
        """The cells of one record as text, or None if they cannot be separated."""
        fields = self._grammar.fields(record)
        if fields is None or len(fields) != len(self.columns) or not _is_utf8(record):
            return None
        return [cell.decode() for cell in fields]

    def _readable(self, block: TextBlock) -> tuple[bytes, npt.NDArray[np.int64] | None, list[BadRow]]:
        """The block's text as Arrow is to see it: without the records that no parser should see, and the indices of
        those that remain (None: all)."""
        data, kept, bad = block.data, None, list[BadRow]()
        unfinished = self._ends_unfinished(block)
        odd = bool(self._quote and self._escape) and self._quote + self._escape in data
        if unfinished or odd or not _is_utf8(data):
            data, kept, bad = self._sifted(block, unfinished)
        # Arrow drops a byte order mark, which it takes for the start of a file; a blank line before it keeps it.
        return b"\n" + data if data.startswith(_UTF8_BOM) else data, kept, bad

    def _sifted(self, block: TextBlock, unfinished: bool) -> tuple[bytes, npt.NDArray[np.int64], list[BadRow]]:
        """The records of a block one by one: the text of the good ones joined, their indices, and the bad ones."""
        data = block.data
        odd = self._quote + self._escape if self._quote and self._escape else None
        bad: list[BadRow] = []
        kept: list[int] = []
        parts: list[bytes] = []
        for index, record in enumerate(self._grammar.records(data, block.line)):
            text = data[record.start : record.end]
            try:
                text.decode()
            except UnicodeDecodeError as error:
                reason = f"invalid UTF-8: byte 0x{text[error.start]:02x} at place {error.start} of the record"
                bad.append(BadRow(index, reason, ragged=True))
                continue
            if unfinished and record.end == len(data):
                bad.append(BadRow(index, self._why_unfinished(text), ragged=True))
                continue
            kept.append(index)
            parts.append(self._respelled(text) if odd is not None and odd in text else text)
        return b"\n".join([*parts, b""]), np.array(kept, dtype=np.int64), bad

    def _ends_unfinished(self, block: TextBlock) -> bool:
        """Whether the block's last record lacks its end: a closing quote, or what an escape character escapes."""
        data = block.data
        may_be_open = bool(self._quote) and self._quote in data
        may_be_escaped = bool(self._escape) and data.endswith(self._escape)
        if not block.last or not (may_be_open or may_be_escaped):
            return False
        return self._grammar.last_record_end(data + b"\n") <= len(data)

    def _why_unfinished(self, record: bytes) -> str:
        if self._escape and self._grammar.fields(record + b" ") is not None:
            return "ends with an escape character that has nothing to escape"
        return "a quoted field is never closed"

    def _respelled(self, record: bytes) -> bytes:
        """The same cells, all quoted: Arrow escapes behind a closing quote as well, `csv` does not."""
        quote, escape = self._quote, self._escape
        cells = self._grammar.fields(record) or []
        return self._dialect.delimiter.encode().join(
            quote + cell.replace(escape, escape + escape).replace(quote, quote + quote) + quote for cell in cells
        )

    def _is_plain(self, data: bytes) -> bool:
        """Whether no cell can hold a character that JSON wants escaped."""
        if any(mark in data for mark in self._suspects):
            return False
        text = np.frombuffer(data, dtype=np.uint8)
        controls = int(np.count_nonzero(text < 32))
        line_ends = data.count(b"\n") + (data.count(b"\r") if b"\r" in data else 0)
        delimiters = (
            data.count(self._dialect.delimiter.encode()) if _CONTROLS.match(self._dialect.delimiter.encode()) else 0
        )
        return controls == line_ends + delimiters


def _whole(column: pa.ChunkedArray) -> pa.StringArray:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    offsets = np.array([0, len(data)], dtype=np.int32)
    try:
        pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True
