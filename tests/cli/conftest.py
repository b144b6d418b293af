"""What the tests of the command share: a server that answers as DynamoDB does, and a folder to work in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faultserver import FaultServer
from tests.servers import ACCESS_KEY, SECRET_KEY


@pytest.fixture(scope="session")
def dynamodb(own_environment: None) -> Iterator[FaultServer]:
    """A strict server for the whole session, with the table `people` (key `id`) and tables that take no writes."""
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}).in_thread() as server:
        server.create_table("people")
        server.create_table("unfinished")
        server.force_status("unfinished", "CREATING")
        server.create_table("leaving")
        server.force_status("leaving", "DELETING")
        yield server


@pytest.fixture
def slow_dynamodb(own_environment: None) -> Iterator[FaultServer]:
    """A server of the test's own, on which every request takes a while."""
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, latency_s=0.05).in_thread() as server:
        server.create_table("people")
        yield server


@pytest.fixture
def people(work_folder: Path) -> Path:
    """A file with two rows that fit the table `people`."""
    return write(work_folder / "people.csv", "id,name\n1,Ana\n2,Ben\n")


def write(path: Path, text: str) -> Path:
    """A file with this text."""
    path.write_text(text, encoding="utf-8", newline="")
    return path


def numbered(path: Path, rows: int, padding: int = 0) -> Path:
    """A file of this many rows, each padded with this many bytes."""
    more = "." * padding
    return write(path, "id,name\n" + "".join(f"{number},name of {number}{more}\n" for number in range(rows)))
