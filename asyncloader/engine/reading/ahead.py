"""Reading ahead: while a round of blocks takes flight the next ones are read and encoded, a few of them.

What a source gives is encoded and handed on before the next is asked for, so a source that waits holds nothing back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from asyncloader.encode.block import EncodedBlock
from asyncloader.engine.reading.input import Input
from asyncloader.engine.reading.reader import Round, read_rounds
from asyncloader.finish import end_task
from asyncloader.records.watermark import Lane
from asyncloader.values.settings import LoadSettings

ROUNDS_AHEAD = 2
"""Rounds read and encoded beside the one that is about to take flight."""
Encoding = tuple[Round, list[asyncio.Future[EncodedBlock]]]
"""The blocks of a round, and what becomes of them in a thread."""


async def read_ahead(
    inputs: Sequence[Input], settings: LoadSettings, lanes: Sequence[Lane], begin: Callable[[Round], None]
) -> AsyncGenerator[Encoding, None]:
    """All rounds in their order; `begin` hears of each when it has been read. What the reader raises comes last."""
    encoding: asyncio.Queue[Encoding | None] = asyncio.Queue()
    room = asyncio.Semaphore(ROUNDS_AHEAD)
    pool = ThreadPoolExecutor(1, thread_name_prefix="asyncloader-encode")

    async def read() -> None:
        loop = asyncio.get_running_loop()
        async with contextlib.aclosing(read_rounds(inputs, settings, lanes)) as rounds:
            await room.acquire()
            async for blocks in rounds:
                begin(blocks)
                encoded = [loop.run_in_executor(pool, inputs[block.source].encode, block) for _, block in blocks]
                encoding.put_nowait((blocks, encoded))
                await room.acquire()

    reading = asyncio.create_task(read(), name="reading ahead")
    reading.add_done_callback(lambda _: encoding.put_nowait(None))
    try:
        while (each := await encoding.get()) is not None:
            room.release()
            yield each
        await reading
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        await end_task(reading)
