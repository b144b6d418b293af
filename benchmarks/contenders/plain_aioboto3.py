"""This project's design done plainly: one reader, a bounded queue, N workers, aioboto3's `batch_write_item`.

Written with care and without tricks: the low-level client (which spares the type serializer), a connection
for each worker, batches of 25, empty cells dropped, unprocessed items sent again after a wait.
"""

import argparse
import asyncio
import csv
import itertools
import json
import random
import time
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig

Requests = list[dict[str, Any]]


async def read(path: str, rows: int | None, queue: "asyncio.Queue[Requests | None]", workers: int) -> None:
    with open(path, encoding="utf-8", newline="") as file:
        batch: Requests = []
        for row in itertools.islice(csv.DictReader(file), rows):
            batch.append({"PutRequest": {"Item": {name: {"S": text} for name, text in row.items() if text}}})
            if len(batch) == 25:
                await queue.put(batch)
                batch = []
        if batch:
            await queue.put(batch)
    for _ in range(workers):
        await queue.put(None)


async def write(client: Any, table: str, queue: "asyncio.Queue[Requests | None]") -> int:
    written = 0
    while (batch := await queue.get()) is not None:
        written += len(batch)
        delay = 0.05
        while True:
            answer = await client.batch_write_item(RequestItems={table: batch})
            batch = answer["UnprocessedItems"].get(table, [])
            if not batch:
                break
            await asyncio.sleep(random.uniform(0, delay))
            delay = min(delay * 2, 5.0)
    return written


async def load(args: argparse.Namespace) -> int:
    queue: asyncio.Queue[Requests | None] = asyncio.Queue(args.workers * 2)
    async with aioboto3.Session().client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=args.endpoint_url,
        config=AioConfig(max_pool_connections=args.workers),
    ) as client:
        async with asyncio.TaskGroup() as group:
            group.create_task(read(args.file, args.rows, queue, args.workers))
            writers = [group.create_task(write(client, args.table, queue)) for _ in range(args.workers)]
        return sum(writer.result() for writer in writers)


def main() -> None:
    parser = argparse.ArgumentParser(description="Load a CSV file with aioboto3, plainly.")
    parser.add_argument("file")
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--table", default="bench")
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--rows", type=int, help="only the first N rows")
    args = parser.parse_args()
    started = time.perf_counter()
    written = asyncio.run(load(args))
    print(json.dumps({"items_written": written, "elapsed_s": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
