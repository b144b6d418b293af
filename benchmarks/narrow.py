"""A DynamoDB behind a slow link, in a process of its own: all requests share its bytes a second.

    python benchmarks/narrow.py --bytes-per-s 400000 --latency 0.02

It prints its address and stores nothing. BatchWriteItem is answered when its last byte has come through and the
latency has passed; whoever gives up before has sent for nothing. Never bind this to anything but the loopback address.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import sys

from loopback import batch_written, response, table_description

HOST = "127.0.0.1"
CHUNK = 8 * 1024


class Way:
    """Bytes a second, in the order in which they are asked for, a chunk at a time: so all connections have a fair share."""

    def __init__(self, bytes_per_s: float) -> None:
        self._per_byte_s = 1.0 / bytes_per_s
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self.bytes = 0

    async def take(self, size: int) -> None:
        self.bytes += size
        async with self._turn:
            now = asyncio.get_running_loop().time()
            self._free_at = max(self._free_at, now) + size * self._per_byte_s
            if self._free_at - now > 0.001:
                await asyncio.sleep(self._free_at - now)


class Server:
    def __init__(self, way: Way, latency_s: float, table: str) -> None:
        self._way = way
        self._latency_s = latency_s
        self._stored, self._described = batch_written(table), table_description(table)
        self._requests = self._done_bytes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                left = size = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                is_batch = b".batchwriteitem" in head.lower()
                while left:
                    chunk = await reader.read(min(left, CHUNK))
                    if not chunk:
                        return
                    left -= len(chunk)
                    if is_batch:
                        await self._way.take(len(chunk))
                if is_batch:
                    await asyncio.sleep(self._latency_s)
                    self._requests += 1
                    self._done_bytes += size
                writer.write(self._answer(head, is_batch))
        writer.close()

    def _answer(self, head: bytes, is_batch: bool) -> bytes:
        if head.startswith(b"GET"):
            told = {"requests": self._requests, "bytes_done": self._done_bytes, "bytes": self._way.bytes}
            return response(told, "application/json")
        return self._stored if is_batch else self._described


async def main(args: argparse.Namespace) -> None:
    server = Server(Way(args.bytes_per_s), args.latency, args.table)
    listening = socket.create_server((HOST, 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * CHUNK)
    await asyncio.start_server(server.serve, sock=listening, limit=CHUNK)
    print(f"http://{HOST}:{listening.getsockname()[1]}", flush=True)
    over = asyncio.Event()
    stdin = sys.stdin.fileno()
    asyncio.get_running_loop().add_reader(stdin, lambda: over.set() if not os.read(stdin, 4096) else None)
    await over.wait()
    os._exit(0)  # whatever still comes through has nobody who waits for it


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytes-per-s", type=float, default=400_000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--table", default="bench")
    asyncio.run(main(parser.parse_args()))
