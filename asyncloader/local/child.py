"""The child process: serves ministack on 127.0.0.1 until its standard input ends, then saves its tables.

The parent holds the other end of that pipe, so the server ends with it, however it ends. Run as
`python -m asyncloader.local.child PORT`; the rest of its settings come by environment from `server`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading


async def serve(port: int) -> None:
    """Serve until standard input ends or SIGTERM comes."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def watch_parent() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch_parent, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.graceful_timeout = 1.0
    config.shutdown_timeout = 30.0
    config.keep_alive_timeout = 600
    config.accesslog = None
    config.loglevel = "ERROR"

    async def until_ended() -> None:
        await ended.wait()

    await hypercorn_serve(app, config, shutdown_trigger=until_ended)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
