"""Sources as streams of bytes: the same whatever the size of the chunks, and never more at once than memory has room for."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from asyncloader.sources.decompress import SLICE_BYTES, Decompression, NotDecompressed
from asyncloader.sources.resolve import expand_paths
from asyncloader.sources.stream import SourceStream, open_source
from asyncloader.values.errors import SourceError

BOM = b"\xef\xbb\xbf"
TEXT = "id,name\n" + "".join(f"{number},\ufeffä€😀 {number}\r\n" for number in range(300))
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}
REALLY = {name: compress for name, compress in COMPRESSIONS.items() if name != "plain"}


async def opened(path: Path, *, encoding: str | None = None, chunk_bytes: int = 1024) -> SourceStream:
    (source,) = expand_paths([path])
    return await open_source(source, encoding=encoding, chunk_bytes=chunk_bytes)


async def chunks(stream: SourceStream) -> list[bytes]:
    """All that a stream gives."""
    found = []
    try:
        while chunk := await stream.read():
            found.append(chunk)
    finally:
        await stream.close()
    return found


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 64, 1_000_000])
@pytest.mark.parametrize("name", COMPRESSIONS)
async def test_the_text_is_the_same_in_chunks_of_any_size(tmp_path: Path, name: str, chunk_bytes: int) -> None:
    """A byte order mark is taken from the start only: inside of the text U+FEFF is a character like others."""
    path = tmp_path / "source"
    path.write_bytes(COMPRESSIONS[name](BOM + TEXT[:300].encode()))
    found = await chunks(await opened(path, chunk_bytes=chunk_bytes))
    assert b"".join(found) == TEXT[:300].encode()


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 5, 1_000_000])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "shift_jis", "cp1252"])
async def test_other_encodings_are_the_same_in_chunks_of_any_size(
    tmp_path: Path, encoding: str, chunk_bytes: int
) -> None:
    """Characters of several bytes may be cut anywhere."""
    text = TEXT[:300] if encoding.startswith("utf") else "id,name\n1,カナ\n" if encoding == "shift_jis" else "é€\n"
    path = tmp_path / "source"
    path.write_bytes(text.encode(encoding))
    found = await chunks(await opened(path, encoding=encoding, chunk_bytes=chunk_bytes))
    assert b"".join(found).decode() == text


@pytest.mark.parametrize("offset", [0, 1, 8, 500, len(TEXT.encode())])
@pytest.mark.parametrize("name", ["plain", "gzip"])
async def test_reading_can_go_on_at_any_place_of_the_text(tmp_path: Path, name: str, offset: int) -> None:
    """A byte order mark in front does not shift the places."""
    path = tmp_path / "source"
    path.write_bytes(COMPRESSIONS[name](BOM + TEXT.encode()))
    stream = await opened(path)
    await stream.skip_to(offset)
    assert b"".join(await chunks(stream)) == TEXT.encode()[offset:]


async def test_a_source_that_has_become_shorter_is_told(tmp_path: Path) -> None:
    """Where a resume would go on, there is nothing any more."""
    path = tmp_path / "source"
    path.write_bytes(gzip.compress(b"id\n1\n"))
    stream = await opened(path)
    with pytest.raises(SourceError, match=r"is shorter than it was; 95 of 100 bytes are missing"):
        await stream.skip_to(100)
    await stream.close()


@pytest.mark.parametrize("name", REALLY)
async def test_what_grows_enormously_comes_in_bounded_chunks(tmp_path: Path, name: str) -> None:
    """A million equal rows are a few kilobytes of file; no chunk comes near their whole size."""
    row, rows = b"4711,some name,Bern,,,,1.50\r\n", 1_000_000
    path = tmp_path / "source"
    path.write_bytes(COMPRESSIONS[name](row * rows))
    assert path.stat().st_size < 100_000
    largest = total = 0
    stream = await opened(path, chunk_bytes=64 * 1024)
    while chunk := await stream.read():
        largest, total = max(largest, len(chunk)), total + len(chunk)
    await stream.close()
    assert total == len(row) * rows
    assert largest < 16 * 1024 * 1024


@pytest.mark.parametrize("name", REALLY)
@pytest.mark.parametrize("padding", [b"", bytes(5), bytes(3 * SLICE_BYTES)], ids=["none", "few", "many"])
def test_several_streams_one_after_the_other(name: str, padding: bytes) -> None:
    """As `cat a.gz b.gz` makes them; tapes and some tools put zeros between and behind."""
    compress = REALLY[name]
    stored = padding.join([compress(b"one"), compress(b"two"), compress(b"three"), b""])
    decompression = Decompression.of(stored)
    assert decompression is not None
    found = io.BytesIO()
    for at in range(0, len(stored), 1000):
        decompression.feed(stored[at : at + 1000])
        while not decompression.is_used_up:
            found.write(decompression.take(10))
    decompression.finish()
    assert found.getvalue() == b"onetwothree"


@pytest.mark.parametrize("name", REALLY)
async def test_broken_or_cut_off_data_is_told(tmp_path: Path, name: str) -> None:
    """Neither is taken for the end of the file."""
    stored = REALLY[name](os.urandom(5_000))
    path = tmp_path / "source"
    path.write_bytes(stored[:-20])
    with pytest.raises(SourceError, match=r"source: cannot be decompressed near byte \d+: it ends too early"):
        await chunks(await opened(path))
    path.write_bytes(stored + b"no such stream")
    with pytest.raises(SourceError, match=r"source: cannot be decompressed near byte \d+"):
        await chunks(await opened(path))


def test_a_decompression_that_has_not_ended_says_so() -> None:
    """Also where nothing at all came behind the first bytes."""
    decompression = Decompression.of(gzip.compress(b"x")[:6])
    assert decompression is not None
    with pytest.raises(NotDecompressed, match="ends too early"):
        decompression.finish()


async def test_a_named_pipe_may_get_its_writer_late(tmp_path: Path) -> None:
    """Opening does not wait for it, reading does."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    stream = await opened(path)
    reading = asyncio.create_task(chunks(stream))
    writer = threading.Thread(target=path.write_bytes, args=(TEXT.encode(),), daemon=True)
    writer.start()
    assert b"".join(await reading) == TEXT.encode()
    writer.join()


async def test_waiting_for_a_pipe_can_be_cancelled(tmp_path: Path) -> None:
    """No thread is left behind that nobody can wake."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    stream = await opened(path)
    reading = asyncio.create_task(chunks(stream))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
