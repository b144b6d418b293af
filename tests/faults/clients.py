"""Clients of the fault server, and what they send and receive."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.faultserver import (
    FaultServer,
)

Reply = tuple[int, dict[str, str], bytes]


class FakeClock:
    """Time that moves only when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@contextmanager
def client_of(server: FaultServer, **changes: Any) -> Iterator[Any]:
    """A plain boto3 client without retries."""
    settings: dict[str, Any] = {
        "endpoint_url": server.url,
        "region_name": "eu-west-1",
        "aws_access_key_id": "AKIATEST",
        "aws_secret_access_key": "secret",
        "config": Config(retries={"total_max_attempts": 1}, read_timeout=5, connect_timeout=5),
    }
    client = boto3.client("dynamodb", **(settings | changes))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def running(**options: Any) -> Iterator[tuple[FaultServer, Any]]:
    """A server in a thread with a table "people" of key "id", and a client."""
    with FaultServer(**options).in_thread() as server:
        server.create_table("people")
        with client_of(server) as client:
            yield server, client


def put(**attributes: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {name: _typed(value) for name, value in attributes.items()}}}


def delete(**attributes: Any) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": {name: _typed(value) for name, value in attributes.items()}}}


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    return {"N": str(value)} if isinstance(value, (int, Decimal)) else {"S": value}


def people(*requests: dict[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {"people": list(requests)}}


def numbered(count: int, **attributes: Any) -> dict[str, Any]:
    return people(*(put(id=str(number), **attributes) for number in range(count)))


def post(server: FaultServer, payload: Any, *, operation: str = "BatchWriteItem", **headers: str) -> Reply:
    """One unsigned request over a connection of its own."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
    try:
        sent = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        connection.request("POST", "/", body, sent | headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def refusal(server: FaultServer, payload: Any) -> tuple[str, str]:
    """The code and the message of a refused request, taken from the wire."""
    status, _, body = post(server, payload)
    answer = json.loads(body)
    assert status == 400, answer
    return answer["__type"].rpartition("#")[2], answer.get("message", answer.get("Message", ""))


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def raw_request(payload: Any) -> bytes:
    body = json.dumps(payload).encode()
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: DynamoDB_20120810.BatchWriteItem\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
