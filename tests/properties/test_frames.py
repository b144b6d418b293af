"""Frames: whatever typed columns a source of Arrow batches has, the table ends as boto3 would have made it row by row."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given

from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.steps import run_steps
from asyncloader.formats.arrow.decoder import ArrowDecoder, batches_of
from asyncloader.formats.block import RowBlock
from tests.engine import loads
from tests.faultserver import FaultServer
from tests.properties.arrow_strategies import batches, boto3_row
from tests.properties.boto3_oracle import comparable_item, item_size, sent_items
from tests.properties.effort import few, usual
from tests.properties.encoded import TABLE


def _applied(made: list[pa.RecordBatch]) -> tuple[dict[str, Any], list[int]]:
    """The table after boto3 has put row after row, and the numbers of the rows that it cannot put."""
    table: dict[str, Any] = {}
    refused: list[int] = []
    rows = [row for batch in made for row in batch.to_pylist()]
    for number, row in enumerate(rows, 1):
        try:
            (item,) = sent_items([boto3_row(made[0].schema, row)])
        except Exception:
            refused.append(number)
            continue
        table[row["id"]] = comparable_item(item)
    return table, refused


async def _load(made: list[pa.RecordBatch], folder: Path) -> tuple[dict[str, Any], list[int], int]:
    async with FaultServer() as server:
        reader = pa.RecordBatchReader.from_batches(made[0].schema, made)
        scene = loads.given(server, folder, reader)
        report = await scene.run(block_bytes=64)
        assert report.complete
        assert report.reconciles
        table = {key: comparable_item(item) for key, item in scene.items().items()}
        rejected = [int(row["_asyncloader_line"]) for row in scene.rejects()]
        return table, rejected, report.counts.rows_read


@few
@given(batches())
def test_a_reader_of_typed_columns_is_loaded_as_boto3_would_have_put_its_rows(made: list[pa.RecordBatch]) -> None:
    expected, refused = _applied(made)
    with tempfile.TemporaryDirectory() as folder:
        table, rejected, read = asyncio.run(_load(made, Path(folder)))
    assert table == expected
    assert rejected == refused
    assert read == sum(batch.num_rows for batch in made)


@usual
@given(batches())
def test_the_size_of_an_item_follows_the_rules_of_dynamodb(made: list[pa.RecordBatch]) -> None:
    schema = made[0].schema
    decoder = ArrowDecoder("frame", schema)
    decoder.take_types({"id": "S"}, frozenset(["id"]))
    encoder = ColumnEncoder(decoder.columns, TABLE, {**decoder.natural, "id": "S"}, "drop")
    for whole in made:
        for batch in batches_of(whole, 100):
            encoded = run_steps(encoder.encode(RowBlock(0, 0, batch, 0, batch.num_rows), decoder.decode(batch)))
            rows = batch.to_pylist()
            for item in range(len(encoded.sizes)):
                assert encoded.sizes[item] == item_size(boto3_row(schema, rows[encoded.record(item)]))
