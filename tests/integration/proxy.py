"""A proxy for tests: forwards plain requests, opens tunnels, and counts both. Every name leads to the same server."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PUMP_LIMIT_S = 60.0


@dataclass(slots=True)
class Proxy:
    """What the proxy has seen: targets of forwarded requests and of tunnels, as they were named."""

    url: str = ""
    forwarded: list[str] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Run a proxy in front of the server on this port of 127.0.0.1."""
    seen = Proxy()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.forwarded.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=PUMP_LIMIT_S)
            try:
                passed_on = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
                server.request("POST", "/", body, passed_on)
                answer = server.getresponse()
                told = answer.read()
            finally:
                server.close()
            self.send_response(answer.status)
            for name in ("Content-Type", "x-amzn-RequestId", "x-amz-crc32"):
                if value := answer.headers.get(name):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def do_CONNECT(self) -> None:
            seen.tunnels.append(self.path)
            with socket.create_connection(("127.0.0.1", port), timeout=PUMP_LIMIT_S) as server:
                self.send_response(200)
                self.end_headers()
                _pump(self.connection, server)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        listener.block_on_close = False
        seen.url = f"http://127.0.0.1:{listener.server_address[1]}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            listener.shutdown()
            thread.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side has enough."""
    while True:
        readable, _, _ = select.select([one, other], [], [], PUMP_LIMIT_S)
        if not readable:
            return
        for source in readable:
            try:
                data = source.recv(65536)
                if not data:
                    return
                (other if source is one else one).sendall(data)
            except OSError:
                return
