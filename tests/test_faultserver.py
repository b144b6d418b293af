"""The fault server itself: what it refuses, what goes wrong on request, and what its books say."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.faultserver import (
    AccessDenied,
    BadCrc,
    Batch,
    CloseAfterAnswer,
    Credential,
    DeleteTable,
    ExpiredToken,
    Fault,
    FaultServer,
    Hang,
    NotJson,
    Poison,
    RandomFaults,
    RefuseItem,
    ReplicatedWriteConflict,
    ResetAfterWrite,
    ResetBeforeWrite,
    ServerError,
    ServiceError,
    Slow,
    Throttle,
    Truncated,
    Unprocessed,
)
from tests.faultserver.number import canonical
from tests.faultserver.values import checked_item

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


# Values


@pytest.mark.parametrize(
    ("text", "stored", "size"),
    [
        ("0", "0", 1),
        ("-0.00", "0", 1),
        ("0e999999999999", "0", 1),
        ("1", "1", 2),
        ("01.50", "1.5", 3),
        ("+7", "7", 2),
        (".5", "0.5", 2),
        ("1.", "1", 2),
        ("11", "11", 2),
        ("110", "110", 3),
        ("-11", "-11", 3),
        ("1E3", "1000", 2),
        ("1e-3", "0.001", 2),
        ("1" * 38, "1" * 38, 20),
        ("1E+125", "1" + "0" * 125, 2),
        ("1E-130", "0." + "0" * 129 + "1", 2),
    ],
)
def test_a_number_is_stored_in_plain_notation_without_needless_zeros(text: str, stored: str, size: int) -> None:
    assert canonical(text) == (stored, size)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be converted to a numeric value"),
        (" 1", "cannot be converted to a numeric value:  1"),
        ("1_000", "cannot be converted"),
        ("٣", "cannot be converted"),
        ("NaN", "cannot be converted"),
        ("0x10", "cannot be converted"),
        ("1" * 39, "more than 38 significant digits"),
        ("1e126", "Number overflow"),
        ("-1e126", "Number overflow"),
        ("1e-131", "Number underflow"),
        ("1e99999999999999999999", "Number overflow"),
        ("1e-99999999999999999999", "Number underflow"),
    ],
)
def test_a_number_outside_the_service_s_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as error:
        canonical(text)
    assert message in str(error.value.message)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=7))
def test_two_texts_of_the_same_number_have_the_same_form(number: Decimal) -> None:
    """The stored form of plain, padded and scientific notation is one and equals the number."""
    forms = {canonical(text)[0] for text in (f"{number:f}", f"{number:E}", f"{number:f}00")}
    assert len(forms) == 1
    assert Decimal(forms.pop()) == number


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"id": {"S": "abc"}}, 5),
        ({"ä": {"S": "ö"}}, 4),
        ({"b": {"B": "AAEC"}}, 4),
        ({"b": {"BOOL": False}, "n": {"NULL": True}}, 4),
        ({"s": {"SS": ["a", "bc"]}, "n": {"NS": ["1", "22"]}, "b": {"BS": ["AA=="]}}, 3 + 3 + 4 + 1),
        ({"l": {"L": [{"S": "a"}, {"L": []}]}}, 1 + 3 + 2 + 4),
        ({"m": {"M": {"k": {"S": "v"}}}}, 1 + 3 + 3),
        ({"e": {"S": ""}, "l": {"L": []}, "m": {"M": {}}}, 3 + 3 + 3),
    ],
)
def test_the_size_of_an_item_is_the_sum_of_names_and_values(item: Any, size: int) -> None:
    stored, counted = checked_item(item)
    assert stored is item
    assert counted == size


def test_nested_numbers_are_stored_in_their_form() -> None:
    item = {"l": {"L": [{"N": "1.0"}]}, "m": {"M": {"n": {"NS": ["01", "2"]}}}, "s": {"S": "01"}}
    stored, _ = checked_item(item)
    assert stored == {"l": {"L": [{"N": "1"}]}, "m": {"M": {"n": {"NS": ["1", "2"]}}}, "s": {"S": "01"}}


# The strict rules of BatchWriteItem

NO_MATCH = "The provided key element does not match the schema"
SEVERAL = "Supplied AttributeValue has more than one datatypes set"
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
EMPTY_KEY = "The AttributeValue for a key attribute cannot contain an empty string value"


@pytest.mark.parametrize(
    ("request_items", "message"),
    [
        ({}, "Member must have length greater than or equal to 1"),
        ({"people": []}, "Map value must satisfy constraint"),
        ({"p": [put(id="1")]}, "Map keys must satisfy constraint"),
        ({"people": [put(id=str(n)) for n in range(26)]}, "length less than or equal to 25"),
        (
            {"people": [put(id=str(n)) for n in range(20)], "counted": [put(id=n) for n in range(6)]},
            "Too many items requested",
        ),
        ({"people": [put(id="1"), put(id="1", a="x")]}, "Provided list of item keys contains duplicates"),
        ({"people": [delete(id="1"), put(id="1")]}, "Provided list of item keys contains duplicates"),
        (
            {"counted": [put(id={"N": "1"}), put(id={"N": "01.0"})]},
            "Provided list of item keys contains duplicates",
        ),
        ({"people": [put(name="x")]}, NO_MATCH),
        ({"people": [put(id=1)]}, NO_MATCH),
        ({"people": [delete(id="1", name="x")]}, NO_MATCH),
        ({"ranged": [put(id="1")]}, NO_MATCH),
        ({"people": [put(id="")]}, f"{EMPTY_KEY}. Key: id"),
        ({"blobs": [put(id={"B": ""})]}, "cannot contain an empty binary value"),
        (
            {"people": [put(id="k" * 2049)]},
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        ({"people": [put(id="ä" * 1025)]}, "Size of hashkey has exceeded"),
        ({"ranged": [put(id="1", sort="s" * 1025)]}, "Aggregated size of all range keys has exceeded"),
        ({"people": [put(id="1", a="x" * 409_597)]}, "Item size has exceeded the maximum allowed size"),
        ({"people": [put(id="1", a={})]}, EMPTY),
        ({"people": [put(id="1", a={"X": "1"})]}, EMPTY),
        ({"people": [put(id="1", a={"S": None})]}, EMPTY),
        ({"people": [put(id="1", a={"L": [{}]})]}, EMPTY),
        ({"people": [put(id="1", a={"S": "a", "N": "1"})]}, SEVERAL),
        ({"people": [{}]}, SEVERAL),
        ({"people": [put(id="1") | delete(id="2")]}, SEVERAL),
        ({"people": [put(id="1", a={"N": "one"})]}, "cannot be converted to a numeric value: one"),
        ({"people": [put(id="1", a={"NULL": False})]}, "must have the value of true"),
        ({"people": [put(id="1", a={"SS": []})]}, "An string set  may not be empty"),
        ({"people": [put(id="1", a={"NS": []})]}, "An number set  may not be empty"),
        ({"people": [put(id="1", a={"BS": []})]}, "Binary sets should not be empty"),
        ({"people": [put(id="1", a={"SS": ["a", "a"]})]}, "Input collection [a, a] contains duplicates."),
        ({"people": [put(id="1", a={"NS": ["1", "1.0"]})]}, "Input collection contains duplicates"),
        ({"people": [put(**{"id": "1", "": "x"})]}, "Attribute name must not be empty"),
        ({"indexed": [put(id="1", mail=5)]}, "Type mismatch for Index Key mail Expected: S Actual: N"),
        ({"indexed": [put(id="1", mail="")]}, f"{EMPTY_KEY}. IndexName: by_mail, IndexKey: mail"),
        ({"indexed": [put(id="1", mail="m" * 2049)]}, "size limit of 2048 bytes"),
        ({"people": [{"PutRequest": {}}]}, "Member must not be null"),
    ],
)
def test_one_invalid_write_refuses_the_whole_call(strict: FaultServer, request_items: Any, message: str) -> None:
    code, said = refusal(strict, {"RequestItems": request_items})
    assert code == "ValidationException"
    assert message in said


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b'{"RequestItems": {"people": [{"PutRequest": {"Item": {"id": {"S": "\xff"}}}}]}}',
        b'{"RequestItems": {"people": [{"PutRequest": {"Item": {"id": {"S": "\\ud800"}}}}]}}',
        b"[]",
        people({"UpdateRequest": {}}),
        people(put(id={"S": 1})),
        people(put(id="1", a={"N": 1})),
        people(put(id="1", a={"BOOL": "true"})),
        people(put(id="1", a={"B": "AAA"})),
        people(put(id="1", a={"B": "AA=A"})),
        people(put(id="1", a={"B": "AB=="})),
        people(put(id="1", a={"SS": "x"})),
        people(put(id="1")) | {"Unknown": 1},
    ],
)
def test_a_body_of_the_wrong_shape_cannot_be_read(strict: FaultServer, payload: Any) -> None:
    assert refusal(strict, payload)[0] == "SerializationException"


@pytest.mark.parametrize("table", ["nowhere", "unfinished", "leaving"])
def test_a_table_that_is_not_there_or_not_ready_takes_nothing(strict: FaultServer, table: str) -> None:
    code, said = refusal(strict, {"RequestItems": {table: [put(id="1")]}})
    assert (code, said) == ("ResourceNotFoundException", "Requested resource not found")


def test_nothing_of_a_refused_call_is_written() -> None:
    with running() as (server, client):
        with pytest.raises(ClientError) as error:
            client.batch_write_item(**people(put(id="1"), put(id="")))
        assert code_of(error) == "ValidationException"
        assert server.items("people") == []
        assert server.log == []


def test_values_at_their_limits_are_taken() -> None:
    with running() as (server, client):
        largest = {"id": {"S": "k" * 2048}, "a": {"S": "x" * (409_600 - 2 - 2048 - 1)}}
        client.batch_write_item(**people({"PutRequest": {"Item": largest}}, put(id="2", e="", l={"L": []})))
        assert server.item("people", "k" * 2048) == largest
        assert server.item("people", "2") == {"id": {"S": "2"}, "e": {"S": ""}, "l": {"L": []}}


def test_a_body_over_16_mb_is_too_large(strict: FaultServer) -> None:
    assert post(strict, b" " * (16 * 1024 * 1024 + 1))[0] == 413


def test_a_number_key_is_the_same_in_every_notation() -> None:
    with running() as (server, client):
        server.create_table("counted", "id:N")
        client.batch_write_item(RequestItems={"counted": [put(id={"N": "1.0"}, a="old")]})
        client.batch_write_item(RequestItems={"counted": [put(id={"N": "01"}, a="new")]})
        assert server.items("counted") == [{"id": {"N": "1"}, "a": {"S": "new"}}]
        assert server.item("counted", "1.00") == server.items("counted")[0]
        assert server.accepted == {("counted", "1"): 2}


def test_errors_carry_the_type_of_the_layer_that_made_them(strict: FaultServer) -> None:
    kinds = {
        json.loads(post(strict, payload)[2])["__type"]
        for payload in (people(put(id="")), b"{", {"RequestItems": {"nowhere": [put(id="1")]}})
    }
    assert kinds == {
        "com.amazon.coral.validate#ValidationException",
        "com.amazon.coral.service#SerializationException",
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
    }


def test_an_answer_has_the_headers_of_the_service(strict: FaultServer) -> None:
    _, headers, body = post(strict, b"{}")
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amz-crc32"] == str(zlib.crc32(body))
    assert len(headers["x-amzn-requestid"]) == 52
    assert "date" in headers


def test_only_posts_of_a_known_operation_are_answered(strict: FaultServer) -> None:
    assert post(strict, b"{}", **{"Content-Type": "text/plain"})[0] == 404
    assert b"UnknownOperationException" in post(strict, b"{}", operation="Fly")[2]


# Capacity that is reported


def test_consumed_capacity_counts_begun_kilobytes_of_the_larger_item() -> None:
    with running() as (server, client):

        def units(*requests: dict[str, Any]) -> float:
            answer = client.batch_write_item(**people(*requests), ReturnConsumedCapacity="TOTAL")
            return float(answer["ConsumedCapacity"][0]["CapacityUnits"])

        assert units(put(id="1", a="x" * 1020), put(id="2", a="x" * 1021), put(id="3")) == 4
        assert units(put(id="2")) == 2
        assert units(delete(id="1"), delete(id="missing")) == 2
        assert server.consumed_wcu == 8


def test_consumed_capacity_names_the_index_that_a_write_changes() -> None:
    with running() as (server, client):
        server.create_table("indexed", indexes={"by_mail": "mail"})

        def consumed(request: dict[str, Any]) -> tuple[float, float]:
            answer = client.batch_write_item(RequestItems={"indexed": [request]}, ReturnConsumedCapacity="INDEXES")
            (table,) = answer["ConsumedCapacity"]
            index = table.get("GlobalSecondaryIndexes", {}).get("by_mail", {"CapacityUnits": 0.0})
            assert table["CapacityUnits"] == table["Table"]["CapacityUnits"] + index["CapacityUnits"]
            return table["Table"]["CapacityUnits"], index["CapacityUnits"]

        assert consumed(put(id="1")) == (1, 0)
        assert consumed(put(id="1", mail="a")) == (1, 1)
        assert consumed(put(id="1", mail="a")) == (1, 0)
        assert consumed(put(id="1", mail="b")) == (1, 2)
        assert consumed(delete(id="1")) == (1, 1)


@pytest.mark.parametrize(("refused", "choices"), [("INDEXES", ["INDEXES"]), ("TOTAL", ["INDEXES", "TOTAL"])])
def test_consumed_capacity_can_be_refused(refused: Any, choices: list[str]) -> None:
    with running(refuse_consumed_capacity=refused) as (_, client):
        for choice in ("NONE", "TOTAL", "INDEXES"):
            if choice in choices:
                with pytest.raises(ClientError) as error:
                    client.batch_write_item(**numbered(1), ReturnConsumedCapacity=choice)
                assert code_of(error) == "ValidationException"
            else:
                client.batch_write_item(**numbered(1), ReturnConsumedCapacity=choice)


# Signatures


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


# Faults


def throttle_reasons(error: pytest.ExceptionInfo[ClientError]) -> list[dict[str, str]]:
    response = error.value.response
    return list(response.get("ThrottlingReasons") or response.get("throttlingReasons") or [])


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


# Scripts


def test_a_script_may_be_a_function_of_the_request() -> None:
    def decide(batch: Batch) -> Fault | None:
        return ServerError() if batch.number % 2 else None

    with running(faults=decide) as (_, client):
        client.batch_write_item(**numbered(1))
        with pytest.raises(ClientError):
            client.batch_write_item(**numbered(1))


def test_several_faults_may_meet_one_request() -> None:
    faults = [(Slow(0.001), Unprocessed(indices=(0,)), CloseAfterAnswer(announced=True)), None]
    with running(faults=faults) as (server, client):
        answer = client.batch_write_item(**numbered(2))
        assert answer["UnprocessedItems"] == {"people": [put(id="0")]}
        client.batch_write_item(**numbered(2))
        assert server.connections == 2


def test_an_invalid_request_uses_up_no_fault() -> None:
    with running(faults=iter([Throttle()])) as (_, client):
        for code, request in [
            ("ValidationException", people(put(id=""))),
            ("ProvisionedThroughputExceededException", numbered(1)),
        ]:
            with pytest.raises(ClientError) as error:
                client.batch_write_item(**request)
            assert code_of(error) == code


def test_random_faults_are_the_same_for_the_same_seed_and_come_to_an_end() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = RandomFaults(seed, {None: 1, Throttle(): 1, ResetAfterWrite(): 1}, at_most=10)
        batch = Batch(0, ())
        return [faults(batch) for _ in range(100)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert sum(fault is not None for fault in drawn(1)) == 10


# Token buckets


def test_a_table_takes_its_burst_and_then_its_rate() -> None:
    clock = FakeClock()
    with running(table_wcu=10, burst_s=2, clock=clock, check_signatures=False) as (server, client):
        assert client.batch_write_item(**numbered(20))["UnprocessedItems"] == {}
        with pytest.raises(ClientError) as error:
            client.batch_write_item(**numbered(1))
        assert code_of(error) == "ProvisionedThroughputExceededException"
        arn = client.describe_table(TableName="people")["Table"]["TableArn"]
        reason = {"reason": "TableWriteProvisionedThroughputExceeded", "resource": arn}
        assert throttle_reasons(error) == [reason]
        clock.now += 0.5
        assert len(client.batch_write_item(**numbered(8))["UnprocessedItems"]["people"]) == 3
        server.capacity.table_wcu = 1000
        clock.now += 1
        assert client.batch_write_item(**numbered(25))["UnprocessedItems"] == {}
        assert server.consumed_wcu == 20 + 5 + 25


def test_an_item_larger_than_the_bucket_passes_when_the_bucket_is_full() -> None:
    clock = FakeClock()
    with running(table_wcu=5, clock=clock, check_signatures=False) as (_, client):
        client.batch_write_item(**people(put(id="1", a="x" * 20_000)))
        clock.now += 3
        with pytest.raises(ClientError):
            client.batch_write_item(**people(put(id="2")))
        clock.now += 0.2
        client.batch_write_item(**people(put(id="2")))


def test_a_hot_partition_is_throttled_alone() -> None:
    clock = FakeClock()
    with running(table_wcu=1000, partition_wcu=2, clock=clock, check_signatures=False) as (server, client):
        table = server.create_table("ranged", "id", "sort")
        rows = [put(id="hot", sort=str(n)) for n in range(4)] + [put(id="cold", sort="0")]
        left = client.batch_write_item(RequestItems={"ranged": rows})["UnprocessedItems"]["ranged"]
        assert left == rows[2:4]
        with pytest.raises(ClientError) as error:
            client.batch_write_item(RequestItems={"ranged": left})
        assert throttle_reasons(error) == [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": table.arn}]


def test_an_index_throttles_the_items_that_stand_in_it() -> None:
    with running(index_wcu=1, clock=FakeClock(), check_signatures=False) as (server, client):
        table = server.create_table("indexed", indexes={"by_mail": "mail"})
        rows = [put(id="1", mail="a"), put(id="2", mail="b"), put(id="3")]
        left = client.batch_write_item(RequestItems={"indexed": rows})["UnprocessedItems"]
        assert left == {"indexed": rows[1:2]}
        with pytest.raises(ClientError) as error:
            client.batch_write_item(RequestItems=left)
        assert throttle_reasons(error) == [
            {"reason": "IndexWriteProvisionedThroughputExceeded", "resource": f"{table.arn}/index/by_mail"}
        ]


def test_provisioned_throughput_is_enforced_if_asked() -> None:
    with running(enforce_provisioned=True, clock=FakeClock(), check_signatures=False) as (server, client):
        server.create_table("small", wcu=3)
        left = client.batch_write_item(RequestItems={"small": [put(id=str(n)) for n in range(5)]})
        assert len(left["UnprocessedItems"]["small"]) == 2
        assert client.batch_write_item(**numbered(25))["UnprocessedItems"] == {}


# Books, in the test's own event loop


def raw_request(payload: Any) -> bytes:
    body = json.dumps(payload).encode()
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: DynamoDB_20120810.BatchWriteItem\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Wire:
    """A bare connection of a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, server: FaultServer) -> Wire:
        return cls(*await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2])))

    def send(self, payload: Any) -> None:
        self._writer.write(raw_request(payload))

    async def receive(self) -> Any:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return json.loads(await self._reader.readexactly(length))

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something has come true."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_key_in_two_open_requests_is_an_overlap() -> None:
    async with FaultServer(check_signatures=False, latency_s=0.005) as server:
        server.create_table("people")
        first, second = await Wire.to(server), await Wire.to(server)
        first.send(people(put(id="1", a="old"), put(id="2")))
        await until(lambda: server.ledger.in_flight == 1)
        second.send(people(put(id="1", a="new"), put(id="3")))
        await first.receive()
        await second.receive()
        assert (server.overlaps, server.max_in_flight) == (1, 2)
        first.send(people(put(id="1")))
        await first.receive()
        assert server.overlaps == 1
        assert [applied.key[1] for applied in server.log] == ["1", "2", "1", "3", "1"]
        await first.close()
        await second.close()


