"""aiodynamo over aiohttp. It sends one batch at a time and leaves unprocessed items to its user."""

import argparse
import asyncio

from aiodynamo.client import Client
from aiodynamo.credentials import Credentials
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.models import BatchWriteRequest
from aiohttp import ClientSession, TCPConnector
from events import events
from writing import Chunk, Meter, arguments, chunks, in_parallel, run
from yarl import URL


async def write(args: argparse.Namespace, meter: Meter) -> None:
    async with ClientSession(connector=TCPConnector(limit=args.workers)) as session:
        client = Client(AIOHTTP(session), Credentials.auto(), "eu-west-1", URL(args.endpoint_url))

        async def send(chunk: Chunk) -> None:
            delay_s = 0.05
            while chunk:
                told = await client.batch_write({args.table: BatchWriteRequest(items_to_put=chunk)})
                chunk = told[args.table].unput_items if args.table in told else []
                if chunk:
                    await asyncio.sleep(delay_s)
                    delay_s = min(delay_s * 2, 5.0)

        with meter:
            await in_parallel(chunks(events(args.items)), send, args.workers)


if __name__ == "__main__":
    run(arguments("Write single items with aiodynamo."), write)
