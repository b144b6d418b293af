"""Faults: what goes wrong on request, and what is written all the same."""

from __future__ import annotations

import json
import socket
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from tests.faults.clients import (
    code_of,
    delete,
    numbered,
    people,
    post,
    put,
    raw_request,
    running,
)
from tests.faultserver import (
    AccessDenied,
    BadCrc,
    CloseAfterAnswer,
    DeleteTable,
    ExpiredToken,
    Fault,
    FaultServer,
    Hang,
    NotJson,
    Poison,
    RefuseItem,
    ReplicatedWriteConflict,
    ResetAfterWrite,
    ResetBeforeWrite,
    ServerError,
    Throttle,
    Truncated,
    Unprocessed,
)


def test_unprocessed_items_are_handed_back_as_they_were_sent() -> None:
    with running(faults=[Unprocessed(indices=(1, 2), shuffled=False)]) as (server, client):
        answer = client.batch_write_item(**people(put(id="0"), put(id="1", n={"N": "01.0"}), delete(id="2")))
        assert answer["UnprocessedItems"] == {"people": [put(id="1", n={"N": "01.0"}), delete(id="2")]}
        assert server.items("people") == [{"id": {"S": "0"}}]
        assert server.accepted == {("people", "0"): 1}
        assert server.unprocessed_items == 2
        assert client.batch_write_item(RequestItems=answer["UnprocessedItems"])["UnprocessedItems"] == {}


def test_unprocessed_numbers_can_come_back_in_another_notation() -> None:
    with running(faults=[Unprocessed(indices=(0,), normalised=True)]) as (_, client):
        answer = client.batch_write_item(**people(put(id="0", n={"N": "01.0"}), put(id="1")))
        assert answer["UnprocessedItems"] == {"people": [put(id="0", n={"N": "1"})]}


def test_unprocessed_items_come_in_another_order() -> None:
    with running(faults=[Unprocessed(all_but_one=True)]) as (server, client):
        left = client.batch_write_item(**numbered(25))["UnprocessedItems"]["people"]
        numbers = [int(request["PutRequest"]["Item"]["id"]["S"]) for request in left]
        assert len(set(numbers)) == 24
        assert numbers != sorted(numbers)
        assert len(server.items("people")) == 1


def test_a_fraction_of_unprocessed_items_is_rounded_up() -> None:
    with running(faults=[Unprocessed(fraction=0.5)]) as (server, client):
        client.batch_write_item(**numbered(5))
        assert server.unprocessed_items == 3


def test_a_call_that_could_write_nothing_is_refused_instead() -> None:
    with running(faults=[Unprocessed(fraction=1.0)]) as (server, client):
        with pytest.raises(ClientError) as error:
            client.batch_write_item(**numbered(3))
        assert code_of(error) == "ProvisionedThroughputExceededException"
        assert server.items("people") == []
        assert (server.unprocessed_items, server.throttled_requests) == (0, 1)


@pytest.mark.parametrize(
    ("code", "namespace", "member"),
    [
        ("ProvisionedThroughputExceededException", "com.amazonaws.dynamodb.v20120810", "ThrottlingReasons"),
        ("RequestLimitExceeded", "com.amazonaws.dynamodb.v20120810", "ThrottlingReasons"),
        ("ThrottlingException", "com.amazon.coral.availability", "throttlingReasons"),
    ],
)
def test_a_throttled_call_says_why(code: Any, namespace: str, member: str) -> None:
    with FaultServer(check_signatures=False, faults=[Throttle(code), Throttle(code, reasons=())]).in_thread() as server:
        table = server.create_table("people")
        first, second = (json.loads(post(server, numbered(2))[2]) for _ in range(2))
        assert first["__type"] == f"{namespace}#{code}"
        assert [reason["resource"] for reason in first[member]] == [table.arn]
        assert set(second) == {"__type", "message"}
        assert server.throttled_requests == 2
        assert server.items("people") == []


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (Throttle(), "ProvisionedThroughputExceededException", 400),
        (ServerError(), "InternalServerError", 500),
        (ServerError(503, json=True), "ServiceUnavailableException", 503),
        (ServerError(502), "502", 502),
        (ServerError(504), "504", 504),
        (ReplicatedWriteConflict(), "ReplicatedWriteConflictException", 409),
        (ExpiredToken(), "ExpiredTokenException", 400),
        (AccessDenied(), "AccessDeniedException", 400),
        (RefuseItem(lambda item: item["id"]["S"] == "1"), "ValidationException", 400),
    ],
)
def test_a_refusing_fault_writes_nothing_and_meets_one_request(fault: Fault, code: str, status: int) -> None:
    with running(faults=[fault]) as (server, client):
        with pytest.raises(ClientError) as error:
            client.batch_write_item(**numbered(3))
        assert code_of(error) == code
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        assert server.items("people") == []
        client.batch_write_item(**numbered(3))
        assert len(server.items("people")) == 3


