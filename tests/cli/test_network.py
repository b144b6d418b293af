"""Endpoints that are not there, or are something else: one line, exit code 2, in bounded time."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from asyncloader.table import aws, tls
from asyncloader.values.errors import AccessError
from tests.cli.one_line import complaint
from tests.cli.talkers import http, talker
from tests.command import Changes, Done, changed, run
from tests.faultserver import FaultServer
from tests.servers import ACCESS_KEY, SECRET_KEY, free_port

IMPATIENT = changed({"asyncloader.table.aws:ANSWER_LIMIT_S": 0.5, "asyncloader.table.aws:CONNECT_LIMIT_S": 0.5})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody knows."""
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(authority: trustme.CA) -> Iterator[FaultServer]:
    """A server over TLS, whose certificate names 127.0.0.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with FaultServer(credentials={ACCESS_KEY: SECRET_KEY}, tls=context).in_thread() as server:
        server.create_table("people")
        yield server


@pytest.fixture
def bundle(authority: trustme.CA, work_folder: Path) -> str:
    """The authority's certificate as a file."""
    authority.cert_pem.write_to_path(str(work_folder / "ca.pem"))
    return str(work_folder / "ca.pem")


def load(url: str, people: Path, *, env: Changes | None = None, program: str | None = None) -> Done:
    return run(
        "load", "people", people.name, "--endpoint-url", url, "--quiet", cwd=people.parent, env=env, program=program
    )


def test_nobody_listens(people: Path) -> None:
    """The address and what to check."""
    url = f"http://127.0.0.1:{free_port()}"
    complaint(load(url, people), 2, f"cannot connect to {url}", "Connection refused", "--endpoint-url")


def test_a_name_that_does_not_resolve(people: Path) -> None:
    """The name, and that it is the name."""
    url = "http://dynamodb.example.invalid"
    complaint(
        load(url, people), 2, f"cannot connect to {url}", "the name cannot be resolved", "--endpoint-url, --region"
    )


def test_an_endpoint_that_never_answers_is_given_up(people: Path) -> None:
    """With shorter limits than the command's own, which are 5 s to connect and 10 s for each of two answers."""
    with talker(None) as port:
        done = load(f"http://127.0.0.1:{port}", people, program=IMPATIENT)
    complaint(done, 2, f"http://127.0.0.1:{port} does not answer in time", "--endpoint-url")


def test_the_limits_of_the_control_plane_are_bounded() -> None:
    """What the command itself waits for an endpoint that hangs."""
    assert 2 * (aws.CONNECT_LIMIT_S + aws.ANSWER_LIMIT_S) <= 30


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_a_web_server(people: Path, status: str) -> None:
    """It answers in HTML, whatever its status."""
    with talker(http(status)) as port:
        done = load(f"http://127.0.0.1:{port}", people)
    line = complaint(done, 2, f"http://127.0.0.1:{port}", "is not DynamoDB", "check --endpoint-url")
    assert "<html>" not in line


def test_a_json_server_that_is_not_dynamodb(people: Path) -> None:
    """JSON that tells of no table."""
    with talker(http("200 OK", b'{"status": "ok"}', "application/json")) as port:
        done = load(f"http://127.0.0.1:{port}", people)
    complaint(done, 2, "is not DynamoDB", "check --endpoint-url")


def test_a_service_that_is_out_of_order(people: Path) -> None:
    """A 500 of the service itself, to both attempts."""
    body = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"}'
    with talker(http("500 Internal Server Error", body, "application/x-amz-json-1.0")) as port:
        done = load(f"http://127.0.0.1:{port}", people)
    complaint(done, 2, "DescribeTable", "InternalServerError", "try again later")


def test_another_protocol(people: Path) -> None:
    """An SSH server, for example."""
    with talker(b"SSH-2.0-OpenSSH_9.6\r\n", greets=True) as port:
        done = load(f"http://127.0.0.1:{port}", people)
    complaint(done, 2, f"http://127.0.0.1:{port}", "--endpoint-url")


def test_plain_http_to_a_tls_port(people: Path, secure: FaultServer) -> None:
    """The line guesses what is wrong."""
    url = secure.url.replace("https:", "http:")
    complaint(
        load(url, people), 2, f"{url} closes the connection without an answer", "write https:// in --endpoint-url"
    )


def test_tls_to_a_plain_http_port(people: Path, dynamodb: FaultServer) -> None:
    """The same the other way round."""
    url = dynamodb.url.replace("http:", "https:")
    complaint(load(url, people), 2, f"{url} does not speak TLS", "write http:// in --endpoint-url")


def test_a_certificate_of_an_unknown_authority(people: Path, secure: FaultServer) -> None:
    """The variable that makes it known is named."""
    complaint(load(secure.url, people), 2, f"TLS to {secure.url} failed", "certificate", "AWS_CA_BUNDLE")


def test_a_certificate_for_another_name(people: Path, secure: FaultServer, bundle: str) -> None:
    """A known authority is not enough: whoever holds some certificate of it is not our endpoint."""
    url = secure.url.replace("127.0.0.1", "localhost")
    done = load(url, people, env={"AWS_CA_BUNDLE": bundle})
    complaint(done, 2, f"TLS to {url} failed", "Hostname mismatch")
    assert load(secure.url, people, env={"AWS_CA_BUNDLE": bundle}) == Done(0, "", "")


def test_a_ca_bundle_that_is_not_there(people: Path, secure: FaultServer) -> None:
    """The file is named, not the endpoint blamed."""
    absent = str(people.parent / "absent.pem")
    done = load(secure.url, people, env={"AWS_CA_BUNDLE": absent})
    complaint(done, 2, f"the CA bundle {absent} cannot be read (No such file or directory)", "AWS_CA_BUNDLE")


def test_a_ca_bundle_that_is_none(people: Path) -> None:
    """The same for a file without certificates."""
    with pytest.raises(AccessError, match=r"the CA bundle .*people\.csv cannot be read .*; mend AWS_CA_BUNDLE"):
        tls.context(str(people))


def test_a_proxy_that_is_not_there(people: Path) -> None:
    """The endpoint that AWS has for the region, and the variables."""
    proxy = f"http://127.0.0.1:{free_port()}"
    arguments = ("load", "people", people.name, "--region", "eu-west-1", "--quiet")
    done = run(*arguments, cwd=people.parent, env={"HTTPS_PROXY": proxy})
    why = "https://dynamodb.eu-west-1.amazonaws.com (Connection refused)"
    complaint(done, 2, "the proxy does not let us through", why, "HTTP_PROXY, HTTPS_PROXY and NO_PROXY")


@pytest.mark.parametrize("url", ["http://dynamodb.example", "https://dynamodb.example"])
def test_a_proxy_that_refuses(people: Path, url: str) -> None:
    """It wants to know who we are."""
    with talker(http("407 Proxy Authentication Required")) as port:
        proxy = f"http://127.0.0.1:{port}"
        done = load(url, people, env={"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy})
    complaint(done, 2, "the proxy does not let us through", url, "407", "HTTP_PROXY, HTTPS_PROXY and NO_PROXY")
