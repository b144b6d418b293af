"""Running a load against the fault server inside a test, and what the table must hold afterwards."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asyncloader.engine.loading.load import Load
from asyncloader.sources.resolve import SourceLike
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import LoadSettings, RetrySettings
from asyncloader.wire.connection import Address
from asyncloader.wire.native import NativeTransportFactory
from asyncloader.wire.sigv4 import Credentials
from tests.faultserver import FaultServer

TABLE = "people"
COLUMNS = ("id", "value", "note")
Row = tuple[str, str, str]
Typed = dict[str, Any]

QUICK = RetrySettings(attempts=200, base_s=0.0005, cap_s=0.005, request_timeout_s=60.0, connect_timeout_s=60.0)
"""Retries without noticeable waits, and enough of them that no script of faults uses them up; no machine stalls as long as
these requests may take."""


class Keys:
    """Credentials as the transport wants them; `renewed` counts how often others were asked for."""

    def __init__(self, access_key: str = "AKIATEST", secret_key: str = "secret", token: str | None = None) -> None:
        self.credentials = Credentials(access_key, secret_key, token)
        self.following: list[Credentials] = []
        self.renewed = 0

    async def current(self) -> Credentials:
        return self.credentials

    async def renew(self, refused: Credentials) -> None:
        self.renewed += 1
        if self.following and refused == self.credentials:
            self.credentials = self.following.pop(0)


@dataclass(frozen=True)
class Scene:
    """A folder with one source, and a running fault server with the table."""

    server: FaultServer
    folder: Path
    key_type: str = "S"
    given: tuple[SourceLike, ...] = ()
    """What is loaded instead of the file: frames and iterators, of which there is no journal."""

    @property
    def source(self) -> Path:
        return self.folder / "people.csv"

    def settings(self, **changes: Any) -> LoadSettings:
        """Small blocks and few workers, with reject file and journal in the folder."""
        settings = LoadSettings(
            workers=8,
            block_bytes=2048,
            retry=QUICK,
            rejects=self.folder / "rejects.csv",
            journal=None if self.given else self.folder / "load.journal",
        )
        return replace(settings, **changes)

    def transports(self, settings: LoadSettings, keys: Keys | None = None) -> NativeTransportFactory:
        host, port = self.server.url.removeprefix("http://").split(":")
        return NativeTransportFactory(
            address=Address(host, int(port)),
            region="us-east-1",
            table=TABLE,
            credentials=keys or Keys(),
            retry=settings.retry,
        )

    def table(self) -> Table:
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}"
        return Table(TABLE, arn, KeyAttribute("id", "N" if self.key_type == "N" else "S"))

    async def prepared(self, settings: LoadSettings) -> Load:
        load = Load(self.given or [self.source], settings)
        await load.prepare()
        return load

    async def run(self, keys: Keys | None = None, **changes: Any) -> Report:
        """One run of the load, from the beginning or as `resume` says."""
        settings = self.settings(**changes)
        load = await self.prepared(settings)
        return await load.run(self.transports(settings, keys), self.table(), self.server.url)

    def items(self) -> dict[str, Typed]:
        """What the table holds, by its key's text."""
        return {item["id"][self.key_type]: item for item in self.server.items(TABLE)}

    def rejects(self) -> list[dict[str, str]]:
        """The rows of the reject file."""
        path = self.folder / "rejects.csv"
        if not path.exists():
            return []
        return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def scene(server: FaultServer, folder: Path, rows: Iterable[Sequence[str]], *, key_type: str = "S") -> Scene:
    """Make the table and the source file."""
    server.create_table(TABLE, f"id:{key_type}")
    made = Scene(server, folder, key_type)
    made.source.write_bytes(csv_bytes(rows))
    return made


def given(server: FaultServer, folder: Path, *sources: SourceLike, key_type: str = "S") -> Scene:
    """Make the table for sources that are no files."""
    server.create_table(TABLE, f"id:{key_type}")
    return Scene(server, folder, key_type, sources)


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def item_of(row: Sequence[str]) -> Typed:
    """The item that a row is, with empty cells dropped."""
    return {name: {"S": cell} for name, cell in zip(COLUMNS, row, strict=True) if cell}


def applied(rows: Iterable[Sequence[str]], refused: Iterable[str] = ()) -> dict[str, Typed]:
    """The table after applying the rows one after the other; rows without a key or with a refused value do nothing."""
    gone = set(refused)
    return {row[0]: item_of(row) for row in rows if row[0] and row[1] not in gone}
