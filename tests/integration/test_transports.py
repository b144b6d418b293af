"""The two transports against each other: whatever one writes and counts, the other does too."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import asyncloader
from asyncloader.values.errors import AccessError
from asyncloader.values.report import Counts
from asyncloader.values.settings import RetrySettings, TransportName
from tests.faultserver import FaultServer, NotJson, ResetAfterWrite, ServerError, Throttle, Truncated, Unprocessed
from tests.integration.proxy import Proxy, proxy_to
from tests.integration.tables import contents, create
from tests.servers import ACCESS_KEY, SECRET_KEY, Server, free_port

TRANSPORTS: tuple[TransportName, ...] = ("native", "aioboto3")
BOTH = pytest.mark.parametrize("transport", TRANSPORTS)
TYPES = {"n": "N", "b": "B", "bs": "BS", "map": "M", "list": "L", "flag": "BOOL"}
ROWS = 300
QUICK = RetrySettings(base_s=0.001, cap_s=0.01)


def various(path: Path) -> Path:
    """Rows with values of all kinds, some superseded, some that cannot be stored."""
    lines = ["id,text,n,b,bs,map,list,flag"]
    for number in range(ROWS):
        key = "" if number % 50 == 7 else str(number % 250)
        document = '"{""deep"": {""bytes"": [1, null, ""é\\n""]}}"'
        lines.append(
            f'{key},"line {number}\nü \\ ""q""",{number}.50,AAH/,"[""/w=="",""AA==""]",{document},"[1,""x""]",{number % 2 == 0}'
        )
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def outcome(counts: Counts) -> dict[str, int | float]:
    """What must be the same whatever carried the requests."""
    return {name: getattr(counts, name) for name in Counts.__slots__ if name != "requests"}


async def test_both_write_the_same_items_and_count_the_same(server: Server, table_name: str, work_folder: Path) -> None:
    """Over each server that others wrote."""
    source = various(work_folder / "rows.csv")
    tables, counted = [], []
    with server.client() as client:
        for transport in TRANSPORTS:
            name = f"{table_name}-{transport}"
            create(client, name)
            report = await asyncloader.load(
                name, source, endpoint_url=server.url, types=TYPES, transport=transport, workers=4
            )
            tables.append(contents(client, name, "id"))
            counted.append(report.counts)
    assert tables[0] == tables[1]
    assert len(tables[0]) == counted[0].items_written == 245
    assert outcome(counted[0]) == outcome(counted[1])
    assert counted[0].requests == counted[1].requests


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_both_lose_nothing_where_the_service_stumbles(transport: TransportName, work_folder: Path) -> None:
    """Items handed back, calls refused, a 500, a reset and half an answer: each is counted and sent again."""
    faults = [
        Unprocessed(indices=(0, 3, 24)),
        Throttle(),
        ServerError(500, written=0.5),
        ResetAfterWrite(),
        Truncated(),
        ServerError(503),
    ]
    various(work_folder / "rows.csv")
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, faults=faults).in_thread() as server:
        server.create_table("people")
        report = await asyncloader.load(
            "people", "rows.csv", endpoint_url=server.url, types=TYPES, transport=transport, workers=1, retry=QUICK
        )
        assert len(server.items("people")) == report.counts.items_written == 245
        assert server.overlaps == 0
    counts = report.counts
    assert (counts.unprocessed_items, counts.throttled_requests) == (3, 1)
    assert (counts.rows_read, counts.rows_rejected, report.reconciles) == (ROWS, 6, True)


@pytest.mark.parametrize(
    ("transport", "body"), [("aioboto3", b"<html>Sign in</html>"), *((each, b'{"ok":true}') for each in TRANSPORTS)]
)
async def test_what_dynamodb_did_not_say_acknowledges_nothing(
    transport: TransportName, body: bytes, work_folder: Path
) -> None:
    """A captive portal or a gateway answers 200, and nothing was written."""
    various(work_folder / "rows.csv")
    faults = [NotJson(body=body, written=0.0)]
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, faults=faults).in_thread() as server:
        server.create_table("people")
        report = await asyncloader.load(
            "people", "rows.csv", endpoint_url=server.url, types=TYPES, transport=transport, retry=QUICK
        )
        assert len(server.items("people")) == report.counts.items_written == 245


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A private certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(own_environment: None, authority: trustme.CA) -> Iterator[FaultServer]:
    """A server over TLS with a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "dynamodb.example").configure_cert(context)
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, tls=context).in_thread() as server:
        for name in ("variable", "requests", "file"):
            for transport in TRANSPORTS:
                server.create_table(f"{name}-{transport}")
        server.create_table("tunnelled")
        yield server


@pytest.fixture
def bundle(authority: trustme.CA, work_folder: Path) -> str:
    """The authority's certificate as a file."""
    path = work_folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@BOTH
