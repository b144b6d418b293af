"""Signatures: whose requests the fault server takes, and how it refuses the others."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.faults.clients import (
    FakeClock,
    client_of,
    code_of,
    numbered,
    post,
    refusal,
)
from tests.faultserver import (
    Credential,
    FaultServer,
)


def signed(server: FaultServer, body: bytes, credentials: Credentials, **changes: str) -> dict[str, str]:
    """The headers that botocore signs for a request, some of them exchanged afterwards."""
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", f"{server.url}/", headers=headers, data=body)
    SigV4Auth(credentials, "dynamodb", "eu-west-1").add_auth(request)
    return dict(request.headers.items()) | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIAOTHER"}, "UnrecognizedClientException"),
        ({"aws_session_token": "surprise"}, "UnrecognizedClientException"),
        ({"aws_access_key_id": "ASIA"}, "UnrecognizedClientException"),
        ({"aws_access_key_id": "ASIA", "aws_session_token": "other"}, "UnrecognizedClientException"),
        ({"aws_access_key_id": "OLD", "aws_session_token": "token"}, "ExpiredTokenException"),
    ],
)
def test_a_request_of_the_wrong_hand_is_refused(changes: dict[str, str], code: str) -> None:
    credentials: dict[str, str | Credential] = {
        "AKIATEST": "secret",
        "ASIA": Credential("secret", token="token"),
        "OLD": Credential("secret", token="token", expired=True),
    }
    with FaultServer(credentials=credentials).in_thread() as server, client_of(server, **changes) as client:
        with pytest.raises(ClientError) as error:
            client.list_tables()
        assert code_of(error) == code


def test_a_session_token_is_accepted_with_its_credentials() -> None:
    credentials = {"ASIA": Credential("secret", token="token")}
    keys = {"aws_access_key_id": "ASIA", "aws_session_token": "token"}
    with FaultServer(credentials=credentials).in_thread() as server, client_of(server, **keys) as client:
        assert client.list_tables()["TableNames"] == []


def test_a_request_without_a_signature_is_refused() -> None:
    with FaultServer().in_thread() as server:
        assert refusal(server, numbered(1))[0] == "MissingAuthenticationTokenException"


def test_a_body_that_was_changed_after_signing_is_refused() -> None:
    with FaultServer().in_thread() as server:
        headers = signed(server, b"{}", Credentials("AKIATEST", "secret"))
        assert post(server, b"{}", operation="ListTables", **headers)[0] == 200
        body = post(server, b"{ }", operation="ListTables", **headers)[2]
        assert b"InvalidSignatureException" in body


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/dynamodb/", "/s3/"),
        ("/eu-west-1/", "/us-east-1/"),
        ("aws4_request", "aws3_request"),
        ("SignedHeaders=content-type;", "SignedHeaders="),
        (";x-amz-target", ""),
        ("host;", ""),
    ],
)
def test_a_signature_for_something_else_is_refused(old: str, new: str) -> None:
    with FaultServer().in_thread() as server:
        headers = signed(server, b"{}", Credentials("AKIATEST", "secret"))
        assert old in headers["Authorization"]
        headers["Authorization"] = headers["Authorization"].replace(old, new)
        status, _, body = post(server, b"{}", operation="ListTables", **headers)
        assert (status, json.loads(body)["__type"]) == (
            400,
            "com.amazon.coral.service#InvalidSignatureException",
        )


@pytest.mark.parametrize(("skew_s", "words"), [(400, "Signature expired: "), (-400, "Signature not yet current")])
def test_a_clock_more_than_five_minutes_off_is_refused_with_the_server_s_date(skew_s: float, words: str) -> None:
    clock = FakeClock(time.time() + skew_s)
    with FaultServer(clock=clock).in_thread() as server:
        headers = signed(server, b"{}", Credentials("AKIATEST", "secret"))
        status, answered, body = post(server, b"{}", operation="ListTables", **headers)
        assert status == 400
        assert words in json.loads(body)["message"]
        assert parsedate_to_datetime(answered["date"]).timestamp() == int(clock.now)
