"""Things that listen where DynamoDB should: web servers, proxies, servers of other protocols, silence."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def talker(answer: bytes | None, *, tls: ssl.SSLContext | None = None, greets: bool = False) -> Iterator[int]:
    """Listen on a port of 127.0.0.1 and give `answer` to every request, then close; None never answers.

    One that `greets` speaks first, as servers of some other protocols do.
    """
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                if not greets:
                    self.request.recv(65536)
                if answer is None:
                    over.wait()
                else:
                    self.request.sendall(answer)
                if greets:
                    self.request.recv(65536)
            except OSError:
                pass  # the client has had enough

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def get_request(self) -> tuple[socketserver.socket, object]:  # type: ignore[name-defined]
            connection, address = super().get_request()
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            return connection, address

    with Listener(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield int(listener.server_address[1])
        finally:
            over.set()
            listener.shutdown()
            thread.join()


def http(status: str, body: bytes = b"<html><body><h1>It works!</h1></body></html>", kind: str = "text/html") -> bytes:
    """An HTTP answer that closes the connection."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
