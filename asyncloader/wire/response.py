"""The service's answer to one BatchWriteItem request: a `BatchWriteResult`, or one of the `ServiceError` family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from asyncloader.values import errors

TypedItem = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchWriteResult:
    """An accepted request: the WCU it cost, and what was handed back: items of puts and keys of deletes, in DynamoDB JSON.

    `consumed_wcu` is 0 and `by_index`, the share of each global index, is None where the answer does not have them.
    """

    consumed_wcu: float = 0.0
    unprocessed: tuple[TypedItem, ...] = ()
    by_index: Mapping[str, float] | None = None


_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "ThrottlingException",
        "Throttling",
        "RequestLimitExceeded",
        "LimitExceededException",
        "TooManyRequestsException",
    }
)
_UNAVAILABLE = frozenset(
    {
        "InternalServerError",
        "InternalServerErrorException",
        "InternalFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ReplicatedWriteConflictException",
        "TransactionInProgressException",
        "RequestTimeoutException",
    }
)
_CREDENTIALS = frozenset(
    {
        "ExpiredTokenException",
        "ExpiredToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "RequestExpired",
    }
)
_SIGNATURE = frozenset({"InvalidSignatureException", "RequestTimeTooSkewed", "SignatureDoesNotMatch"})
_BATCH = frozenset(
    {
        "ValidationException",
        "SerializationException",
        "ItemCollectionSizeLimitExceededException",
        "RequestEntityTooLarge",
    }
)


_MEMBERS = frozenset({"UnprocessedItems", "ConsumedCapacity", "ItemCollectionMetrics"})


def read_success(body: bytes) -> BatchWriteResult:
    """Read the body of a 200; raises `ServiceUnavailable` when it is not what DynamoDB answers."""
    try:
        answer = orjson.loads(body)
        if "UnprocessedItems" not in answer and not answer.keys() <= _MEMBERS:
            raise errors.ServiceUnavailable("BrokenAnswer", "the answer is not DynamoDB's", status=200)
        wcu, by_index = consumed(answer.get("ConsumedCapacity") or ())
        returned = answer.get("UnprocessedItems")
        if not returned:
            return BatchWriteResult(wcu, (), by_index)
        items = tuple(item_of(request) for requests in returned.values() for request in requests)
        return BatchWriteResult(wcu, items, by_index)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise errors.ServiceUnavailable("BrokenAnswer", "the answer is not DynamoDB's JSON", status=200) from None


def consumed(entries: Sequence[Mapping[str, Any]]) -> tuple[float, Mapping[str, float] | None]:
    """The WCU of all, and of each global index where the answer has the table's own; from ConsumedCapacity."""
    wcu, by_index = 0.0, None
    for entry in entries:
        wcu += entry.get("CapacityUnits", 0.0)
        if "Table" in entry:
            indexes = entry.get("GlobalSecondaryIndexes") or {}
            by_index = {name: float(units.get("CapacityUnits", 0.0)) for name, units in indexes.items()}
    return wcu, by_index


def item_of(request: dict[str, Any]) -> TypedItem:
    """The item of a put request, or the key of a delete request; raises `KeyError` and `TypeError` for anything else."""
    put = request.get("PutRequest")
    item: TypedItem = request["DeleteRequest"]["Key"] if put is None else put["Item"]
    return item


def read_error(status: int, body: bytes, *, date: str = "", request_id: str = "") -> errors.ServiceError:
    """The error that an answer other than 200 means; `date` is the server's Date header."""
    try:
        answer = orjson.loads(body)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    code = str(answer.get("__type") or answer.get("code") or "").rpartition("#")[2]
    message = str(answer.get("message") or answer.get("Message") or "")
    reasons = answer.get("ThrottlingReasons") or answer.get("throttlingReasons") or ()
    if not code and 400 <= status < 500 and status not in (413, 429):
        # Not an answer of DynamoDB: something between us and it has answered.
        words = "the answer is not DynamoDB's"
        return errors.ServiceUnavailable(f"HTTP{status}", words, status=status, request_id=request_id)
    listed = reasons if isinstance(reasons, list) else ()
    named = [reason for reason in listed if isinstance(reason, dict)]
    return error_of(code or f"HTTP{status}", message, status=status, date=date, request_id=request_id, throttling=named)


def error_of(
    code: str,
    message: str,
    *,
    status: int,
    date: str = "",
    request_id: str = "",
    throttling: Sequence[Mapping[str, Any]] = (),
) -> errors.ServiceError:
    """One table from DynamoDB's error codes to our classes (docs/dynamodb.md#errors); `throttling` are ThrottlingReasons."""
    kind: type[errors.ServiceError]
    message = first_paragraph(message)
    if code in _SIGNATURE and _is_about_time(code, message) and (server_time := _seconds(date)) is not None:
        return errors.ClockSkewed(code, message, server_time=server_time, request_id=request_id)
    if code in _THROTTLED or status == 429:
        kind = errors.Throttled
    elif code in _CREDENTIALS:
        kind = errors.CredentialsRefused
    elif code in _UNAVAILABLE or status >= 500 or status == 408:
        kind = errors.ServiceUnavailable
    elif code in _BATCH or status == 413:
        kind = errors.BatchRefused
    else:
        kind = errors.ServiceRefused
    reasons = tuple(str(reason.get("reason", "")) for reason in throttling)
    resources = tuple(str(reason.get("resource", "")) for reason in throttling)
    return kind(code, message, status=status, request_id=request_id, reasons=reasons, resources=resources)


def first_paragraph(message: str) -> str:
    """What the service says without what it repeats: where a signature is wrong, that is the request with its session token."""
    return message.partition("\n\n")[0]


def _is_about_time(code: str, message: str) -> bool:
    return code == "RequestTimeTooSkewed" or "expired" in message or "not yet current" in message


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
