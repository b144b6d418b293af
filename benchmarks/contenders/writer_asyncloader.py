"""This project's `BatchWriter`: one producer that awaits each put, and nothing else."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from events import events

from asyncloader import BatchWriter


async def write(args: argparse.Namespace) -> float:
    async with BatchWriter(args.table, endpoint_url=args.endpoint_url, workers=args.workers) as writer:
        await writer.put({"id": "warm"})
        await writer.flush()
        began = time.process_time()
        for item in events(args.items):
            await writer.put(item)
        await writer.flush()
        return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="Write single items with asyncloader's BatchWriter.")
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--table", default="bench")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--uvloop", action="store_true")
    args = parser.parse_args()
    if args.uvloop:
        import uvloop

        writing_s = uvloop.run(write(args))
    else:
        writing_s = asyncio.run(write(args))
    print(json.dumps({"items_written": args.items, "writing_cpu_s": writing_s}))


if __name__ == "__main__":
    main()
