"""Through a network that cuts and stalls connections the table ends as if the rows had been applied one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from asyncloader.engine.loading.load import Load
from asyncloader.values.report import Report
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import LoadSettings, RetrySettings
from asyncloader.wire.connection import Address
from asyncloader.wire.native import NativeTransportFactory
from tests.engine.loads import TABLE, Keys, Row, applied, csv_bytes, scene
from tests.engine.proxy import CUTS, PAUSES, STALLS, TRICKLES, TcpProxy, Trouble
from tests.faultserver import FaultServer
from tests.integration.tables import contents, create
from tests.servers import Server

PATIENCE = RetrySettings(attempts=60, base_s=0.001, cap_s=0.02, request_timeout_s=0.75, connect_timeout_s=5.0)
"""A timeout far above what an answer takes, so that a request that times out is one that the proxy holds."""
STORM: Mapping[Trouble | None, float] = {
    None: 20.0,
    **dict.fromkeys(CUTS | PAUSES | TRICKLES, 1.0),
    **dict.fromkeys(STALLS, 0.7),
}


@dataclass(frozen=True)
class Cable:
    """What a load goes through: a table at the far end of a proxy."""

    proxy: TcpProxy
    table: str

    async def load(self, folder: Path, rows: list[Row], **changes: Any) -> Report:
        """Load the rows through the proxy."""
        source = folder / "people.csv"
        source.write_bytes(csv_bytes(rows))
        settings = LoadSettings(
            workers=8,
            block_bytes=8192,
            retry=PATIENCE,
            rejects=folder / "rejects.csv",
            journal=folder / "load.journal",
        )
        settings = replace(settings, **changes)
        transports = NativeTransportFactory(
            address=Address(*self.proxy.address),
            region="us-east-1",
            table=self.table,
            credentials=Keys(),
            retry=settings.retry,
        )
        load = Load([source], settings)
        await load.prepare()
        arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{self.table}"
        url = "http://{}:{}".format(*self.proxy.address)
        return await load.run(transports, Table(self.table, arn, KeyAttribute("id")), url)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 80)


def _rows(seed: int, count: int) -> list[Row]:
    """Keys that come again, near and far, and now and then none."""
    chance = Random(seed)
    return [
        ("" if chance.random() < 0.01 else f"k{chance.randrange(count // 3)}", f"v{number}", "x" * chance.randrange(60))
        for number in range(count)
    ]


def _assert_reconciled(report: Report, rows: list[Row], folder: Path) -> None:
    counts = report.counts
    assert report.complete
    assert report.reconciles
    assert counts.rows_read == len(rows)
    assert counts.rows_rejected == sum(not row[0] for row in rows)
    assert counts.items_written + counts.rows_superseded == sum(bool(row[0]) for row in rows)
    assert counts.retried_items > 0
    assert not (folder / "load.journal").exists()


async def test_ministack_behind_a_network_that_cuts_and_stalls(
    ministack: Server, table_name: str, tmp_path: Path
) -> None:
    rows = _rows(3, 3000)
    with ministack.client() as client:
        create(client, table_name)
        async with TcpProxy(_address(ministack.url), seed=11, weights=STORM, at_most=60) as proxy:
            report = await Cable(proxy, table_name).load(tmp_path, rows)
        items = {key: item for (key,), item in contents(client, table_name, "id").items()}
    assert items == applied(rows)
    _assert_reconciled(report, rows, tmp_path)
    assert proxy.counted(CUTS) > 0
    assert proxy.counted(STALLS) > 0


@pytest.mark.parametrize("seed", range(4))
async def test_a_storm_before_the_fault_server(seed: int, tmp_path: Path) -> None:
    """The judge also keeps books: nothing that it acknowledged and we heard of is missing, nothing came that is not ours."""
    rows = _rows(seed, 3000)
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        async with TcpProxy(_address(server.url), seed=seed, weights=STORM, at_most=60) as proxy:
            report = await Cable(proxy, TABLE).load(tmp_path, rows)
        assert made.items() == applied(rows)
        _assert_reconciled(report, rows, tmp_path)
        # An answer that was cut off has been acknowledged by the server, and not to us.
        assert server.accepted.total() >= report.counts.items_written
        assert server.requests["BatchWriteItem"] <= report.counts.requests
        assert proxy.counted(CUTS) > 0
        assert proxy.counted(STALLS) > 0


@pytest.mark.parametrize("trouble", Trouble, ids=lambda trouble: str(trouble.name).lower())
async def test_each_trouble_by_itself(trouble: Trouble, tmp_path: Path) -> None:
    """What is lost on the way is sent again; what is only late is waited for."""
    rows = _rows(5, 400)
    impatient = replace(PATIENCE, request_timeout_s=0.3)
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        async with TcpProxy(_address(server.url), seed=1, weights={trouble: 1.0}, at_most=6) as proxy:
            report = await Cable(proxy, TABLE).load(tmp_path, rows, retry=impatient, workers=3)
        assert made.items() == applied(rows)
        assert report.complete
        assert report.reconciles
        assert proxy.counts == {trouble: 6}
        lost = trouble in CUTS | STALLS
        assert bool(report.counts.retried_items) == lost
        # As many requests as reached the server are ours, and those that did not were held up on the way.
        arrives = trouble in TRICKLES | PAUSES | {Trouble.RESET_AFTER, Trouble.CUT_ANSWER, Trouble.STALL_ANSWER}
        assert report.counts.requests - server.requests["BatchWriteItem"] == (0 if arrives else 6)


async def test_a_network_that_is_gone_stops_the_load_and_it_resumes_when_it_is_back(tmp_path: Path) -> None:
    """No progress at all is not waited out for ever."""
    from asyncloader.values.errors import LoadFailed

    rows = _rows(6, 400)
    few = replace(PATIENCE, attempts=5)
    async with FaultServer() as server:
        made = scene(server, tmp_path, rows)
        async with TcpProxy(_address(server.url), seed=1, weights={Trouble.CUT_REQUEST: 1.0}, at_most=10_000) as proxy:
            with pytest.raises(LoadFailed, match="no progress in 5 attempts"):
                await Cable(proxy, TABLE).load(tmp_path, rows, retry=few)
            assert proxy.exchanges <= 8 * 5 * 2
            assert not made.items()
            # The cable is mended; the endpoint is the same.
            proxy.mend()
            report = await Cable(proxy, TABLE).load(tmp_path, rows, retry=few, resume=True)
        assert report.complete
        assert made.items() == applied(rows)
