"""A server that only answers, in a process of its own, so that the clients are what a benchmark measures.

    python benchmarks/loopback.py --port 0            prints its address, then serves
    python benchmarks/loopback.py --port 0 --tls --ca-file ca.pem

It stores nothing and reads no body: BatchWriteItem is always a success, DescribeTable tells of an active
table with the key `id`. GET /stats tells what arrived since the start or the last GET /reset.
Never bind this to anything but the loopback address.
"""

import argparse
import asyncio
import gc
import json
import os
import re
import ssl
import sys
import time
import zlib
from dataclasses import dataclass, field

import uvloop

HOST = "127.0.0.1"
CONTENT_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d+)", re.IGNORECASE)
PUT = b'"PutRequest"'


def response(body: dict[str, object], content_type: str = "application/x-amz-json-1.0") -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(text)}\r\n"
        "x-amzn-RequestId: LOOPBACK0000000000000000000000000000000000000000000\r\n"
        f"x-amz-crc32: {zlib.crc32(text)}\r\nConnection: keep-alive\r\n\r\n"
    ).encode() + text


def batch_written(table: str) -> bytes:
    return response({"ConsumedCapacity": [{"TableName": table, "CapacityUnits": 25.0}], "UnprocessedItems": {}})


def table_description(table: str) -> bytes:
    return response(
        {
            "Table": {
                "TableName": table,
                "TableStatus": "ACTIVE",
                "TableArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{table}",
                "TableId": "00000000-0000-4000-8000-000000000000",
                "CreationDateTime": 1700000000.0,
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                "ProvisionedThroughput": {
                    "NumberOfDecreasesToday": 0,
                    "ReadCapacityUnits": 0,
                    "WriteCapacityUnits": 0,
                },
                "TableSizeBytes": 0,
                "ItemCount": 0,
                "DeletionProtectionEnabled": False,
            }
        }
    )


@dataclass(slots=True)
class Counts:
    requests: int = 0
    bytes: int = 0
    items: int = 0
    connections: int = 0
    first_request_at: float | None = None
    cpu_at_reset: float = field(default_factory=time.process_time)


class Answering(asyncio.Protocol):
    """Heads are read for three things: the length, the operation, and whether it is ours to count."""

    __slots__ = ("body_left", "counts", "described", "head", "reply", "stored", "transport")

    def __init__(self, counts: list[Counts], stored: bytes, described: bytes) -> None:
        self.counts = counts  # one element: a reset replaces it for all connections
        self.stored = stored
        self.described = described
        self.head = b""  # the beginning of a head whose end has not arrived
        self.body_left = 0
        self.reply = b""  # what is sent once the body has arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.counts[0].connections += 1

    def data_received(self, data: bytes) -> None:
        counts = self.counts[0]
        size = len(data)
        counts.bytes += size
        at = self.body_left
        if at:
            if at > size:
                self.body_left = at - size
                return
            self.body_left = 0
            self.transport.write(self.reply)
            if at == size:
                return
        elif self.head:
            data = self.head + data
            size = len(data)
            self.head = b""
        while at < size:
            end = data.find(b"\r\n\r\n", at)
            if end < 0:
                self.head = data[at:]
                return
            if data.find(b".BatchWriteItem", at, end) >= 0:
                if not counts.requests:
                    counts.first_request_at = time.time()
                counts.requests += 1
                reply = self.stored
            else:
                reply = self.rare(data[at:end])
            # Both usual spellings end so, and no other header does.
            length = data.find(b"-Length: ", at, end)
            if length >= 0:
                at = end + 4 + int(data[length + 9 : data.find(b"\r", length)])
            else:
                found = CONTENT_LENGTH.search(data, at, end)
                at = end + 4 + (int(found[1]) if found else 0)
            if at > size:
                self.body_left = at - size
                self.reply = reply
                return
            self.transport.write(reply)

    def rare(self, head: bytes) -> bytes:
        """Everything but BatchWriteItem."""
        if head.startswith(b"GET /stats"):
            return response(self.stats(), "application/json")
        if head.startswith(b"GET /reset"):
            self.counts[0] = Counts()
            return response({}, "application/json")
        return self.described

    def stats(self) -> dict[str, object]:
        counts = self.counts[0]
        return {
            "requests": counts.requests,
            "bytes": counts.bytes,
            "connections": counts.connections,
            "first_request_at": counts.first_request_at,
            "server_cpu_s": time.process_time() - counts.cpu_at_reset,
        }


class Counting(Answering):
    """Counts the items as well: this reads every byte, so it is not for measuring."""

    __slots__ = ("tail",)
    tail: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.tail = b""

    def data_received(self, data: bytes) -> None:
        seen = self.tail + data
        self.counts[0].items += seen.count(PUT)
        self.tail = seen[-(len(PUT) - 1) :]  # one byte too short to hold a whole one
        super().data_received(data)

    def stats(self) -> dict[str, object]:
        return super().stats() | {"items": self.counts[0].items}


def server_tls(ca_file: str) -> ssl.SSLContext:
    import trustme

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST, "localhost").configure_cert(context)
    authority.cert_pem.write_to_path(ca_file)
    return context


async def serve(args: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    counts = [Counts()]
    kind = Counting if args.count else Answering
    stored, described = batch_written(args.table), table_description(args.table)
    tls = server_tls(args.ca_file) if args.tls else None
    server = await loop.create_server(lambda: kind(counts, stored, described), HOST, args.port, ssl=tls, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(f"{'https' if tls else 'http'}://{HOST}:{port}", flush=True)
    over = asyncio.Event()
    loop.call_later(args.max_seconds, over.set)
    if args.with_stdin:
        stdin = sys.stdin.fileno()
        loop.add_reader(stdin, lambda: over.set() if not os.read(stdin, 4096) else None)
    gc.freeze()
    gc.disable()  # nothing here makes garbage that counting references does not find
    await over.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="A DynamoDB that only answers, on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--table", default="bench", help="the table's name in the answers")
    parser.add_argument("--tls", action="store_true", help="with a certificate made for this run")
    parser.add_argument(
        "--ca-file", default="loopback-ca.pem", help="where its authority is written, for AWS_CA_BUNDLE"
    )
    parser.add_argument("--count", action="store_true", help="count the items, too (slower)")
    parser.add_argument("--with-stdin", action="store_true", help="end when standard input ends")
    parser.add_argument("--max-seconds", type=float, default=7200)
    uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
