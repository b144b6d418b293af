"""A file sorted by partition key against a table whose partition keys take so much a second, and what interleaving costs.

    python -m benchmarks.partitions [--cpu]

The server is the tests' own with a token bucket for every partition key, in real time; the limits are low, so that the
figures are those of the buckets and not of the machine. Every way starts from the same cold table. `--cpu` measures
what looking for clustered keys and interleaving them costs a row, in one process and one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from asyncloader.encode import interleave
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.steps import run_steps
from asyncloader.formats.columns import Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import RetrySettings
from asyncloader.values.spread import Spread
from tests.engine.loads import Row
from tests.engine.sorted import sorted_scene
from tests.faultserver import FaultServer

KEYS, ROWS_PER_KEY, PARTITION_WCU = 40, 250, 50.0
WORKERS = 8
CPU_ROWS, CPU_ROUNDS = 5_000, 150


def sorted_rows() -> list[Row]:
    """40 partition keys with 250 rows each, one after the other."""
    return [(f"tenant-{key:03}", f"order-{row:06}", "") for key in range(KEYS) for row in range(ROWS_PER_KEY)]


def shuffled(rows: Iterable[Row]) -> list[Row]:
    made = list(rows)
    random.Random(1).shuffle(made)
    return made


@contextmanager
def in_the_order_of_the_file() -> Iterator[None]:
    """As if nobody looked for clustered partition keys."""
    look = interleave.is_clustered
    interleave.is_clustered = lambda partitions: False
    try:
        yield
    finally:
        interleave.is_clustered = look


async def load(rows: list[Row], *, splits: int = 1, block_bytes: int) -> tuple[Report, float]:
    """One load from a cold table; returns the report and the seconds that the writing took."""
    with TemporaryDirectory() as folder, FaultServer(partition_wcu=PARTITION_WCU).in_thread() as server:
        made = sorted_scene(server, Path(folder), rows)
        began = time.perf_counter()
        report = await made.run(
            workers=WORKERS,
            block_bytes=block_bytes,
            blocks_in_flight=2,
            spread=Spread(splits),
            retry=RetrySettings(),
        )
        return report, time.perf_counter() - began


def show(what: str, measured: tuple[Report, float]) -> None:
    report, seconds = measured
    rate = report.counts.items_written / seconds
    refused = report.counts.unprocessed_items + 25 * report.counts.throttled_requests
    share = refused / (report.counts.items_written + refused)
    print(f"{what:52} {seconds:6.1f} s {rate:7,.0f} items/s {rate / (KEYS * PARTITION_WCU):5.0%} {share:6.1%} refused")


def measure_loads() -> None:
    rows = sorted_rows()
    whole, window = 1024 * 1024, 5_000
    print(
        f"{len(rows):,} rows, {KEYS} partition keys of {PARTITION_WCU:g} WCU/s: {KEYS * PARTITION_WCU:,.0f} WCU/s in all"
    )
    show("in no order", asyncio.run(load(shuffled(rows), block_bytes=whole)))
    with in_the_order_of_the_file():
        show("sorted, in the order of the file", asyncio.run(load(rows, block_bytes=whole)))
    show("sorted, interleaved", asyncio.run(load(rows, block_bytes=whole)))
    show("sorted, windows of one key, interleaved", asyncio.run(load(rows, block_bytes=window)))
    for splits in (4, 8, 16):
        show(
            f"sorted, windows of one key, --spread {splits}", asyncio.run(load(rows, splits=splits, block_bytes=window))
        )


def encode_us(rows: list[Row], *, sort_key: bool) -> tuple[float, float]:
    """CPU µs that encoding a row takes, without looking for clustered keys and with it; the best of many rounds in turn."""
    table = (
        Table("t", "", KeyAttribute("id"), KeyAttribute("value")) if sort_key else Table("t", "", KeyAttribute("value"))
    )
    names = ("id", "value", *(f"c{number}" for number in range(7)))
    cells = [pa.array([row[place] for row in rows]) for place in (0, 1)]
    cells += [pa.array([f"cell {row * number}" for row in range(len(rows))]) for number in range(7)]
    encoder = ColumnEncoder(names, table, {}, "drop")
    columns, block = Columns(names, tuple(cells), len(rows), plain=True), TextBlock(0, 0, b"", 0, 1)
    best = [float("inf"), float("inf")]
    for number in range(2 * CPU_ROUNDS):
        with in_the_order_of_the_file() if number % 2 == 0 else nullcontext():
            began = time.process_time()
            run_steps(encoder.encode(block, columns))
            best[number % 2] = min(best[number % 2], time.process_time() - began)
    return best[0] / len(rows) * 1e6, best[1] / len(rows) * 1e6


def measure_cpu() -> None:
    in_order = [(f"tenant-{row // 100:05}", f"order-{row:06}", "") for row in range(CPU_ROWS)]
    for what, rows, sort_key in (
        ("table without a sort key", in_order, False),
        ("sort key, file in no order", shuffled(in_order), True),
        ("sort key, file sorted by partition key", in_order, True),
    ):
        off, on = encode_us(rows, sort_key=sort_key)
        print(f"{what:40} encode {off:.3f} µs/row without, {on:.3f} with: {on - off:+.3f} µs/row ({on / off - 1:+.1%})")


def main() -> None:
    parser = argparse.ArgumentParser(description="Sorted files and hot partitions.")
    parser.add_argument("--cpu", action="store_true", help="what it costs instead of what it gains")
    if parser.parse_args().cpu:
        measure_cpu()
    else:
        measure_loads()


if __name__ == "__main__":
    main()
