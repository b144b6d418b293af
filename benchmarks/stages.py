"""CPU per row of each stage, in one process and one thread: where the time goes, and what the ordering costs.

    python benchmarks/stages.py [--rows 1000000]

The stages are the package's own; nothing is block. `ordering` is everything that exists for "the last row wins": hashing
the keys, looking for duplicates inside the block, and keeping keys out of two requests at once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from asyncloader.batching.block_batches import block_batches
from asyncloader.batching.block_in_flight import InFlightBlock, KeyConflicts
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.key_columns import hash_columns, superseded_rows
from asyncloader.encode.steps import run_steps
from asyncloader.formats.csv.cutter import Cutter, TextBlock
from asyncloader.formats.csv.decoder import CsvDecoder
from asyncloader.formats.csv.header import read_header
from asyncloader.values.dialect import Dialect
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.wire.sigv4 import Credentials, Signer
from asyncloader.wire.transport import TARGET, Envelope

BLOCK_BYTES = 1024 * 1024
BLOCKS_IN_FLIGHT = 6
Result = TypeVar("Result")


class Clock:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, stage: str, work: Callable[[], Result]) -> Result:
        began = time.process_time()
        try:
            return work()
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.process_time() - began


def measure(path: Path) -> tuple[Clock, int, int]:
    """Run all stages over a file; returns the clock, the rows and the batches."""
    clock, dialect = Clock(), Dialect()
    table = Table("bench", "", KeyAttribute("id"))
    signer = Signer(
        Credentials("key", "secret"), host="127.0.0.1", region="eu-west-1", service="dynamodb", target=TARGET
    )
    envelope, conflicts, in_flight = Envelope("bench"), KeyConflicts(), list[InFlightBlock]()
    rows = batches = 0
    with path.open("rb") as file:
        header = read_header(path.name, file.read(4096), dialect, at_end=False)
        assert header is not None
        file.seek(header.end)
        decoder = CsvDecoder(header.columns, dialect)
        encoder = ColumnEncoder(header.columns, table, {}, "drop")
        cutter = Cutter(dialect, block_bytes=BLOCK_BYTES, offset=header.end, line=header.line)
        while chunk := clock.time("read", lambda: file.read(BLOCK_BYTES)):
            cut = clock.time("cut", lambda chunk=chunk: cutter.feed(chunk))  # type: ignore[misc]
            if cut is None:
                continue
            text = TextBlock(0, batches, cut.data, cut.offset, cut.line)
            columns = clock.time("decode", lambda text=text: decoder.decode(text))  # type: ignore[misc]
            encoded = clock.time("encode (with ordering)", lambda t=text, c=columns: run_steps(encoder.encode(t, c)))  # type: ignore[misc]
            keys = [columns.arrays[0]]
            hashes = clock.time("ordering", lambda keys=keys: hash_columns(keys))  # type: ignore[misc]
            clock.time("ordering", lambda keys=keys, hashes=hashes: superseded_rows(hashes, keys))  # type: ignore[misc]
            block = InFlightBlock(encoded)
            clock.time("ordering", lambda block=block: conflicts.add(block))  # type: ignore[misc]
            in_flight.append(block)
            for batch in clock.time("batching", lambda block=block: list(block_batches(block))):  # type: ignore[misc]
                body = clock.time("wrap", lambda batch=batch: envelope.wrap(batch.payload))  # type: ignore[misc]
                clock.time("sign", lambda body=body: signer.head(body, 1.7e9))  # type: ignore[misc]
                batches += 1
            if len(in_flight) == BLOCKS_IN_FLIGHT:
                done = in_flight.pop(0)
                clock.time("ordering", lambda done=done: conflicts.settle(done, 0, len(done.encoded)))  # type: ignore[misc]
            rows += encoded.rows_read
    return clock, rows, batches


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU per row of each stage.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    path = Path(__file__).parent / "data" / f"people-{rows}.csv"
    if not path.exists():
        raise SystemExit(f"no {path.name} yet: python benchmarks/people.py --rows {rows}")
    clock, counted, batches = measure(path)
    print(f"{counted:,} rows, {batches:,} batches")
    for stage, seconds in clock.seconds.items():
        print(f"{stage:24} {seconds / counted * 1e6:7.3f} µs/row {seconds / batches * 1e6:8.1f} µs/batch")


if __name__ == "__main__":
    main()
