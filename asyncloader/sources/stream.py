"""A source as a stream of UTF-8 chunks: the one place that reads files, through aiofiles.

Compressed sources (.gz .bz2 .xz .zst, by their first bytes) are decompressed and other encodings turned into UTF-8
on the way; both in a thread, since they may take a while. Positions are those of the stream that comes out.
"""

from __future__ import annotations

import asyncio
import codecs
import os
from typing import Any

import aiofiles

from asyncloader.cancellation import finish
from asyncloader.sources.decompress import MAGIC_BYTES, Decompression, NotDecompressed
from asyncloader.sources.resolve import SourceFile
from asyncloader.values.errors import SourceError

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
STDIN_DESCRIPTOR = 0


class SourceStream:
    """An open source. `read` returns chunks until `b""`; `read_bytes` is how much of the source as stored is used up."""

    def __init__(self, source: SourceFile, file: Any, *, encoding: str | None, chunk_bytes: int) -> None:
        self.name = source.name
        self.read_bytes = 0
        self.is_seekable = source.size_bytes is not None
        self._file = file
        self._chunk_bytes = chunk_bytes
        self._compressed: Decompression | None = None
        # What is no text in the encoding becomes no UTF-8 either, so that it costs its row and not the load.
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape") if encoding else None
        self._encoding = encoding
        self._pushed_back: list[bytes] = []
        self._begun = False
        self._head: bytes | None = b""
        self._ended = False

    @property
    def is_plain(self) -> bool:
        """Whether any place of the text can be sought: a file, neither compressed nor in need of another encoding.

        Known once something has been read.
        """
        return self.is_seekable and self._compressed is None and self._decoder is None

    async def read(self) -> bytes:
        """The next chunk, never empty before the end; raises `SourceError`."""
        if self._pushed_back:
            return self._pushed_back.pop()
        raw = b""
        while not self._ended:
            if self._compressed is None or self._compressed.is_used_up:
                raw = await self._read_raw(1 if self._begun else MAGIC_BYTES)
                self._ended = not raw
                if self._compressed is not None:
                    self._compressed.feed(raw)
            if self._compressed is None and self._decoder is None:
                chunk = self._without_mark(raw)
            else:
                chunk = await asyncio.to_thread(self._transform, raw)
            if chunk:
                return chunk
        return b""

    def push_back(self, chunk: bytes) -> None:
        """Return what was read ahead; it is the next to be read."""
        if chunk:
            self._pushed_back.append(chunk)

    async def skip_to(self, offset: int) -> None:
        """Go on at byte `offset` of the stream; only at its start. Seeks where it can, reads where it must."""
        first = await self.read()
        self._pushed_back.append(first)
        if self.is_plain:
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
        await finish(self._file.close())

    async def _read_raw(self, least: int) -> bytes:
        """The next bytes as stored, at least `least` where there are more; the first ones decide how to read the rest."""
        parts: list[bytes] = []
        size = 0
        try:
            while size < least:
                if not self.is_seekable:
                    await _until_readable(self._file.fileno())
                part = await finish(self._file.read(self._chunk_bytes))
                if part is None:  # the pipe was made non-blocking, and another process was faster
                    continue
                if not part:
                    break
                parts.append(part)
                size += len(part)
        except OSError as error:
            raise SourceError(
                f"{self.name}: reading failed at byte {self.read_bytes} ({error.strerror}); check the file and its disk"
            ) from error
        self.read_bytes += size
        raw = b"".join(parts)
        if not self._begun:
            self._begun = True
            self._compressed = Decompression.of(raw)
        return raw

    def _transform(self, raw: bytes) -> bytes:
        """Decompress and decode in a thread."""
        try:
            if self._compressed is not None:
                raw = self._compressed.take(self._chunk_bytes)
                if self._ended:
                    self._compressed.finish()
        except NotDecompressed as error:
            raise SourceError(f"{self.name}: cannot be decompressed near byte {self.read_bytes}: {error}") from None
        return self._without_mark(raw if self._decoder is None else self._decoded(raw))

    def _decoded(self, raw: bytes) -> bytes:
        assert self._decoder is not None
        try:
            return bytes(self._decoder.decode(raw, self._ended).encode(errors="surrogatepass"))
        except UnicodeError as error:
            raise SourceError(
                f"{self.name}: is not {self._encoding} near byte {self.read_bytes} ({error}); name its --encoding"
            ) from None

    def _without_mark(self, chunk: bytes) -> bytes:
        """The chunk, without a byte order mark at the start of the text; raises `SourceError` for one of UTF-16."""
        if self._head is None:
            return chunk
        head = self._head + chunk
        if len(head) < len(UTF8_BOM) and UTF8_BOM.startswith(head) and not self._ended:
            self._head = head
            return b""
        self._head = None
        if self._decoder is None and head.startswith(UTF16_BOMS):
            raise SourceError(f"{self.name}: looks like UTF-16; say --encoding utf-16")
        return head.removeprefix(UTF8_BOM)


async def _until_readable(descriptor: int) -> None:
    """Wait for a pipe or terminal in the loop, which can be cancelled, and not in a thread, which cannot."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    blocking = os.get_blocking(descriptor)

    def wake() -> None:
        if not readable.done():
            readable.set_result(None)

    try:
        loop.add_reader(descriptor, wake)
    except (OSError, NotImplementedError):  # a file or device that is always ready
        return
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
        # uvloop changes the mode of what it watches; others may share it, a terminal for example.
        os.set_blocking(descriptor, blocking)


def _open_at_once(path: str, flags: int) -> int:
    """Open a named pipe without waiting for its writer, which a thread would do uncancelled."""
    return os.open(path, flags | os.O_NONBLOCK)


async def open_source(
    source: SourceFile, *, encoding: str | None = None, chunk_bytes: int = 1024 * 1024
) -> SourceStream:
    """Open a source; `encoding` is given only where it is not UTF-8. Raises `SourceError`."""
    try:
        target = STDIN_DESCRIPTOR if source.is_stdin else source.name
        opener = None if source.is_stdin or source.size_bytes is not None else _open_at_once
        opening = aiofiles.open(target, "rb", buffering=0, closefd=not source.is_stdin, opener=opener)
        file = await finish(opening, dispose=lambda opened: opened._file.close())  # type: ignore[attr-defined]  # no public name
    except (OSError, ValueError) as error:
        raise SourceError(f"{source.name}: cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    return SourceStream(source, file, encoding=encoding, chunk_bytes=chunk_bytes)