async def test_a_client_that_drops_a_hanging_request_may_send_its_keys_again() -> None:
    async with FaultServer(check_signatures=False, faults=[Hang()]) as server:
        server.create_table("people")
        first, second = await Wire.to(server), await Wire.to(server)
        first.send(numbered(2))
        await until(lambda: server.ledger.in_flight == 1)
        second.send(numbered(2))
        await first.close()
        await second.receive()
        assert server.overlaps == 0
        assert server.accepted.total() == 2
        await second.close()


async def test_a_hanging_request_that_stays_open_is_held_against_the_client() -> None:
    async with FaultServer(check_signatures=False, faults=[Hang()]) as server:
        now = FakeClock()
        server.ledger._monotonic = now
        server.create_table("people")
        first, second = await Wire.to(server), await Wire.to(server)
        first.send(numbered(2))
        await until(lambda: server.ledger.in_flight == 1)
        second.send(numbered(2))
        await second.receive()
        now.now += 1
        assert server.overlaps == 2
        await first.close()
        await until(lambda: server.ledger.in_flight == 0)
        assert server.overlaps == 2
        await second.close()


async def test_a_slow_request_that_the_client_gives_up_is_never_carried_out() -> None:
    async with FaultServer(check_signatures=False, faults=[Slow(60)]) as server:
        server.create_table("people")
        wire = await Wire.to(server)
        wire.send(numbered(2))
        await until(lambda: server.ledger.in_flight == 1)
        await wire.close()
        await until(lambda: server.ledger.in_flight == 0)
        assert server.log == []


