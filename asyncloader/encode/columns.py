"""Columns → an encoded block, with a few Arrow kernels for the whole block.

The JSON of all items is one `binary_join_element_wise` over the columns and the text between them: a literal, or
where a neighbour has empty cells one of up to four texts for each row. Key attributes are last in the item, because
they are never empty: what comes before them always ends with a comma.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from asyncloader.encode.block import ColumnBreakdown, EncodedBlock
from asyncloader.encode.cells import CELLS, QUOTED, Cells
from asyncloader.encode.interleave import sending_order
from asyncloader.encode.key_columns import KeyColumns, canonical_column, hash_keys, superseded_rows, text_buffers
from asyncloader.encode.nested import nested
from asyncloader.encode.shards import sharded_column
from asyncloader.encode.steps import Steps
from asyncloader.formats.block import Block
from asyncloader.formats.columns import BadRow, Columns
from asyncloader.values.dynamodb import ITEM_BYTES
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import AttributeType, Table
from asyncloader.values.settings import EmptyCells
from asyncloader.values.spread import ShardKey

Presence: TypeAlias = npt.NDArray[np.uint8] | None

_NO_ROWS: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
_OPEN = '{"PutRequest":{"Item":{'
_CLOSE = "}}},"


class _Attribute:
    """One column's part in every item: its type, its wrapper, what becomes of its empty cells."""

    __slots__ = ("closing", "empty", "is_key", "is_quick", "key_limit", "kind", "name", "name_size", "opening")

    def __init__(
        self, name: str, kind: AttributeType, *, is_key: bool, key_limit: int | None, empty: EmptyCells
    ) -> None:
        quote = '"' if kind in QUOTED else ""
        label = orjson.dumps(name).decode()
        self.name = name
        self.kind = kind
        self.is_quick = kind == "S"
        """Whether its cells are encoded without a look at each single one."""
        self.name_size = len(name.encode())
        self.is_key = is_key
        self.key_limit = key_limit
        # An index key may be missing, but neither empty nor NULL: the item then just is not in that index.
        self.empty: EmptyCells = "drop" if key_limit is not None else empty
        # The text before and behind a cell, first where it is absent, then where it is present.
        self.opening = (f'{label}:{{"NULL":true}},' if self.empty == "null" else "", f'{label}:{{"{kind}":{quote}')
        self.closing = ("", f"{quote}}},")

    def cells(self, column: pa.Array, plain: bool) -> Cells:
        is_nested = pa.types.is_nested(column.type)
        if self.empty == "keep" and column.null_count and not is_nested:
            column = pc.fill_null(column, "")
        cells = nested(column) if is_nested else CELLS[self.kind](column, plain)
        if self.empty == "keep" and self.kind not in ("S", "B"):
            absent = pc.is_null(column).to_numpy(False) if is_nested else np.diff(text_buffers(column)[0]) == 0
            self._refuse(cells, absent, f"an empty cell is no {self.kind}; use --empty drop or null")
        if self.is_key and column.null_count:
            self._refuse(cells, pc.is_null(column).to_numpy(zero_copy_only=False), "the key is empty")
        if self.key_limit is not None and self.kind != "N" and len(cells.sizes) and cells.sizes.max() > self.key_limit:
            for row in np.flatnonzero(cells.sizes > self.key_limit).tolist():
                cells.bad.setdefault(row, f"the key has {cells.sizes[row]} bytes; DynamoDB allows {self.key_limit}")
        return cells

    @staticmethod
    def _refuse(cells: Cells, rows: npt.NDArray[np.bool_], reason: str) -> None:
        """Mark these cells as bad with this reason, instead of any other."""
        cells.bad.update(dict.fromkeys(np.flatnonzero(rows).tolist(), reason))

    def sizes(self, cells: Cells, present: Presence) -> npt.NDArray[np.int64]:
        """Bytes that this attribute adds to each item."""
        if present is None:
            return cells.sizes + self.name_size
        if self.empty == "null":
            return np.where(present, cells.sizes, 1) + self.name_size
        return (cells.sizes + self.name_size) * present


