"""Starting and stopping the embedded server, with a lock so that no two commands share its tables."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from asyncloader.values.errors import UsageError

REGION = "us-east-1"
ACCESS_KEY = SECRET_KEY = "local"  # noqa: S105  # the embedded server asks for some, and checks none
START_LIMIT_S = 60.0
STOP_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running embedded server."""

    url: str
    folder: Path

    def environment(self) -> dict[str, str]:
        """What AWS CLI, boto3 and this command need to talk to it."""
        return {
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }


def data_folder() -> Path:
    """Where the local tables are kept: the user's data folder, or ASYNCLOADER_LOCAL_DIR."""
    import platformdirs

    chosen = os.environ.get("ASYNCLOADER_LOCAL_DIR")
    return Path(chosen) if chosen else platformdirs.user_data_path("asyncloader") / "local"


@asynccontextmanager
async def serve(port: int = 0) -> AsyncIterator[LocalServer]:
    """Run the embedded server on 127.0.0.1 (a free port for 0); its tables are saved when it ends.

    Raises `UsageError` when the extra is not installed, the tables are in use, the port is taken, or it does not start.
    """
    if importlib.util.find_spec("ministack") is None:
        raise UsageError("--local needs the extra 'local': pip install 'asyncloader[local]'")
    folder = data_folder().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = await _lock(folder / "lock")
    except OSError as error:
        raise UsageError(
            f"{folder}: the local tables cannot be kept there ({error.strerror}); set ASYNCLOADER_LOCAL_DIR"
        ) from error
    with lock:
        port = _free_port(port)
        process = _start(folder, port, lock)
        try:
            await _wait_until_up(process, port, folder)
            yield LocalServer(f"http://127.0.0.1:{port}", folder)
        finally:
            await _stop(process)


async def _lock(path: Path) -> IO[str]:
    """The lock file, locked; raises `UsageError` where another command holds it.

    The server holds the lock as well. Where its command was killed, it saves its tables and ends; that is waited for.
    """
    file = path.open("a+")
    deadline = time.monotonic() + STOP_LIMIT_S
    while not _is_locked(file):
        file.seek(0)
        owner = file.read().strip()
        if time.monotonic() > deadline or _is_alive(owner):
            file.close()
            raise UsageError(
                f"the local tables in {path.parent} are in use by another asyncloader (process {owner or 'unknown'}); "
                "wait for it to end, or use its server with --endpoint-url"
            )
        await asyncio.sleep(0.05)
    file.seek(0)
    file.truncate()
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _is_locked(file: IO[str]) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(owner: str) -> bool:
    """Whether the process that wrote its number into the lock file still runs; without a number it is about to write it."""
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OverflowError, PermissionError):
        return True
    return True


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} cannot be used ({getattr(error, 'strerror', None) or error}); name another --port"
            ) from None
        return int(probe.getsockname()[1])


def _start(folder: Path, port: int, lock: IO[str]) -> subprocess.Popen[bytes]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "dynamodb,s3",
        # Services that listen on ports of their own, on every address, whatever SERVICES says.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "tables"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
        "LOG_LEVEL": "ERROR",
        "MINISTACK_REGION": REGION,
    }
    log = (folder / "server.log").open("wb")
    with log:
        return subprocess.Popen(  # noqa: S603  # our own interpreter, our own module
            [sys.executable, "-m", "asyncloader.local.child", str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            # Python would look for modules in the current folder, and ministack may write there.
            cwd=folder,
            # A lock belongs to the open file: it lasts until the server has saved its tables too.
            pass_fds=(lock.fileno(),),
            # Ctrl-C in the terminal is for the command, which then ends the server in an orderly way.
            start_new_session=True,
        )


async def _wait_until_up(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise UsageError(f"the embedded server did not start; its log is {folder / 'server.log'}")


async def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let the server save its tables and end."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.shield(asyncio.to_thread(process.wait, STOP_LIMIT_S))
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)
    except asyncio.CancelledError:
        process.wait(STOP_LIMIT_S)
        raise
