"""Compressed bytes → decompressed bytes, in chunks of bounded size. Pure."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

MAGIC_BYTES = 6
"""How many first bytes identify the compression of a source."""
SLICE_BYTES = 1024
"""Bytes that are decompressed at once, so that even the most repetitive data fits in memory.

They become up to 1 MiB from gzip and 32 MiB from zstd."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


_MAGIC: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x28\xb5\x2f\xfd", lambda: zstandard.ZstdDecompressor().decompressobj()),
)


class NotDecompressed(ValueError):
    """The compressed bytes are broken, or end too early; the message is the reason."""


class Decompression:
    """One source's decompression. `feed` takes what was read, `take` returns chunks until one is empty."""

    def __init__(self, make: Callable[[], _Decompressor]) -> None:
        self._make = make
        self._current: _Decompressor | None = make()
        self._left = b""

    @classmethod
    def of(cls, head: bytes) -> Decompression | None:
        """The one that fits a source's first bytes, or None if it is not compressed."""
        return next((cls(make) for magic, make in _MAGIC if head.startswith(magic)), None)

    def feed(self, raw: bytes) -> None:
        """More bytes; all that were fed before have been taken."""
        self._left = raw

    def take(self, chunk_bytes: int) -> bytes:
        """About `chunk_bytes` of what was fed, empty when it is used up; raises `NotDecompressed`."""
        parts: list[bytes] = []
        size, at, raw = 0, 0, self._left
        try:
            while at < len(raw) and size < chunk_bytes:
                part = self._decompress(raw[at : at + SLICE_BYTES])
                at += SLICE_BYTES
                size += len(part)
                parts.append(part)
        except (zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError) as error:
            raise NotDecompressed(str(error)) from None
        self._left = raw[at:]
        return b"".join(parts)

    @property
    def is_used_up(self) -> bool:
        """Whether everything that was fed has been taken."""
        return not self._left

    def finish(self) -> None:
        """The source has ended; raises `NotDecompressed` if its last stream has not."""
        if self._current is not None:
            raise NotDecompressed("it ends too early; is the file complete?")

    def _decompress(self, data: bytes) -> bytes:
        parts: list[bytes] = []
        while data:
            # A file may hold several streams one after the other, with zeros between them; each needs its own.
            if self._current is None:
                if not (data := data.lstrip(b"\0")):
                    break
                self._current = self._make()
            parts.append(self._current.decompress(data))
            if not self._current.eof:
                break
            data, self._current = self._current.unused_data, None
        return b"".join(parts)