class ColumnEncoder:
    """Encodes the blocks of one source for one table.

    `types` holds the types of columns; those that the table demands for its keys win. The partition key is split as
    `shard_key` says. With `keep_breakdown` the encoded blocks keep their breakdown. Raises `UsageError` where
    types contradict one another, where the source lacks a column for the table's key, and where that cannot be split.
    """

    def __init__(
        self,
        columns: Sequence[str],
        table: Table,
        types: Mapping[str, AttributeType],
        empty: EmptyCells,
        *,
        shard_key: ShardKey | None = None,
        keep_breakdown: bool = False,
    ) -> None:
        demanded = table.typed
        for name, kind in types.items():
            if name in demanded and demanded[name] != kind:
                raise UsageError(
                    f"--type {name}={kind}: {name!r} is a key attribute of type {demanded[name]} in table {table.name}"
                )
        for key in table.key:
            if key.name not in columns:
                raise UsageError(f"there is no column {key.name!r}, which is a key of table {table.name}")
        if shard_key is not None:
            shard_key.check(table)
        self._table = table
        self._shards = 0 if shard_key is None else shard_key.shards
        self._keep_breakdown = keep_breakdown
        self._is_warm = False
        self._has_text_keys = all(attribute.type == "S" for attribute in table.key)
        self._key_names = tuple(attribute.name for attribute in table.key)
        attributes = {
            name: _Attribute(
                name,
                demanded.get(name) or types.get(name, "S"),
                is_key=name in self._key_names,
                key_limit=table.key_limit(name),
                empty=empty,
            )
            for name in columns
        }
        # The order of the JSON, not of the columns: keys last.
        self._order = [attributes[name] for name in columns if name not in self._key_names]
        self._order += [attributes[name] for name in self._key_names]
        self._places = {name: place for place, name in enumerate(columns)}

    def encode(self, block: Block, columns: Columns) -> Steps[EncodedBlock]:
        """Encode the rows of one block; every row is an item, superseded, or in `bad` with its reason."""
        if not self._is_warm:
            yield _warm_up
            self._is_warm = True
        arrays = {name: columns.arrays[place] for name, place in self._places.items()}
        if self._shards and self._table.sort_key is not None:
            partition, sort = self._key_names
            arrays[partition] = sharded_column(arrays[partition], self._table.sort_key.type, arrays[sort], self._shards)
        cells: dict[str, Cells] = {}
        present: dict[str, Presence] = {}
        sizes: npt.NDArray[np.int64] = np.zeros(columns.rows, dtype=np.int64)
        parts: dict[str, npt.NDArray[np.int64]] = {}
        for attribute in self._order:
            name = attribute.name
            encode_cells = partial(attribute.cells, arrays[name], columns.plain)
            cells[name] = encode_cells() if attribute.is_quick else (yield encode_cells)
            present[name] = _presence(cells[name].texts)
            part = attribute.sizes(cells[name], present[name])
            sizes += part
            if self._keep_breakdown:
                parts[name] = part
            yield None
        bad: dict[int, tuple[str | None, str]] = dict(columns.refused)
        for attribute in self._order:
            for row, reason in cells[attribute.name].bad.items():
                bad.setdefault(row, (attribute.name, reason))
        for row in np.flatnonzero(sizes > ITEM_BYTES).tolist():
            bad.setdefault(row, (None, f"the item has {sizes[row]} bytes; DynamoDB allows {ITEM_BYTES}"))

        texts = {name: encoded.texts for name, encoded in cells.items()}
        rows: npt.NDArray[np.int64] | None = None
        if bad:
            rows = np.delete(np.arange(columns.rows), list(bad))
            texts, sizes = _take(texts, rows), sizes[rows]
            present = {name: _presence(column) for name, column in texts.items()}
        # What may have to look at keys one by one is for the thread.
        keys = self._keys(arrays, rows) if self._has_text_keys else (yield partial(self._keys, arrays, rows))
        hashes, partitions = hash_keys(keys)
        ordered = np.sort(hashes)
        repeated = bool(np.any(ordered[1:] == ordered[:-1]))
        superseded = (yield partial(superseded_rows, hashes, keys, ordered)) if repeated else _NO_ROWS
        order = sending_order(len(hashes), superseded, partitions)
        joined = yield from self._join(texts, present, len(sizes))
        if order is not None:
            rows = order if rows is None else rows[order]
            # The finished items: one column to reorder instead of all.
            joined, sizes, hashes = joined.take(pa.array(order)), sizes[order], hashes[order]
        offsets, data = text_buffers(joined)
        return EncodedBlock(
            block=block,
            data=data.data,
            offsets=offsets,
            sizes=sizes,
            hashes=hashes,
            sorted_hashes=ordered,
            key=self._table.key,
            rows_read=columns.rows + len(columns.bad),
            records=columns.records if rows is None else rows if columns.records is None else columns.records[rows],
            superseded=len(superseded),
            breakdown=ColumnBreakdown(columns, arrays, rows, parts) if self._keep_breakdown else None,
            bad=sorted(
                [*columns.bad, *(BadRow(columns.record(row), why, name) for row, (name, why) in bad.items())],
                key=lambda row: row.record,
            ),
        )

    def keys(self, columns: Columns) -> KeyColumns:
        """The keys of all rows that have one; `columns` may hold the key columns alone."""
        arrays = {name: columns.arrays[columns.names.index(name)] for name in self._key_names}
        key_attributes = [attribute for attribute in self._order if attribute.is_key]
        bad = {
            row for attribute in key_attributes for row in attribute.cells(arrays[attribute.name], columns.plain).bad
        }
        rows = np.delete(np.arange(columns.rows), list(bad)) if bad else np.arange(columns.rows)
        records = rows if columns.records is None else columns.records[rows]
        return KeyColumns(self._keys(arrays, rows if bad else None), records)

    def _keys(self, arrays: Mapping[str, pa.StringArray], rows: npt.NDArray[np.int64] | None) -> list[pa.StringArray]:
        picked = [arrays[name] for name in self._key_names]
        if rows is not None:
            picked = [column.take(pa.array(rows)) for column in picked]
        return [canonical_column(key.type, column) for key, column in zip(self._table.key, picked, strict=True)]

    def _join(
        self, texts: Mapping[str, pa.StringArray], presence: Mapping[str, Presence], rows: int
    ) -> Steps[pa.StringArray]:
        """All items as JSON: the columns, with the texts before, between and behind their cells."""
        if rows == 0:
            return pa.array([], pa.string())
        parts: list[pa.StringArray | str] = []
        before = _Ending([_OPEN], None)
        for attribute in self._order:
            present = presence[attribute.name]
            parts += [before.joined(attribute.opening, present), texts[attribute.name]]
            before = _Ending(attribute.closing if present is not None else attribute.closing[1:], present)
            yield None
        parts.append(before.texts[0][:-1] + _CLOSE)
        return (yield partial(pc.binary_join_element_wise, *parts, "", null_handling="replace", null_replacement=""))