@pytest.mark.parametrize("told_by", ["variable", "requests", "file"])
async def test_a_private_authority_is_trusted_as_botocore_trusts_it(
    secure: FaultServer,
    bundle: str,
    work_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: TransportName,
    told_by: str,
) -> None:
    """AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, or ca_bundle in the configuration file."""
    if told_by == "file":
        (work_folder / "config").write_text(f"[default]\nca_bundle = {bundle}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(work_folder / "config"))
    else:
        monkeypatch.setenv({"variable": "AWS_CA_BUNDLE", "requests": "REQUESTS_CA_BUNDLE"}[told_by], bundle)
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n2,Ben\n")
    name = f"{told_by}-{transport}"
    report = await asyncloader.load(name, "rows.csv", endpoint_url=secure.url, transport=transport)
    assert report.counts.items_written == len(secure.items(name)) == 2


@pytest.fixture
def behind_proxy(own_environment: None) -> Iterator[tuple[FaultServer, Proxy]]:
    """A plain server, and a proxy through which every name leads to it."""
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}).in_thread() as server:
        server.create_table("people")
        with proxy_to(int(server.url.rpartition(":")[2])) as proxy:
            yield server, proxy


async def test_behind_a_proxy_the_plain_transport_is_taken_by_itself(
    behind_proxy: tuple[FaultServer, Proxy], work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint's name leads nowhere but by the proxy, which sees every request."""
    server, proxy = behind_proxy
    various(work_folder / "rows.csv")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    report = await asyncloader.load("people", "rows.csv", endpoint_url="http://dynamodb.example", types=TYPES)
    assert len(server.items("people")) == report.counts.items_written == 245
    assert len(proxy.forwarded) == report.counts.requests + 1  # and DescribeTable
    assert set(proxy.forwarded) == {"http://dynamodb.example/"}


async def test_an_address_that_is_exempt_is_reached_directly(
    behind_proxy: tuple[FaultServer, Proxy], work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY leaves the native transport where it is."""
    server, proxy = behind_proxy
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    report = await asyncloader.load("people", "rows.csv", endpoint_url=server.url)
    assert report.counts.items_written == 1
    assert (proxy.forwarded, proxy.tunnels) == ([], [])


async def test_tls_goes_through_a_tunnel(
    secure: FaultServer, bundle: str, work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy sees the name of the endpoint and nothing else."""
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n2,Ben\n")
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    with proxy_to(int(secure.url.rpartition(":")[2])) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        report = await asyncloader.load("tunnelled", "rows.csv", endpoint_url="https://dynamodb.example")
    assert report.counts.items_written == len(secure.items("tunnelled")) == 2
    assert set(proxy.tunnels) == {"dynamodb.example:443"}
    assert proxy.forwarded == []


@pytest.mark.parametrize("trusts", [False, True], ids=["unknown authority", "another name"])
async def test_certificates_are_checked_behind_a_proxy_too(
    secure: FaultServer, bundle: str, work_folder: Path, monkeypatch: pytest.MonkeyPatch, trusts: bool
) -> None:
    """aiobotocore alone would take any certificate there is, and hand a stranger our rows."""
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n")
    if trusts:
        monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    host = "stranger.example" if trusts else "dynamodb.example"
    before = secure.requests.total()
    with proxy_to(int(secure.url.rpartition(":")[2])) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(AccessError, match=f"TLS to https://{host} failed"):
            await asyncloader.load("tunnelled", "rows.csv", endpoint_url=f"https://{host}")
    assert proxy.tunnels
    assert secure.requests.total() == before


async def test_an_endpoint_with_a_path_needs_the_plain_transport(
    work_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway may put the service under a path; the proxy here leaves it out again."""
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n")
    with FaultServer(check_signatures=False).in_thread() as server:
        server.create_table("people")
        with proxy_to(int(server.url.rpartition(":")[2])) as path_proxy:
            report = await asyncloader.load("people", "rows.csv", endpoint_url=f"{path_proxy.url}/dynamodb")
    assert report.counts.items_written == 1
    assert set(path_proxy.forwarded) == {"/dynamodb"}


async def test_nobody_listens_is_told_before_the_first_write(work_folder: Path) -> None:
    """By the library as an exception of its own."""
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n")
    with pytest.raises(AccessError, match=r"cannot connect to http://127\.0\.0\.1"):
        await asyncloader.load("people", "rows.csv", endpoint_url=f"http://127.0.0.1:{free_port()}")
