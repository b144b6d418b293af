"""What the writers' scripts share: one command line, one way to tell what the writing cost."""

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

BATCH = 25
Chunk = list[dict[str, Any]]


def arguments(about: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--table", default="bench")
    parser.add_argument("--workers", type=int, default=8, help="requests in flight")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--uvloop", action="store_true")
    return parser.parse_args()


class Meter:
    """CPU and wall clock of the writing alone: what a service pays once, at its start, is left out.

    The modules that are in memory by then are put out of the garbage collector's way, for every contender alike, as
    a service that has started does: or each full collection looks through them all.
    """

    def __enter__(self) -> "Meter":
        gc.freeze()
        self.began = time.perf_counter()
        self.cpu_began = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_s = time.process_time() - self.cpu_began
        self.wall_s = time.perf_counter() - self.began


def run(args: argparse.Namespace, write: Callable[[argparse.Namespace, Meter], Awaitable[None]]) -> None:
    """Run an async contender on the loop that was asked for, and tell."""
    meter = Meter()
    if args.uvloop:
        import uvloop

        uvloop.run(write(args, meter))
    else:
        asyncio.run(write(args, meter))
    tell(args, meter)


def tell(args: argparse.Namespace, meter: Meter) -> None:
    print(json.dumps({"items_written": args.items, "cpu_s": meter.cpu_s, "wall_s": meter.wall_s}))


def chunks(items: Iterator[dict[str, Any]]) -> Iterator[Chunk]:
    chunk: Chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == BATCH:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def in_parallel(work: Iterator[Chunk], send: Callable[[Chunk], Awaitable[None]], workers: int) -> None:
    """One producer, a bounded queue, N workers: what is written around a client that sends one batch at a time."""
    queue: asyncio.Queue[Chunk | None] = asyncio.Queue(2 * workers)

    async def worker() -> None:
        while (chunk := await queue.get()) is not None:
            await send(chunk)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
        for chunk in work:
            await queue.put(chunk)
        for _ in range(workers):
            await queue.put(None)
