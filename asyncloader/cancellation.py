"""Waiting for what cannot be cancelled: work in a thread goes on, so whoever is cancelled waits for its end.

So nobody closes a file that a thread still uses, and nothing is written after a load has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


async def finish(work: Awaitable[Result], *, dispose: Callable[[Result], object] | None = None) -> Result:
    """Wait for `work` to its end; a cancellation is passed on only then, after `dispose` has had the result."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None and dispose is not None:
            dispose(task.result())
        raise


async def in_thread(work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
    """Run `work` in a thread and wait for its end, whatever happens meanwhile."""
    return await finish(asyncio.to_thread(work, *args, **kwargs))


async def end_task(task: asyncio.Task[object]) -> None:
    """Cancel a task and wait for its end, whatever it was; what it raised is reported elsewhere."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
