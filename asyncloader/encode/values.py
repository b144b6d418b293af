"""Single values as DynamoDB JSON: what a cell of a set, list or map column holds, and what a Python dict holds.

The types follow boto3's resource layer: str, int, Decimal, bytes, bool, None, set, list, dict. A float is taken by
its shortest exact text. Sizes are DynamoDB's own (DYNAMODB.md, Item size), in bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from asyncloader.encode import numbers

Typed = dict[str, Any]
"""A value as it stands on the wire, for example `{"S": "text"}`."""

_MAX_DEPTH = 32


class ValueRefused(ValueError):
    """A value that DynamoDB cannot store; the message is the reason."""


def typed(value: object, *, depth: int = 0) -> tuple[Typed, int]:
    """A Python value as DynamoDB JSON, with its size in bytes; raises `ValueRefused`."""
    if depth > _MAX_DEPTH:
        raise ValueRefused(f"is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, str):
        return {"S": value}, len(_utf8(value))
    if value is None:
        return {"NULL": True}, 1
    if isinstance(value, bool):
        return {"BOOL": value}, 1
    if isinstance(value, int | Decimal | float):
        text = _number_text(value)
        return {"N": text}, numbers.size(text)
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        return {"B": base64.b64encode(raw).decode()}, len(raw)
    if hasattr(value, "value") and isinstance(value.value, bytes):  # boto3.dynamodb.types.Binary
        return typed(value.value)
    if isinstance(value, set | frozenset):
        return _typed_set(value)
    if isinstance(value, Mapping):
        return _typed_map(value, depth)
    if isinstance(value, list | tuple):
        pairs = [typed(member, depth=depth + 1) for member in value]
        return {"L": [pair[0] for pair in pairs]}, 3 + sum(size + 1 for _, size in pairs)
    raise ValueRefused(f"is of type {type(value).__name__}, which DynamoDB has no type for")


def from_json(kind: str, text: str) -> tuple[Typed, int]:
    """The JSON text of a cell as a value of type SS, NS, BS, L or M, with its size; raises `ValueRefused`."""
    try:
        value = json.loads(text, parse_int=Decimal, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueRefused(f"is not JSON: {error}") from None
    if kind == "M":
        if not isinstance(value, dict):
            raise ValueRefused("is not a JSON object, which type M takes")
        return typed(value)
    if not isinstance(value, list):
        raise ValueRefused(f"is not a JSON array, which type {kind} takes")
    return typed(value) if kind == "L" else _set_of(kind, value)


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text; raises `ValueRefused`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueRefused("is not base64") from None


def _set_of(kind: str, members: list[object]) -> tuple[Typed, int]:
    if not members:
        raise ValueRefused("is an empty set, which DynamoDB does not store")
    texts: list[str] = []
    same: list[object] = []
    size = 0
    for member in members:
        if kind == "NS":
            text = str(member) if isinstance(member, Decimal) else member
            if not isinstance(text, str):
                raise ValueRefused(f"holds {json.dumps(member, default=str)}, which is no number")
            texts.append(numbers.wire(_checked_number(text)))
            same.append(numbers.canonical(text))
            size += numbers.size(text)
        elif not isinstance(member, str):
            raise ValueRefused(f"holds {json.dumps(member, default=str)}, which is no string")
        elif kind == "SS":
            texts.append(member)
            same.append(member)
            size += len(_utf8(member))
        else:
            raw = decode_base64(member)
            texts.append(base64.b64encode(raw).decode())
            same.append(raw)
            size += len(raw)
    if len(set(same)) != len(same):
        raise ValueRefused("holds a member twice, which a set does not")
    return {kind: texts}, size


def _typed_set(value: Iterable[object]) -> tuple[Typed, int]:
    members = list(value)
    if members and all(isinstance(member, str) for member in members):
        return _set_of("SS", sorted(members, key=str))
    if members and all(
        isinstance(member, int | float | Decimal) and not isinstance(member, bool) for member in members
    ):
        return _set_of("NS", [_number_text(member) for member in members])
    if members and all(isinstance(member, bytes | bytearray) for member in members):
        return _set_of("BS", [base64.b64encode(bytes(member)).decode() for member in members])  # type: ignore[arg-type]  # narrowed by all() above
    raise ValueRefused("is a set that is empty, or whose members are not all strings, all numbers or all bytes")


def _typed_map(value: Mapping[Any, object], depth: int) -> tuple[Typed, int]:
    out: Typed = {}
    size = 3
    for name, member in value.items():
        if not isinstance(name, str):
            raise ValueRefused(f"has the key {name!r}, which is no string")
        out[name], member_size = typed(member, depth=depth + 1)
        size += len(_utf8(name)) + member_size + 1
    return {"M": out}, size


def _number_text(value: object) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueRefused(f"is {value}, which is no DynamoDB number")
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueRefused(f"is {value}, which is no DynamoDB number")
    return numbers.wire(_checked_number(str(value)))


def _checked_number(text: str) -> str:
    try:
        numbers.parse(text)
    except numbers.NumberError as error:
        raise ValueRefused(str(error)) from None
    return text


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueRefused("holds half of a surrogate pair, which is no Unicode text") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
