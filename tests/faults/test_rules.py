"""The strict rules of BatchWriteItem: what the fault server refuses, and in which words."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.clients import (
    code_of,
    delete,
    people,
    post,
    put,
    refusal,
    running,
)
from tests.faultserver import (
    FaultServer,
)

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
