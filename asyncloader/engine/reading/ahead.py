"""Reading ahead: while blocks are submitted the next ones are read and encoded, a few of them.

What a source yields is encoded and handed on before the next is asked for, so a source that waits holds nothing back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asyncloader.cancellation import end_task
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.steps import Steps
from asyncloader.engine.reading.input import Input
from asyncloader.engine.reading.reader import SplitBlocks, read_splits
from asyncloader.records.checkpoint import Split
from asyncloader.values.settings import LoadSettings

BLOCKS_AHEAD = 2
"""How often one block of every split is read and encoded ahead of what is submitted."""
ENCODED_AT_ONCE = 2
"""One block's long steps run in the thread while another's short ones run in the loop."""
Encoding = tuple[SplitBlocks, list[asyncio.Task[EncodedBlock]]]
"""One block of every split that has any left, and the tasks that encode them."""
Result = TypeVar("Result")


async def read_ahead(
    inputs: Sequence[Input], settings: LoadSettings, splits: Sequence[Split], on_read: Callable[[SplitBlocks], None]
) -> AsyncGenerator[Encoding, None]:
    """All blocks in their order, one of every split at a time; what the reader raises comes last.

    `on_read` is called with the blocks when they have been read.
    """
    encoding: asyncio.Queue[Encoding | None] = asyncio.Queue()
    room = asyncio.Semaphore(BLOCKS_AHEAD)
    pool = EncodePool()

    async def read() -> None:
        async with contextlib.aclosing(read_splits(inputs, settings, splits)) as read_blocks:
            await room.acquire()
            async for blocks in read_blocks:
                on_read(blocks)
                encoded = [pool.start(inputs[block.source].encode(block)) for _, block in blocks]
                encoding.put_nowait((blocks, encoded))
                await room.acquire()

    reading = asyncio.create_task(read(), name="reading ahead")
    reading.add_done_callback(lambda _: encoding.put_nowait(None))
    try:
        while (encoded_blocks := await encoding.get()) is not None:
            room.release()
            yield encoded_blocks
        await reading
    finally:
        await end_task(reading)
        await pool.clear()


class EncodePool:
    """Where blocks are encoded, a few at once and in their order: a thread for the long steps, the loop for the others."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="asyncloader-encode")
        self._places = asyncio.Semaphore(ENCODED_AT_ONCE)
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, steps: Steps[Result]) -> asyncio.Task[Result]:
        """Take these steps as soon as there is a place."""
        task = asyncio.create_task(self._take(steps), name="encoding")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def clear(self) -> None:
        """Take no further step."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for task in list(self._tasks):
            await end_task(task)

    async def _take(self, steps: Steps[Result]) -> Result:
        loop = asyncio.get_running_loop()
        result_of_call: Any = None
        async with self._places:
            while True:
                try:
                    call = steps.send(result_of_call)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                if call is None:
                    result_of_call = None
                    await asyncio.sleep(0)
                else:
                    result_of_call = await loop.run_in_executor(self._pool, call)
