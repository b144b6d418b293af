"""pydynox, whose core is Rust. Its client splits, and sends unprocessed items again by itself."""

import argparse

from events import events
from pydynox import DynamoDBClient
from writing import Chunk, Meter, arguments, chunks, in_parallel, run


async def write(args: argparse.Namespace, meter: Meter) -> None:
    client = DynamoDBClient(region="eu-west-1", endpoint_url=args.endpoint_url)

    async def send(chunk: Chunk) -> None:
        await client.batch_write(args.table, put_items=chunk)

    with meter:
        await in_parallel(chunks(events(args.items)), send, args.workers)


if __name__ == "__main__":
    run(arguments("Write single items with pydynox."), write)