class _Ending:
    """What ends a column's cell: one text, or one for absent and one for present cells and which of them are present."""

    __slots__ = ("present", "texts")

    def __init__(self, texts: Sequence[str], present: Presence) -> None:
        self.texts = texts
        self.present = present

    def joined(self, opening: tuple[str, str], present: Presence) -> pa.StringArray | str:
        """The text between this cell and the next, which opens by whether it is present.

        Four texts at most, picked by row: far cheaper than wrapping each cell and joining again.
        """
        openings: Sequence[str] = opening[1:] if present is None else opening
        choices = [ending + opens for ending in self.texts for opens in openings]
        if len(choices) == 1:
            return choices[0]
        picks = self.present if present is None else present
        assert picks is not None  # there is more than one text
        if self.present is not None and present is not None:
            picks = self.present * np.uint8(2) + present
        # By the buffer: `pa.array` would import numpy.ma to ask whether the picks are masked.
        indices = pa.Array.from_buffers(pa.uint8(), len(picks), [None, pa.py_buffer(picks)])
        return pa.array(choices, pa.string()).take(indices)


def _warm_up() -> None:
    """With the first value that it converts Arrow imports pandas, wherever that is installed: half a second."""
    pa.array([""])


def _presence(column: pa.Array) -> Presence:
    """1 where a cell is there, 0 where it is not; None if all are."""
    if column.null_count == 0:
        return None
    bits = np.frombuffer(column.buffers()[0], dtype=np.uint8)
    return np.unpackbits(bits, count=column.offset + len(column), bitorder="little")[column.offset :]


def _take(texts: Mapping[str, pa.StringArray], rows: npt.NDArray[np.int64]) -> dict[str, pa.StringArray]:
    picked = pa.array(rows)
    return {name: column.take(picked) for name, column in texts.items()}
