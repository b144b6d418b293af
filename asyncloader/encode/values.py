"""Single values as DynamoDB JSON: what a cell of a set, list or map column holds, and what a Python dict holds.

The types follow boto3's resource layer: str, int, Decimal, bytes, bool, None, set, list, dict. A float is taken by
its shortest exact text. Sizes are DynamoDB's own (docs/dynamodb.md#item-size), in bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Mapping, Set
from decimal import Decimal
from typing import Any

from asyncloader.encode import numbers
from asyncloader.values.dynamodb import COLLECTION_BYTES, MAX_DEPTH, MAX_EXPONENT, MAX_NAME_BYTES, MEMBER_BYTES

Typed = dict[str, Any]
"""A value as it is on the wire, for example `{"S": "text"}`."""

_MAX_INTEGER = 10 ** (MAX_EXPONENT + 1)


class ValueRefused(ValueError):
    """A value that DynamoDB cannot store; the message is the reason."""


def typed(value: object, *, depth: int = 1) -> tuple[Typed, int]:
    """A Python value as DynamoDB JSON, with its size in bytes; raises `ValueRefused`."""
    if depth > MAX_DEPTH:
        raise ValueRefused(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        # A member of an enumeration is its text; as it is it would be equal to it, but hashed by its name.
        text = value if type(value) is str else str.__str__(value)
        return {"S": text}, len(text) if text.isascii() else len(_utf8(text))
    if value is None:
        return {"NULL": True}, 1
    if isinstance(value, bool):
        return {"BOOL": value}, 1
    if isinstance(value, int | Decimal | float):
        text = number_text(value)
        return {"N": text}, numbers.size(text)
    if (raw := _bytes(value)) is not None:
        return {"B": base64.b64encode(raw).decode()}, len(raw)
    if isinstance(value, Set):
        return _typed_set(value)
    if isinstance(value, Mapping):
        return map_of(value, lambda member: typed(member, depth=depth + 1))
    if isinstance(value, list | tuple):
        pairs = [typed(member, depth=depth + 1) for member in value]
        return {"L": [pair[0] for pair in pairs]}, COLLECTION_BYTES + sum(size + MEMBER_BYTES for _, size in pairs)
    raise ValueRefused(f"is of type {type(value).__name__}, which DynamoDB has no type for")


def from_json(kind: str, text: str) -> tuple[Typed, int]:
    """The JSON text of a cell as a value of type SS, NS, BS, L or M, with its size; raises `ValueRefused`."""
    try:
        value = json.loads(
            text, parse_int=Decimal, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        raise ValueRefused(f"is not JSON: {error}") from None
    if kind == "M":
        if not isinstance(value, dict):
            raise ValueRefused("is not a JSON object, which type M takes")
        return typed(value)
    if not isinstance(value, list):
        raise ValueRefused(f"is not a JSON array, which type {kind} takes")
    return typed(value) if kind == "L" else set_of(kind, value)


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text; raises `ValueRefused`."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueRefused("is not base64") from None


def set_of(kind: str, members: list[object]) -> tuple[Typed, int]:
    """A set of type SS, NS or BS from its members' texts, with its size in bytes; raises `ValueRefused`."""
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
    members = [str.__str__(member) if isinstance(member, str) else member for member in value]
    if members and all(isinstance(member, str) for member in members):
        return set_of("SS", sorted(members, key=str))
    figures = [
        member for member in members if isinstance(member, int | float | Decimal) and not isinstance(member, bool)
    ]
    if figures and len(figures) == len(members):
        return set_of("NS", [number_text(member) for member in figures])
    raws = [raw for member in members if (raw := _bytes(member)) is not None]
    if raws and len(raws) == len(members):
        return set_of("BS", [base64.b64encode(raw).decode() for raw in raws])
    raise ValueRefused("is a set that is empty, or whose members are not all strings, all numbers or all bytes")


def map_of(value: Mapping[Any, object], member_of: Callable[[object], tuple[Typed, int]]) -> tuple[Typed, int]:
    """A map whose members `member_of` turns into DynamoDB JSON, with its size; raises `ValueRefused`."""
    out: Typed = {}
    size = 3
    for name, member in value.items():
        if not isinstance(name, str):
            raise ValueRefused(f"has the key {name!r}, which is no string")
        name_bytes = len(name) if name.isascii() else len(_utf8(name))
        if not 0 < name_bytes <= MAX_NAME_BYTES:
            raise ValueRefused(f"has a name of {name_bytes} bytes; DynamoDB takes 1 to {MAX_NAME_BYTES}")
        out[name], member_size = member_of(member)
        size += name_bytes + member_size + 1
    return {"M": out}, size


def _bytes(value: object) -> bytes | None:
    """The bytes of a binary value, None for any other; boto3's `Binary` holds them in `value`."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    held = getattr(value, "value", None)
    return bytes(held) if isinstance(held, bytes | bytearray) else None


def number_text(value: int | float | Decimal) -> str:
    """The text to send for a Python number; raises `ValueRefused`."""
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            # Before it is turned into text, which Python refuses for thousands of digits.
            raise ValueRefused("is an integer out of the range of a DynamoDB number (1E-130 to 9.99E+125)")
        return numbers.wire(_checked_number(int.__repr__(value)))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueRefused(f"is {float.__repr__(value)}, which is no DynamoDB number")
        value = Decimal(float.__repr__(value))
    if not value.is_finite():
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


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the name {next(name for name in names if names.count(name) > 1)!r} stands twice in one object"
        )
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
