"""A source as a stream of UTF-8 chunks: the one place that reads files, through aiofiles.

Compressed sources (.gz .bz2 .xz .zst, by their first bytes) are decompressed and other encodings turned into UTF-8
on the way; both in a thread, since they may take a while. Positions are those of the stream that comes out.
"""

from __future__ import annotations

import asyncio
import bz2
import codecs
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import aiofiles
import zstandard

from asyncloader.sources.paths import SourceFile
from asyncloader.values.errors import SourceError

UTF8_BOM = b"\xef\xbb\xbf"


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes: ...


_MAGIC: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x28\xb5\x2f\xfd", lambda: zstandard.ZstdDecompressor().decompressobj()),
)


class SourceStream:
    """An open source. `read` gives chunks until `b""`; `read_bytes` is how much of the source as stored is used up."""

    def __init__(self, source: SourceFile, file: Any, *, encoding: str | None, chunk_bytes: int) -> None:
        self.name = source.name
        self.read_bytes = 0
        self.is_seekable = False
        self._file = file
        self._chunk_bytes = chunk_bytes
        self._make: Callable[[], Any] | None = None
        self._decompressor: _Decompressor | None = None
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="strict") if encoding else None
        self._encoding = encoding
        self._pushed_back: list[bytes] = []
        self._begun = False
        self._strip_bom = False
        self._ended = False

    async def read(self) -> bytes:
        """The next chunk, never empty before the end; raises `SourceError`."""
        if self._pushed_back:
            return self._pushed_back.pop()
        while not self._ended:
            try:
                raw = await self._file.read(self._chunk_bytes)
            except OSError as error:
                raise SourceError(
                    f"{self.name}: reading failed at byte {self.read_bytes} ({error.strerror})"
                ) from error
            self.read_bytes += len(raw)
            self._ended = not raw
            if not self._begun:
                raw = await self._begin(raw)
            if self._make is None and self._decoder is None:
                chunk = raw
            else:
                chunk = await asyncio.to_thread(self._transform, raw, self._ended)
            if chunk:
                return chunk
        return b""

    def push_back(self, chunk: bytes) -> None:
        """Give back what was read ahead; it is the next to be read."""
        if chunk:
            self._pushed_back.append(chunk)

    async def skip_to(self, offset: int) -> None:
        """Go on at byte `offset` of the stream; only at its begin. Seeks where it can, reads where it must."""
        first = await self.read()
        self._pushed_back.append(first)
        if self._make is None and self._decoder is None and self.is_seekable:
            bom = self.read_bytes - len(first)
            self._pushed_back.clear()
            await self._file.seek(offset + bom)
            self.read_bytes, self._ended = offset + bom, False
            return
        left = offset
        while left:
            chunk = await self.read()
            if not chunk:
                raise SourceError(f"{self.name}: is shorter than it was; {left} of {offset} bytes are missing")
            self.push_back(chunk[left:])
            left -= min(left, len(chunk))

    async def close(self) -> None:
        """Close the file."""
        await self._file.close()

    async def _begin(self, raw: bytes) -> bytes:
        """Look at the first bytes: compressed? a byte order mark?"""
        while raw and len(raw) < 6 and (more := await self._file.read(self._chunk_bytes)):
            self.read_bytes += len(more)
            raw += more
        self._begun = True
        self._make = next((make for magic, make in _MAGIC if raw.startswith(magic)), None)
        if self._make is not None:
            self._strip_bom = self._decoder is None
            return raw
        return raw.removeprefix(UTF8_BOM) if self._decoder is None else raw

    def _transform(self, raw: bytes, final: bool) -> bytes:
        data = self._decompress(raw, final) if self._make is not None else raw
        if self._strip_bom and data:
            data, self._strip_bom = data.removeprefix(UTF8_BOM), False
        if self._decoder is None:
            return data
        try:
            return self._decoder.decode(data, final).removeprefix("\ufeff").encode()
        except UnicodeError as error:
            raise SourceError(
                f"{self.name}: is not {self._encoding} near byte {self.read_bytes} ({error}); name its --encoding"
            ) from None

    def _decompress(self, raw: bytes, final: bool) -> bytes:
        assert self._make is not None
        parts: list[bytes] = []
        try:
            while raw:
                # A file may hold several compressed streams one after the other; each needs a decompressor of its own.
                if self._decompressor is None:
                    self._decompressor = self._make()
                parts.append(self._decompressor.decompress(raw))
                if not self._decompressor.eof:
                    break
                raw, self._decompressor = self._decompressor.unused_data.lstrip(b"\0"), None
        except (zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError) as error:
            raise SourceError(f"{self.name}: cannot be decompressed near byte {self.read_bytes} ({error})") from None
        if final and self._decompressor is not None:
            raise SourceError(f"{self.name}: the compressed data ends too early; is the file complete?")
        return b"".join(parts)


async def open_source(
    source: SourceFile, *, encoding: str | None = None, chunk_bytes: int = 1024 * 1024
) -> SourceStream:
    """Open a source; `encoding` is given only where it is not UTF-8. Raises `SourceError`."""
    try:
        target = sys.stdin.fileno() if source.is_stdin else source.name
        file = await aiofiles.open(target, "rb", buffering=0, closefd=not source.is_stdin)
    except (OSError, ValueError) as error:
        raise SourceError(f"{source.name}: cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    stream = SourceStream(source, file, encoding=encoding, chunk_bytes=chunk_bytes)
    stream.is_seekable = source.size_bytes is not None
    return stream
