"""Typed attribute values: what the service accepts, how it stores them, and how large they are.

Every check returns the value as it is stored together with its size. A value that is stored as it was sent is
handed back as the same object, so that nothing is copied for the usual item.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

from .errors import invalid, invalid_parameter, unreadable
from .number import canonical

Value = dict[str, Any]
Item = dict[str, Value]

MAX_ITEM_BYTES = 409_600
MAX_NAME_BYTES = 65_535
MAX_DEPTH = 32

_EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
_SET_NOUNS = {"SS": "An string set  may not be empty", "NS": "An number set  may not be empty"}


def checked_item(item: Any) -> tuple[Item, int]:
    """The item as it is stored and its size in bytes; refuses an item with any invalid value."""
    if type(item) is not dict:
        raise unreadable("Unexpected field type")
    size = 0
    changed: Item = {}
    for name, value in item.items():
        # The common kinds are read here, without a call: most tests write many small strings and numbers.
        if type(value) is dict and len(value) == 1:
            if type(text := value.get("S")) is str:
                size += _text_bytes(name) + _text_bytes(text)
                continue
            if type(number := value.get("N")) is str:
                stored_number, number_size = canonical(number)
                size += _text_bytes(name) + number_size
                if stored_number != number:
                    changed[name] = {"N": stored_number}
                continue
        stored, value_size = checked(value, 1)
        size += _name_bytes(name) + value_size
        if stored is not value:
            changed[name] = stored
    if "" in item:
        raise _nameless()
    if size > MAX_NAME_BYTES:
        for name in item:
            _name_bytes(name)
    if size > MAX_ITEM_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    return {**item, **changed} if changed else item, size


def checked(value: Any, depth: int = 1) -> tuple[Value, int]:
    """A typed value as it is stored and its size in bytes."""
    if type(value) is not dict:
        raise unreadable("Unexpected value type in payload")
    present = [kind for kind, payload in value.items() if payload is not None]
    if not present or present[0] not in _CHECKS:
        raise invalid(_EMPTY)
    if len(present) > 1:
        raise invalid(SEVERAL)
    if depth > MAX_DEPTH:
        raise invalid("Nesting Levels have exceeded supported limits")
    kind = present[0]
    payload = value[kind]
    stored, size = _CHECKS[kind](payload, depth)
    return (value if stored is payload and len(value) == 1 else {kind: stored}), size


def binary_bytes(text: str) -> int:
    """The number of bytes behind a base64 text that has been checked."""
    return len(text) // 4 * 3 - text.count("=", -2)


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _name_bytes(name: str) -> int:
    size = _text_bytes(name)
    if size > MAX_NAME_BYTES:
        raise invalid_parameter("Attribute name is too large, must be less than 65536 bytes")
    return size


def _nameless() -> Exception:
    return invalid_parameter("Attribute name must not be empty")


def _string(payload: Any, _depth: int) -> tuple[str, int]:
    if type(payload) is not str:
        raise unreadable(_not_text(payload))
    return payload, _text_bytes(payload)


def _number(payload: Any, _depth: int) -> tuple[str, int]:
    if type(payload) is not str:
        raise unreadable(_not_text(payload))
    stored, size = canonical(payload)
    return (payload if stored == payload else stored), size


def _binary(payload: Any, _depth: int) -> tuple[str, int]:
    if type(payload) is not str:
        raise unreadable("only base-64-encoded strings are convertible to bytes")
    if len(payload) % 4:
        raise unreadable(f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(payload)}")
    try:
        raw = b64decode(payload, validate=True)
    except (Base64Error, ValueError):
        raise unreadable("Invalid Base64 character detected") from None
    if b64encode(raw).decode() != payload:
        raise unreadable("Invalid last non-pad Base64 character dectected")  # The service's own spelling.
    return payload, len(raw)


def _boolean(payload: Any, _depth: int) -> tuple[bool, int]:
    if type(payload) is not bool:
        raise unreadable("Unexpected token received from parser")
    return payload, 1


def _null(payload: Any, _depth: int) -> tuple[bool, int]:
    if type(payload) is not bool:
        raise unreadable("Unexpected token received from parser")
    if not payload:
        raise invalid_parameter("Null attribute value types must have the value of true")
    return payload, 1


def _set(kind: str, payload: Any) -> tuple[list[str], int]:
    if type(payload) is not list:
        raise unreadable("Unexpected field type")
    if not payload:
        raise invalid_parameter(_SET_NOUNS.get(kind, "Binary sets should not be empty"))
    check = {"SS": _string, "NS": _number, "BS": _binary}[kind]
    members = [check(member, 0) for member in payload]
    stored = [member for member, _ in members]
    if len(set(stored)) < len(stored):
        listed = "[" + ", ".join(payload) + "]"
        if kind == "NS":
            raise invalid("Input collection contains duplicates")
        raise invalid_parameter(
            f"Input collection {listed} contains duplicates."
            if kind == "SS"
            else f"Input collection {listed}of type BS contains duplicates."
        )
    return (payload if stored == payload else stored), sum(size for _, size in members)


def _list(payload: Any, depth: int) -> tuple[list[Value], int]:
    if type(payload) is not list:
        raise unreadable("Unexpected field type")
    members = [checked(member, depth + 1) for member in payload]
    stored = [member for member, _ in members]
    same = all(new is old for new, old in zip(stored, payload, strict=True))
    return (payload if same else stored), 3 + sum(1 + size for _, size in members)


def _map(payload: Any, depth: int) -> tuple[Item, int]:
    if type(payload) is not dict:
        raise unreadable("Unexpected field type")
    if "" in payload:
        raise _nameless()
    members = {name: checked(member, depth + 1) for name, member in payload.items()}
    same = all(members[name][0] is payload[name] for name in payload)
    size = 3 + sum(1 + _name_bytes(name) + value_size for name, (_, value_size) in members.items())
    return (payload if same else {name: stored for name, (stored, _) in members.items()}), size


def _not_text(payload: Any) -> str:
    match payload:
        case bool():
            return f"{'TRUE_VALUE' if payload else 'FALSE_VALUE'} cannot be converted to String"
        case int():
            return "NUMBER_VALUE cannot be converted to String"
        case float():
            return "DECIMAL_VALUE cannot be converted to String"
        case list():
            return "Unrecognized collection type class java.lang.String"
        case _:
            return "Start of structure or map found where not expected"


_CHECKS = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "SS": lambda payload, _depth: _set("SS", payload),
    "NS": lambda payload, _depth: _set("NS", payload),
    "BS": lambda payload, _depth: _set("BS", payload),
    "L": _list,
    "M": _map,
}