def test_a_server_error_may_have_written_a_part() -> None:
    with running(faults=[ServerError(500, written=0.5)]) as (server, client):
        with pytest.raises(ClientError):
            client.batch_write_item(**numbered(10))
        assert len(server.items("people")) == 5
        assert server.accepted == {}
        assert [applied.acknowledged for applied in server.log] == [False] * 5


def test_a_table_can_vanish() -> None:
    with running(faults=[DeleteTable()]) as (_, client):
        with pytest.raises(ClientError) as error:
            client.batch_write_item(**numbered(1))
        assert code_of(error) == "ResourceNotFoundException"
        with pytest.raises(ClientError):
            client.describe_table(TableName="people")


def test_a_poisoned_item_always_comes_back() -> None:
    with running(rules=[Poison(lambda item: item["id"]["S"] == "1")]) as (server, client):
        for _ in range(2):
            left = client.batch_write_item(**numbered(3))["UnprocessedItems"]
            assert left == {"people": [put(id="1")]}
        with pytest.raises(ClientError) as error:
            client.batch_write_item(RequestItems=left)
        assert code_of(error) == "ProvisionedThroughputExceededException"
        assert server.item("people", "1") is None


@pytest.mark.parametrize(
    ("fault", "error", "written"),
    [
        (Truncated(), HTTPClientError, 3),
        (Truncated(body_bytes=10_000), HTTPClientError, 3),
        (ResetBeforeWrite(), (ConnectionClosedError, HTTPClientError), 0),
        (ResetAfterWrite(), (ConnectionClosedError, HTTPClientError), 3),
        (ResetAfterWrite(written=0.34), (ConnectionClosedError, HTTPClientError), 1),
        (Hang(seconds=0.001), (ConnectionClosedError, HTTPClientError), 0),
        (Hang(seconds=0.001, written=1.0), (ConnectionClosedError, HTTPClientError), 3),
    ],
)
def test_a_spoiled_answer_acknowledges_nothing(fault: Fault, error: Any, written: int) -> None:
    with running(faults=[fault]) as (server, client):
        with pytest.raises(error):
            client.batch_write_item(**numbered(3))
        assert len(server.items("people")) == written
        assert [applied.acknowledged for applied in server.log] == [False] * written
        assert server.accepted == {}
        client.batch_write_item(**numbered(3))
        assert server.accepted.total() == 3
        assert server.overlaps == 0


def test_a_wrong_checksum_is_sent_with_a_good_body() -> None:
    with FaultServer(check_signatures=False, faults=[BadCrc()]).in_thread() as server:
        server.create_table("people")
        status, headers, body = post(server, numbered(1))
        assert (status, json.loads(body)) == (200, {"UnprocessedItems": {}})
        assert headers["x-amz-crc32"] != str(zlib.crc32(body))
        assert (len(server.log), server.accepted) == (1, {})


@pytest.mark.parametrize(("written", "count"), [(0.0, 0), (1.0, 3)])
def test_another_program_may_answer_in_the_service_s_place(written: float, count: int) -> None:
    with FaultServer(check_signatures=False, faults=[NotJson(written=written)]).in_thread() as server:
        server.create_table("people")
        status, headers, body = post(server, numbered(3))
        assert (status, headers["content-type"], body[:6]) == (200, "text/html", b"<html>")
        assert "x-amz-crc32" not in headers
        assert (len(server.log), server.accepted) == (count, {})


def test_a_reset_is_seen_as_a_reset() -> None:
    """The socket ends with RST, not with FIN."""
    with FaultServer(check_signatures=False, faults=[ResetAfterWrite()]).in_thread() as server:
        server.create_table("people")
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=5) as raw:
            raw.sendall(raw_request(numbered(1)))
            with pytest.raises(ConnectionResetError):
                raw.recv(1)


@pytest.mark.parametrize("announced", [True, False])
def test_a_connection_can_be_closed_behind_a_good_answer(announced: bool) -> None:
    with FaultServer(check_signatures=False, faults=[CloseAfterAnswer(announced)]).in_thread() as server:
        server.create_table("people")
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=5) as raw:
            raw.sendall(raw_request(numbered(1)))
            received = b"".join(iter(lambda: raw.recv(65536), b""))
        assert received.endswith(b'{"UnprocessedItems":{}}')
        assert (b"Connection: close" in received) is announced
        assert server.accepted == {("people", "0"): 1}


def test_a_crashing_predicate_fails_the_test_and_not_only_the_request() -> None:
    with (
        pytest.raises(ExceptionGroup) as group,
        running(rules=[Poison(lambda item: item["no"] == {})]) as (_, client),
        pytest.raises(ClientError),
    ):
        client.batch_write_item(**numbered(1))
    assert group.group_contains(KeyError)
