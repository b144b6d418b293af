"""Signatures: byte for byte what botocore's own signer makes of the same request."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.wire.sigv4 import Credentials, Signer
from asyncloader.wire.transport import TARGET
from tests.properties.effort import thorough, usual

_VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
credentials = st.builds(
    Credentials,
    access_key=st.text("ABCDEFGHIJ0123456789", min_size=16, max_size=20),
    secret_key=_VISIBLE,
    token=st.none() | _VISIBLE,
)
endpoints = st.sampled_from(
    [
        ("https", "dynamodb.eu-west-1.amazonaws.com"),
        ("https", "dynamodb.cn-north-1.amazonaws.com.cn"),
        ("https", "123456789012.ddb.us-east-1.amazonaws.com"),
        ("http", "localhost:8000"),
        ("http", "127.0.0.1:4566"),
        ("https", "proxy.example:8443"),
    ]
)
regions = st.sampled_from(["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1", "local"])
moments = st.floats(0, 4_000_000_000, allow_nan=False)
bodies = st.binary(max_size=200)


@contextmanager
def botocore_clock(now: float) -> Iterator[None]:
    moment = datetime.datetime.fromtimestamp(int(now), datetime.UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment):
        yield


def headers_of(head: bytes) -> dict[str, str]:
    line, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert line == "POST / HTTP/1.1"
    return dict(each.split(": ", 1) for each in lines)


def signer_of(credentials: Credentials, host: str, region: str) -> Signer:
    return Signer(credentials, host=host, region=region, service="dynamodb", target=TARGET)


@thorough
@given(credentials, endpoints, regions, moments, bodies)
def test_the_signature_is_the_one_of_botocore(
    credentials: Credentials, endpoint: tuple[str, str], region: str, now: float, body: bytes
) -> None:
    scheme, host = endpoint
    request = AWSRequest(
        method="POST",
        url=f"{scheme}://{host}/",
        data=body,
        headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": TARGET},
    )
    keys = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    with botocore_clock(now):
        botocore.auth.SigV4Auth(keys, "dynamodb", region).add_auth(request)
    headers = headers_of(signer_of(credentials, host, region).head(body, now))
    assert headers["authorization"] == request.headers["Authorization"]
    assert headers["x-amz-date"] == request.headers["X-Amz-Date"]
    assert headers.get("x-amz-security-token") == request.headers.get("X-Amz-Security-Token")
    assert headers["x-amz-target"] == TARGET
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["host"] == host


@usual
@given(credentials, bodies)
def test_the_head_says_how_long_the_body_is_and_ends_with_a_blank_line(credentials: Credentials, body: bytes) -> None:
    head = signer_of(credentials, "localhost:8000", "local").head(body, 0.0)
    assert headers_of(head)["content-length"] == str(len(body))
    assert head.endswith(b"\r\n\r\n")


@usual
@given(credentials, st.lists(st.tuples(moments, bodies), min_size=2, max_size=6))
def test_a_signer_that_has_signed_before_signs_like_a_new_one(
    credentials: Credentials, requests: list[tuple[float, bytes]]
) -> None:
    """The kept date and the day's key never outlive their second and their day, forwards or backwards."""
    used = signer_of(credentials, "localhost:8000", "local")
    for now, body in requests:
        assert used.head(body, now) == signer_of(credentials, "localhost:8000", "local").head(body, now)