async def test_requests_on_one_connection_are_answered_in_turn() -> None:
    async with FaultServer(check_signatures=False, faults=[Slow(0.002)]) as server:
        server.create_table("people")
        wire = await Wire.to(server)
        wire.send(people(put(id="1")))
        wire.send(people(put(id="")))
        assert (await wire.receive()) == {"UnprocessedItems": {}}
        assert "message" in await wire.receive()
        assert (server.connections, server.max_in_flight) == (1, 1)
        await wire.close()


async def test_the_server_stops_while_requests_hang() -> None:
    async with FaultServer(check_signatures=False, faults=[Hang(), Slow(60)]) as server:
        server.create_table("people")
        wires = [await Wire.to(server) for _ in range(2)]
        for wire in wires:
            wire.send(numbered(1))
        await until(lambda: server.ledger.in_flight == 2)
    assert server.ledger.in_flight == 0
    for wire in wires:
        await wire.close()


# Tables and reads


def test_a_table_is_made_described_and_dropped() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        client.create_table(
            TableName="people",
            KeySchema=[
                {"AttributeName": "id", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind} for name, kind in (("id", "S"), ("at", "N"), ("m", "S"))
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_m",
                    "KeySchema": [{"AttributeName": "m", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
                }
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "local",
                    "KeySchema": [
                        {"AttributeName": "id", "KeyType": "HASH"},
                        {"AttributeName": "m", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 7},
        )
        client.get_waiter("table_exists").wait(TableName="people", WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        client.put_item(TableName="people", Item={"id": {"S": "1"}, "at": {"N": "2"}, "m": {"S": "x"}})
        table = client.describe_table(TableName="people")["Table"]
        assert table["TableArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/people"
        assert (table["TableStatus"], table["ItemCount"]) == ("ACTIVE", 1)
        assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 7
        assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
        assert table["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
        assert table["LocalSecondaryIndexes"][0]["IndexName"] == "local"
        assert client.list_tables()["TableNames"] == ["people"]
        server.create_table("other")
        with pytest.raises(ClientError) as error:
            client.create_table(
                TableName="other",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        assert code_of(error) == "ResourceInUseException"
        client.delete_table(TableName="people")
        with pytest.raises(ClientError) as error:
            client.describe_table(TableName="people")
        assert code_of(error) == "ResourceNotFoundException"


def test_a_table_may_take_its_time_to_become_active() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        server.create_table("people", creating_describes=2)
        statuses = [client.describe_table(TableName="people")["Table"]["TableStatus"] for _ in range(3)]
        assert statuses == ["CREATING", "CREATING", "ACTIVE"]


def test_an_on_demand_table_says_so() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        server.create_table("people", warm_wcu=4000)
        table = client.describe_table(TableName="people")["Table"]
        assert table["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
        assert table["WarmThroughput"]["WriteUnitsPerSecond"] == 4000


def test_a_scan_pages_through_everything_once() -> None:
    with running() as (server, client):
        for start in range(0, 100, 25):
            client.batch_write_item(**people(*(put(id=str(start + n)) for n in range(25))))
        paginator = client.get_paginator("scan")
        pages = [page["Items"] for page in paginator.paginate(TableName="people", PaginationConfig={"PageSize": 7})]
        assert len(pages) > 10
        assert sorted(int(item["id"]["S"]) for page in pages for item in page) == list(range(100))
        segments = [client.scan(TableName="people", Segment=n, TotalSegments=3)["Items"] for n in range(3)]
        assert sum(len(segment) for segment in segments) == 100
        assert all(segments)
        assert client.scan(TableName="people", Select="COUNT")["Count"] == 100
        assert len(server.items("people")) == 100


def test_a_scan_s_page_ends_at_a_megabyte() -> None:
    with running() as (_, client):
        client.batch_write_item(**numbered(5, a="x" * 300_000))
        page = client.scan(TableName="people")
        assert page["Count"] == 4
        assert "LastEvaluatedKey" in page


def test_single_items_are_put_read_and_deleted() -> None:
    with running() as (_, client):
        key = {"id": {"S": "1"}}
        client.put_item(TableName="people", Item=key | {"a": {"N": "1.0"}, "b": {"S": "x"}})
        assert client.get_item(TableName="people", Key=key)["Item"] == key | {
            "a": {"N": "1"},
            "b": {"S": "x"},
        }
        assert client.get_item(TableName="people", Key=key, ProjectionExpression="b")["Item"] == {"b": {"S": "x"}}
        with pytest.raises(ClientError, match="Missing the key id in the item"):
            client.put_item(TableName="people", Item={"a": {"S": "1"}})
        with pytest.raises(ClientError, match="Type mismatch for key id expected: S actual: N"):
            client.put_item(TableName="people", Item={"id": {"N": "1"}})
        client.delete_item(TableName="people", Key=key)
        assert "Item" not in client.get_item(TableName="people", Key=key)


def test_a_query_finds_a_partition_in_the_order_of_its_sort_key() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        server.create_table("readings", "sensor", "at:N")
        rows = [put(sensor=sensor, at=at) for sensor in "ab" for at in (10, 9, 100)]
        client.batch_write_item(RequestItems={"readings": rows})
        paginator = client.get_paginator("query").paginate(
            TableName="readings",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "sensor"},
            ExpressionAttributeValues={":s": {"S": "a"}},
            PaginationConfig={"PageSize": 2},
        )
        assert [item["at"]["N"] for page in paginator for item in page["Items"]] == ["9", "10", "100"]
        assert server.item("readings", ("b", "10.0")) == {"sensor": {"S": "b"}, "at": {"N": "10"}}


# Other forms


def test_the_server_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FaultServer(tls=context, faults=[None, ResetAfterWrite()]).in_thread() as server:
        server.create_table("people")
        assert server.url.startswith("https://")
        with client_of(server, verify=str(tmp_path / "ca.pem")) as client:
            client.batch_write_item(**numbered(1))
            with pytest.raises((ConnectionClosedError, HTTPClientError)):
                client.batch_write_item(**numbered(2))
        assert len(server.items("people")) == 2


def test_the_server_runs_as_a_program() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.faultserver",
        "--table",
        "counted:id:N",
        "--wcu",
        "10",
        "--no-signatures",
    ]
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        server = FaultServer()
        server.url = url
        left = json.loads(post(server, {"RequestItems": {"counted": [put(id=n) for n in range(12)]}})[2])
        assert len(left["UnprocessedItems"]["counted"]) == 2
        with urllib.request.urlopen(f"{url}/counters", timeout=5) as answer:
            assert json.load(answer)["accepted"] == 10
        program.terminate()
        assert program.wait(timeout=5) == 0
