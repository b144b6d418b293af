"""The server in a thread with an event loop of its own, for tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Generic, Protocol, TypeVar


class Runnable(Protocol):
    """What can be run in a thread."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""

    def raise_crashes(self) -> None:
        """Raise what went wrong meanwhile."""


S = TypeVar("S", bound=Runnable)


class ServerThread(Generic[S]):
    """Starts a service in a thread and stops it at the end of the block."""

    def __init__(self, service: S) -> None:
        self._service = service
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fault-server", daemon=True)

    def __enter__(self) -> S:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self._service

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if error is None:
            if self._error is not None:
                raise self._error
            self._service.raise_crashes()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await self._service.start()
        self._ready.set()
        await self._stopping.wait()
        await self._service.stop()
