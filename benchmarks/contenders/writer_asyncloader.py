"""This project's `BatchWriter`: one producer that awaits each put."""

import argparse

from events import events
from writing import Meter, arguments, run

from asyncloader import BatchWriter


async def write(args: argparse.Namespace, meter: Meter) -> None:
    async with BatchWriter(args.table, endpoint_url=args.endpoint_url, workers=args.workers) as writer:
        with meter:
            for item in events(args.items):
                await writer.put(item)
            await writer.flush()


if __name__ == "__main__":
    run(arguments("Write single items with asyncloader's BatchWriter."), write)
