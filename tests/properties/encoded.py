"""Encoded blocks made by hand: from keys, for what plans them; or from nothing but the lengths of their items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from asyncloader.batching.batch import Batch
from asyncloader.batching.in_flight import InFlight
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.steps import run_steps
from asyncloader.formats.columns import Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.values.schema import KeyAttribute, Table

TABLE = Table("t", "arn", KeyAttribute("id"))
_ENCODER = ColumnEncoder(["id", "row"], TABLE, {}, "drop")


def block_of_keys(keys: Sequence[str], number: int = 0) -> EncodedBlock:
    """A block whose rows have these keys; its attribute `row` counts them."""
    block = TextBlock(source=0, number=number, data=b"", offset=0, line=1)
    columns = (pa.array(keys, pa.string()), pa.array([str(row) for row in range(len(keys))], pa.string()))
    return run_steps(_ENCODER.encode(block, Columns(("id", "row"), columns, len(keys))))


def block_of_lengths(lengths: Sequence[int]) -> EncodedBlock:
    """A block whose items have JSON of these lengths, commas included; of the JSON itself there is nothing."""
    return EncodedBlock(
        block=TextBlock(source=0, number=0, data=b"", offset=0, line=1),
        data=memoryview(b""),
        offsets=np.cumsum([0, *lengths]).astype(np.int32),
        sizes=np.ones(len(lengths), dtype=np.int64),
        hashes=np.arange(len(lengths), dtype=np.uint64),
        key=TABLE.key,
        rows_read=len(lengths),
    )


def places(batches: Iterable[Batch]) -> list[tuple[InFlight, int]]:
    """Every item of these batches."""
    return [(run.entry, item) for batch in batches for run, item in batch.items()]


def sent_keys(batch: Batch) -> list[str]:
    """The keys in a batch's JSON."""
    joined = b",".join(batch.payload).decode()
    return [each["PutRequest"]["Item"]["id"]["S"] for each in json.loads(f"[{joined}]")]
