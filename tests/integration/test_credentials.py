"""Session tokens, and credentials that end in the middle of a load: by both transports."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import asyncloader
from asyncloader.values.errors import LoadFailed
from asyncloader.values.settings import RetrySettings, TransportName
from tests.faultserver import Batch, Credential, FaultServer

BOTH = pytest.mark.parametrize("transport", ["native", "aioboto3"])
QUICK = RetrySettings(attempts=4, base_s=0.001, cap_s=0.01)
ROWS = 1_000
FIRST, SECOND = ("AKIAFIRST", "first-secret", "first-token"), ("AKIASECOND", "second-secret", "second-token")


@pytest.fixture
def server(own_environment: None) -> Iterator[FaultServer]:
    """A server that knows two sets of credentials with session tokens."""
    known = {key: Credential(secret, token) for key, secret, token in (FIRST, SECOND)}
    with FaultServer(credentials=known).in_thread() as server:
        server.create_table("people")
        yield server


@pytest.fixture
def rows(work_folder: Path) -> Path:
    """A file that takes 40 requests."""
    path = work_folder / "rows.csv"
    path.write_text("id,name\n" + "".join(f"{number},x\n" for number in range(ROWS)))
    return path


@pytest.fixture(autouse=True)
def no_credentials_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would stand before all files."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def expire_in_mid_load(server: FaultServer, renew: Callable[[], None]) -> Callable[[Batch], None]:
    """A script that ends the first credentials at the fifth request, when others have been put in their place."""

    def script(batch: Batch) -> None:
        if batch.number == 5:
            renew()
            server.credentials[FIRST[0]] = Credential(FIRST[1], FIRST[2], expired=True)

    return script


def put_in_place(path: Path, text: str) -> None:
    """Rewrite a file as tools do that renew credentials: all at once."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, path)


def shared_credentials(credentials: tuple[str, str, str]) -> str:
    """The text of a shared credentials file."""
    key, secret, token = credentials
    return f"[default]\naws_access_key_id={key}\naws_secret_access_key={secret}\naws_session_token={token}\n"


@BOTH
async def test_a_session_token_goes_with_every_request(
    server: FaultServer, rows: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    """The server refuses requests without it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", FIRST[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", FIRST[1])
    monkeypatch.setenv("AWS_SESSION_TOKEN", FIRST[2])
    report = await asyncloader.load("people", rows, endpoint_url=server.url, transport=transport)
    assert report.counts.items_written == len(server.items("people")) == ROWS


@BOTH
async def test_a_rewritten_credentials_file_keeps_a_load_going(
    server: FaultServer, rows: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    """The service says that the token has expired; the file is read anew, and every item arrives."""
    shared = rows.parent / "credentials"
    put_in_place(shared, shared_credentials(FIRST))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    server.faults = expire_in_mid_load(server, lambda: put_in_place(shared, shared_credentials(SECOND)))
    report = await asyncloader.load(
        "people", rows, endpoint_url=server.url, transport=transport, workers=4, retry=QUICK
    )
    assert report.counts.items_written == len(server.items("people")) == ROWS
    assert report.counts.retried_items > 0
    assert server.overlaps == 0


@BOTH
async def test_a_credential_process_is_asked_again(
    server: FaultServer, rows: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    """The same where a program gives the credentials."""

    def told(credentials: tuple[str, str, str]) -> str:
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return json.dumps({"Version": 1, **dict(zip(names, credentials, strict=True))})

    badge, config = rows.parent / "badge", rows.parent / "config"
    put_in_place(badge, told(FIRST))
    config.write_text(f"[default]\ncredential_process = {sys.executable} -c \"print(open('{badge}').read())\"\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    server.faults = expire_in_mid_load(server, lambda: put_in_place(badge, told(SECOND)))
    report = await asyncloader.load(
        "people", rows, endpoint_url=server.url, transport=transport, workers=4, retry=QUICK
    )
    assert report.counts.items_written == len(server.items("people")) == ROWS


@BOTH
async def test_credentials_that_nobody_renews_end_the_load(
    server: FaultServer, rows: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    """After some attempts it stops and says why; what was acknowledged is counted."""
    shared = rows.parent / "credentials"
    put_in_place(shared, shared_credentials(FIRST))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    server.faults = expire_in_mid_load(server, lambda: None)
    with pytest.raises(LoadFailed, match="ExpiredTokenException") as failed:
        await asyncloader.load("people", rows, endpoint_url=server.url, transport=transport, workers=4, retry=QUICK)
    assert failed.value.report is not None
    assert 0 < failed.value.report.counts.items_written == len(server.accepted) < ROWS
    assert "first-token" not in str(failed.value)


@BOTH
async def test_a_signature_that_is_refused_in_mid_load_shows_no_token(
    server: FaultServer, rows: Path, monkeypatch: pytest.MonkeyPatch, transport: TransportName
) -> None:
    """The service's answer repeats the headers of the request; neither the message nor the traceback does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", FIRST[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", FIRST[1])
    monkeypatch.setenv("AWS_SESSION_TOKEN", FIRST[2])

    def change_secret(_: object) -> None:
        server.credentials[FIRST[0]] = Credential("changed-secret", FIRST[2])

    server.faults = change_secret
    with pytest.raises(LoadFailed, match="InvalidSignatureException") as failed:
        await asyncloader.load("people", rows, endpoint_url=server.url, transport=transport, workers=4, retry=QUICK)
    assert FIRST[2] not in "".join(traceback.format_exception(failed.value))


@BOTH
async def test_credentials_of_a_session_that_is_passed_in(
    server: FaultServer, rows: Path, transport: TransportName
) -> None:
    """A service brings its own session; nothing of the environment is asked."""
    import aioboto3

    session = aioboto3.Session(
        aws_access_key_id=FIRST[0], aws_secret_access_key=FIRST[1], aws_session_token=FIRST[2], region_name="eu-west-1"
    )
    report = await asyncloader.load("people", rows, session=session, endpoint_url=server.url, transport=transport)
    assert report.counts.items_written == len(server.items("people")) == ROWS
