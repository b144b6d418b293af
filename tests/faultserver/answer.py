"""Answers as bytes: status line, the service's headers, body."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import orjson

CONTENT_TYPE = "application/x-amz-json-1.0"
_REQUEST_ID_TAIL = "VV4KQNSO5AEMVJF66Q9ASUAAJG"


class Answers:
    """Writes answers with the server's clock and a new request id each."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._number = 0
        self._second = -1
        self._date = ""

    def json(self, status: int, payload: Any) -> bytes:
        """An answer with a JSON body."""
        return self.encode(status, orjson.dumps(payload))

    def encode(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str | None = None,
        bad_crc: bool = False,
        cut_bytes: int | None = None,
        says_close: bool = False,
    ) -> bytes:
        """An answer; only bodies of the service itself (no other content type) carry its id and checksum."""
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: Server\r\nDate: {self._now()}\r\n"
            f"Content-Type: {content_type or CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n"
            f"Connection: {'close' if says_close else 'keep-alive'}\r\n"
        )
        if content_type is None:
            self._number += 1
            crc = zlib.crc32(body) ^ bad_crc
            head += f"x-amzn-RequestId: {self._number:026d}{_REQUEST_ID_TAIL}\r\nx-amz-crc32: {crc}\r\n"
        # A cut body always lacks at least one byte of what Content-Length promises.
        sent = body if cut_bytes is None else body[: min(cut_bytes, len(body) - 1)]
        return head.encode() + b"\r\n" + sent

    def _now(self) -> str:
        second = int(self._clock())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date
