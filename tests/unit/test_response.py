"""Answers: one class of error for every code of DynamoDB."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asyncloader.values.errors import (
    BatchRefused,
    ClockSkewed,
    CredentialsRefused,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    Throttled,
)
from asyncloader.wire.response import BatchWriteResult, read_error, read_success

DATE = "Sun, 13 Sep 2020 12:26:40 GMT"


def error(code: str, *, status: int = 400, date: str = DATE, **members: Any) -> ServiceError:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **members}
    return read_error(status, json.dumps(body).encode(), date=date, request_id="REQ1")


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (
            Throttled,
            [
                "ProvisionedThroughputExceededException",
                "ThrottlingException",
                "RequestLimitExceeded",
                "LimitExceededException",
            ],
        ),
        (
            ServiceUnavailable,
            ["InternalServerError", "ReplicatedWriteConflictException", "TransactionInProgressException"],
        ),
        (CredentialsRefused, ["UnrecognizedClientException", "ExpiredTokenException"]),
        (
            BatchRefused,
            ["ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException"],
        ),
        (
            ServiceRefused,
            [
                "ResourceNotFoundException",
                "AccessDeniedException",
                "ConditionalCheckFailedException",
                "IncompleteSignatureException",
                "MissingAuthenticationTokenException",
                "ResourceInUseException",
                "SomethingThatNobodyKnowsException",
            ],
        ),
    ],
)
def test_every_code_has_its_class(kind: type[ServiceError], codes: list[str]) -> None:
    """docs/dynamodb.md#errors"""
    for code in codes:
        found = error(code, message="no")
        assert type(found) is kind, code
        assert (found.code, found.message, found.status, found.request_id) == (code, "no", 400, "REQ1")


@pytest.mark.parametrize("kind", [Throttled, ServiceUnavailable, CredentialsRefused, ClockSkewed])
def test_what_may_pass_is_retryable(kind: type[ServiceError]) -> None:
    assert kind.retryable


@pytest.mark.parametrize("kind", [BatchRefused, ServiceRefused])
def test_what_will_not_pass_is_not_retryable(kind: type[ServiceError]) -> None:
    assert not kind.retryable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, ServiceUnavailable),
        (502, ServiceUnavailable),
        (503, ServiceUnavailable),
        (504, ServiceUnavailable),
        (509, ServiceUnavailable),
        (429, Throttled),
        (408, ServiceUnavailable),
        (413, BatchRefused),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"message":"?"}'])
def test_without_a_code_the_status_decides(status: int, body: bytes, kind: type[ServiceError]) -> None:
    found = read_error(status, body)
    assert type(found) is kind
    assert found.code == f"HTTP{status}"


@pytest.mark.parametrize("status", [500, 503])
def test_throttling_with_a_5xx_is_throttling(status: int) -> None:
    assert type(error("ThrottlingException", status=status)) is Throttled


@pytest.mark.parametrize("prefix", ["com.amazonaws.dynamodb.v20120810#", "com.amazon.coral.validate#", ""])
def test_the_code_is_what_stands_behind_the_hash(prefix: str) -> None:
    assert read_error(400, f'{{"__type":"{prefix}ValidationException"}}'.encode()).code == "ValidationException"


@pytest.mark.parametrize("name", ["message", "Message"])
def test_the_message_may_be_spelled_in_two_ways(name: str) -> None:
    members: dict[str, Any] = {name: "too big"}
    assert error("ValidationException", **members).message == "too big"


@pytest.mark.parametrize("name", ["ThrottlingReasons", "throttlingReasons"])
def test_the_reasons_for_throttling_are_kept(name: str) -> None:
    reasons = [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": "arn:aws:dynamodb:…"}]
    members: dict[str, Any] = {name: reasons}
    found = error("ThrottlingException", **members)
    assert found.reasons == ("TableWriteKeyRangeThroughputExceeded",)


def test_reasons_that_are_no_list_are_ignored() -> None:
    assert type(error("ThrottlingException", ThrottlingReasons=5)) is Throttled


def test_a_4xx_that_is_not_dynamodbs_keeps_its_request_id() -> None:
    assert read_error(404, b"<html>", request_id="REQ1").request_id == "REQ1"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidSignatureException", "Signature expired: 20200913T120000Z is now earlier than 20200913T122140Z"),
        ("InvalidSignatureException", "Signature not yet current: 20200913T130000Z is still later than …"),
        ("RequestTimeTooSkewed", ""),
    ],
)
def test_a_signature_of_another_time_tells_the_servers_time(code: str, message: str) -> None:
    found = error(code, message=message)
    assert isinstance(found, ClockSkewed)
    assert found.server_time == 1_600_000_000


def test_a_wrong_signature_is_not_a_matter_of_time() -> None:
    message = "The request signature we calculated does not match the signature you provided."
    assert type(error("InvalidSignatureException", message=message)) is ServiceRefused


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_date_there_is_no_skew_to_mend(date: str) -> None:
    assert type(error("RequestTimeTooSkewed", date=date)) is ServiceRefused


def test_an_error_shows_code_message_and_request_but_no_more() -> None:
    assert str(error("ValidationException", message="too big")) == "ValidationException: too big (request REQ1)"
    assert str(read_error(503, b"")) == "HTTP503"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"{}", BatchWriteResult()),
        (b'{"UnprocessedItems":{}}', BatchWriteResult()),
        (b'{"UnprocessedItems":null,"ConsumedCapacity":null}', BatchWriteResult()),
        (
            b'{"ConsumedCapacity":[{"TableName":"t","CapacityUnits":25.0},{"CapacityUnits":1.5}]}',
            BatchWriteResult(26.5),
        ),
        (
            b'{"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"1"}}}}]}}',
            BatchWriteResult(0.0, ({"id": {"S": "1"}},)),
        ),
    ],
)
def test_a_success_tells_its_cost_and_what_it_hands_back(body: bytes, answer: BatchWriteResult) -> None:
    assert read_success(body) == answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"UnprocessedItems":{"t":[{}]}}',
        b'{"ConsumedCapacity":[1]}',
        b'{"UnprocessedI',
    ],
)
def test_a_success_that_cannot_be_read_may_or_may_not_have_been_written(body: bytes) -> None:
    with pytest.raises(ServiceUnavailable) as caught:
        read_success(body)
    assert (caught.value.code, caught.value.retryable) == ("BrokenAnswer", True)
