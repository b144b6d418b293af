"""Values in DynamoDB JSON, as they come from an export, a stream or boto3's low-level client: checked, and sized.

`{"S": "text"}`, `{"N": "1.5"}`, `{"B": base64 text or bytes}`, and so on.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from asyncloader.encode import numbers
from asyncloader.encode.values import Typed, ValueRefused, decode_base64, map_of, set_of
from asyncloader.values.dynamodb import COLLECTION_BYTES, MAX_DEPTH, MEMBER_BYTES


def checked(value: object, *, depth: int = 1) -> tuple[Typed, int]:
    """A value in DynamoDB JSON as it is sent, with its size in bytes; raises `ValueRefused`."""
    if depth > MAX_DEPTH:
        raise ValueRefused(f"is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueRefused('is not DynamoDB JSON, which has one type for each value, as in {"S": "text"}')
    ((kind, held),) = value.items()
    match kind:
        case "S" if isinstance(held, str):
            try:
                return {"S": held}, len(held.encode())
            except UnicodeEncodeError:
                raise ValueRefused("holds half of a surrogate pair, which is no Unicode text") from None
        case "N" if isinstance(held, str):
            try:
                return {"N": numbers.wire(held)}, numbers.size(held)
            except numbers.NumberError as error:
                raise ValueRefused(str(error)) from None
        case "B" if isinstance(held, str | bytes | bytearray):
            raw = _raw_bytes(held)
            return {"B": base64.b64encode(raw).decode()}, len(raw)
        case "BOOL" if isinstance(held, bool):
            return {"BOOL": held}, 1
        case "NULL" if held is True:
            return {"NULL": True}, 1
        case "SS" | "NS" if isinstance(held, list | tuple):
            return set_of(kind, list(held))
        case "BS" if isinstance(held, list | tuple):
            return set_of("BS", [_base64(member) for member in held])
        case "L" if isinstance(held, list | tuple):
            pairs = [checked(member, depth=depth + 1) for member in held]
            return {"L": [pair[0] for pair in pairs]}, COLLECTION_BYTES + sum(size + MEMBER_BYTES for _, size in pairs)
        case "M" if isinstance(held, Mapping):
            return map_of(held, lambda member: checked(member, depth=depth + 1))
    raise ValueRefused(f"is not DynamoDB JSON: {kind!r} with a value of type {type(held).__name__}")


def _raw_bytes(held: str | bytes | bytearray) -> bytes:
    return decode_base64(held) if isinstance(held, str) else bytes(held)


def _base64(member: Any) -> Any:
    return base64.b64encode(member).decode() if isinstance(member, bytes | bytearray) else member
