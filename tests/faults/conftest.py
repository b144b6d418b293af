"""The server that the tests of one file share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faultserver import (
    FaultServer,
)


@pytest.fixture(scope="module")
def strict() -> Iterator[FaultServer]:
    """A server that checks everything but signatures, with a table of each kind; nothing stays in it."""
    with FaultServer(check_signatures=False).in_thread() as server:
        server.create_table("people")
        server.create_table("readings", "sensor:S", "at:N")
        server.create_table("ranged", "id", "sort")
        server.create_table("counted", "id:N")
        server.create_table("indexed", indexes={"by_mail": ("mail", "age:N")})
        server.create_table("blobs", "id:B")
        server.create_table("unfinished")
        server.force_status("unfinished", "CREATING")
        server.create_table("leaving")
        server.force_status("leaving", "DELETING")
        yield server
