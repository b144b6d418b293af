"""The servers that tests load into: ministack, moto, dynalite, and DynamoDB Local where its address is given.

Each listens on 127.0.0.1 only, keeps nothing, and ends with the block that started it. One that is not installed
raises `Missing`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCESS_KEY, SECRET_KEY, REGION = "AKIATEST", "secret", "us-east-1"
START_LIMIT_S = 60.0
_REPOSITORY = Path(__file__).parent.parent


class Missing(Exception):
    """The server is not installed here."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    name: str
    url: str

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A plain boto3 client."""
        client = boto3.client(
            "dynamodb",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}),
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def ministack(folder: Path) -> Iterator[Server]:
    """Ministack, a process of its own."""
    if find_spec("ministack") is None:
        raise Missing("ministack is not installed; pip install 'asyncloader[local]'")
    port = free_port()
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "dynamodb,s3",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "ERROR",
        "TMPDIR": str(folder),
    }
    with _process([sys.executable, "-m", "ministack"], folder / "ministack.log", settings, port):
        yield Server("ministack", f"http://127.0.0.1:{port}")


@contextmanager
def moto(_: Path) -> Iterator[Server]:
    """Moto, in a thread: its mocks inside the process do not work with aiobotocore, its server does."""
    if find_spec("moto") is None:
        raise Missing("moto is not installed; pip install 'asyncloader[dev]'")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Server("moto", f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def dynalite(folder: Path) -> Iterator[Server]:
    """Dynalite, a process of node; DYNALITE_CLI may say where its `cli.js` is."""
    cli = Path(os.environ.get("DYNALITE_CLI") or _REPOSITORY / "node_modules" / "dynalite" / "cli.js")
    node = shutil.which("node")
    if node is None or not cli.is_file():
        raise Missing("dynalite is not installed; npm install dynalite, or say DYNALITE_CLI=…/dynalite/cli.js")
    port = free_port()
    no_waits = ["--createTableMs", "0", "--deleteTableMs", "0"]
    command = [node, str(cli), "--host", "127.0.0.1", "--port", str(port), *no_waits]
    with _process(command, folder / "dynalite.log", {}, port):
        yield Server("dynalite", f"http://127.0.0.1:{port}")


@contextmanager
def dynamodb_local(_: Path) -> Iterator[Server]:
    """DynamoDB Local, which somebody else has started: DYNAMODB_LOCAL_URL says where."""
    url = os.environ.get("DYNAMODB_LOCAL_URL")
    if not url:
        raise Missing("DYNAMODB_LOCAL_URL does not say where DynamoDB Local is")
    yield Server("dynamodb-local", url)


STARTERS: Mapping[str, Callable[[Path], AbstractContextManager[Server]]] = {
    "ministack": ministack,
    "moto": moto,
    "dynalite": dynalite,
    "dynamodb-local": dynamodb_local,
}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(command: list[str], log_file: Path, settings: Mapping[str, str], port: int) -> Iterator[None]:
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=log_file.parent,
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_up(process, port, log_file)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int, log_file: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start:\n{log_file.read_text(errors='replace')[-4000:]}")
