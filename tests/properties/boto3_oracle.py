"""What boto3 would send for Python values, and how large DynamoDB says they are (docs/dynamodb.md#item-size)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence, Set
from decimal import Context, Decimal
from functools import cache
from typing import Any

import botocore.session
from boto3.dynamodb.types import Binary, TypeSerializer
from botocore.serialize import create_serializer

Comparable = Any


@cache
def _operation() -> tuple[Any, Any]:
    model = botocore.session.get_session().get_service_model("dynamodb")
    return create_serializer("json", include_validation=False), model.operation_model("BatchWriteItem")


def request_body(table: str, items: Sequence[Mapping[str, object]], **more: object) -> Any:
    """The JSON of the BatchWriteItem request that boto3's resource layer sends for these Python items."""
    typed = [{name: TypeSerializer().serialize(value) for name, value in item.items()} for item in items]
    serializer, operation = _operation()
    parameters = {"RequestItems": {table: [{"PutRequest": {"Item": item}} for item in typed]}, **more}
    return json.loads(serializer.serialize_to_request(parameters, operation)["body"])


def sent_items(items: Sequence[Mapping[str, object]]) -> list[Any]:
    """The items of such a request, as they are in its JSON."""
    return [each["PutRequest"]["Item"] for each in request_body("t", items)["RequestItems"]["t"]]


def python_value(kind: str, text: str) -> object:
    """What a careful script would hand to boto3 for the text of one cell."""
    match kind:
        case "S":
            return text
        case "N":
            # Zeros at the end count as digits for boto3, which takes 38 of them.
            return Decimal(text).normalize(Context(prec=200))
        case "B":
            return base64.b64decode(text)
        case "BOOL":
            return {"true": True, "false": False}[text.lower()]
        case "NULL":
            return None
    value = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    match kind:
        case "SS":
            return set(value)
        case "NS":
            return {Decimal(member).normalize(Context(prec=200)) for member in value}
        case "BS":
            return {base64.b64decode(member) for member in value}
    return value


def comparable(typed: Mapping[str, Any]) -> Comparable:
    """A value in DynamoDB JSON, such that two are equal when the service would store the same: numbers by value
    with all their digits, sets without order."""
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return kind, Decimal(value)
        case "NS":
            return kind, frozenset(map(Decimal, value)), len(value)
        case "SS" | "BS":
            return kind, frozenset(value), len(value)
        case "L":
            return kind, [comparable(member) for member in value]
        case "M":
            return kind, comparable_item(value)
    return kind, value


def comparable_item(item: Mapping[str, Any]) -> dict[str, Comparable]:
    """All attributes of an item, or of a map."""
    return {name: comparable(value) for name, value in item.items()}


def number_size(number: Decimal) -> int:
    """About one byte for two significant digits, zeros at both ends left out, and one more; one for a minus."""
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return -(-len(digits) // 2) + 1 + (1 if digits and number < 0 else 0)


def size(value: object) -> int:
    """Bytes of one Python value."""
    match value:
        case None | bool():
            return 1
        case str():
            return len(value.encode())
        case bytes() | bytearray():
            return len(value)
        case Binary():
            return len(value.value)
        case int() | Decimal():
            return number_size(Decimal(value))
        case Set():
            return sum(size(member) for member in value)
        case Mapping():
            return 3 + sum(len(name.encode()) + size(member) + 1 for name, member in value.items())
        case list() | tuple():
            return 3 + sum(size(member) + 1 for member in value)
    raise TypeError(type(value))


def item_size(item: Mapping[str, object]) -> int:
    """Bytes of an item: the names of its attributes and their values."""
    return sum(len(name.encode()) + size(value) for name, value in item.items())
