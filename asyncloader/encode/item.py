"""One Python dict → one request of a BatchWriteItem call: its JSON, its size, its key.

Values are what boto3's resource layer takes (str, int, Decimal, bytes, bool, None, set, list, dict, and floats by
their shortest exact text), or DynamoDB JSON. Every rule that DynamoDB would enforce is checked here
(docs/dynamodb.md#values, docs/dynamodb.md#item-size, docs/dynamodb.md#keys), so that one bad item does not fail the others of its request.

An item is encoded in one loop by the exact types of its values; whatever is rarer goes through `typed`. A short item
costs one WCU and is within every limit of length, so nothing is measured. Any other is gone through once more to be
measured, and one that breaks a rule to name the attribute that is to blame.
"""

from __future__ import annotations

import base64
import json
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from typing import Any

import orjson

from asyncloader.encode import numbers
from asyncloader.encode.dynamodb_json import checked
from asyncloader.encode.keys import ItemKey
from asyncloader.encode.values import Typed, ValueRefused, typed
from asyncloader.values.dynamodb import ITEM_BYTES, MAX_DIGITS, MAX_NAME_BYTES, WCU_BYTES
from asyncloader.values.errors import ItemRejected
from asyncloader.values.schema import KeyType, Table

Encoded = tuple[bytes, int, ItemKey]
"""`{"PutRequest":{"Item":{…}}}` or `{"DeleteRequest":{"Key":{…}}}`, its size, the key.

The size is in bytes as DynamoDB counts them; of an item of up to one KB it is only a bound, which costs the same.
"""

_PUT, _DELETE, _END = b'{"PutRequest":{"Item":', b'{"DeleteRequest":{"Key":', b"}}"
_TRUE, _FALSE, _NULL = {"BOOL": True}, {"BOOL": False}, {"NULL": True}


class ItemEncoder:
    """Encodes the items of one table; `raw` takes DynamoDB JSON instead of Python values."""

    def __init__(self, table: Table, *, raw: bool = False) -> None:
        self._value: Callable[[object], tuple[Typed, int]] = checked if raw else typed
        self._raw = raw
        self._key = tuple((attribute.name, attribute.type) for attribute in table.key)
        self._name, self._kind = self._key[0]
        self._is_text = len(self._key) == 1 and self._kind == "S"
        self._easy_key = (table.key_limit(self._name) or 0) // 4
        self._names = frozenset(name for name, _ in self._key)
        self._limits = {name: table.key_limit(name) or 0 for name in table.typed}
        self._index_keys = tuple((attribute.name, attribute.type) for attribute in table.index_keys)

    def put(self, item: Mapping[str, Any]) -> Encoded:
        """The request that stores `item`; raises `ItemRejected`."""
        if self._raw:
            return self._put_carefully(item)
        try:
            attributes = self._flat(item)
            body = _PUT + orjson.dumps(attributes) + _END
            # The usual key by the shortest way: one text, not empty, too short to be too long.
            text = attributes[self._name].get("S") if self._is_text else None
            key = (text,) if text and len(text) <= self._easy_key else self._key_of(attributes)
            for name, kind in self._index_keys:
                if name in attributes:
                    self._checked_key(name, kind, attributes[name])
        except Exception:  # whatever an item may hold, the careful way names the reason
            return self._put_carefully(item)
        if len(body) > WCU_BYTES or "" in attributes:
            return self._put_carefully(item)
        # The JSON is always longer than the item that it encodes.
        return body, len(body), key

    def delete(self, key: Mapping[str, Any]) -> Encoded:
        """The request that deletes the item with this key; raises `ItemRejected`."""
        try:
            attributes, size = self._typed(key)
            item_key = self._key_of(attributes)
            if len(attributes) != len(self._key):
                self._refuse_others(attributes)
            return _DELETE + orjson.dumps(attributes) + _END, size, item_key
        except Exception as error:
            raise self._rejected(key, error) from (None if isinstance(error, ValueRefused) else error)

    @staticmethod
    def _flat(item: Mapping[str, Any]) -> Typed:
        """The attributes in DynamoDB JSON, by the exact types of their values; names are not looked at."""
        out: Typed = {}
        for name, value in item.items():
            kind = type(value)
            if kind is str:
                out[name] = {"S": value}
            elif kind is int:
                text = str(value)
                out[name] = {"N": text} if len(text) <= MAX_DIGITS else typed(value)[0]
            elif kind is bool:
                out[name] = _TRUE if value else _FALSE
            elif value is None:
                out[name] = _NULL
            elif kind is Decimal:
                text = str(value)
                easy = len(text) <= MAX_DIGITS and "E" not in text and value.is_finite()
                out[name] = {"N": text} if easy else typed(value)[0]
            elif kind is float:
                text = repr(value)
                # Neither an exponent nor infinite nor no number.
                out[name] = {"N": text} if "e" not in text and "n" not in text else typed(value)[0]
            elif kind is bytes:
                out[name] = {"B": b2a_base64(value, newline=False).decode()}
            else:
                out[name] = typed(value)[0]
        return out

    def _typed(self, item: Mapping[str, Any]) -> tuple[Typed, int]:
        """The same of any item, with its size; the error names the attribute."""
        out: Typed = {}
        size = 0
        for name, value in item.items():
            size += _name_size(name)
            try:
                out[str.__str__(name)], value_size = self._value(value)
            except ValueRefused as error:
                raise ValueRefused(f"{name}: {error}") from None
            size += value_size
        return out, size

    def _put_carefully(self, item: Mapping[str, Any]) -> Encoded:
        """The same for any item, measured; the reason names the attribute that is to blame."""
        try:
            attributes, size = self._typed(item)
            key = self._key_of(attributes)
            for name, kind in self._index_keys:
                if name in attributes:
                    self._checked_key(name, kind, attributes[name])
            if size > ITEM_BYTES:
                self._refuse_size(size)
            return _PUT + orjson.dumps(attributes) + _END, size, key
        except Exception as error:
            raise self._rejected(item, error) from (None if isinstance(error, ValueRefused) else error)

    @staticmethod
    def _refuse_size(size: int) -> None:
        raise ValueRefused(f"the item has {size} bytes; DynamoDB allows {ITEM_BYTES}")

    def _refuse_others(self, attributes: Typed) -> None:
        other = next(name for name in attributes if name not in self._names)
        raise ValueRefused(f"{other}: is no attribute of the key, which is all that a delete takes")

    def _key_of(self, attributes: Typed) -> ItemKey:
        """The canonical key of an item in DynamoDB JSON; raises `ValueRefused` where it is none."""
        if len(self._key) == 1:
            return (self._checked_key(self._name, self._kind, attributes.get(self._name)),)
        return tuple([self._checked_key(name, kind, attributes.get(name)) for name, kind in self._key])

    def _checked_key(self, name: str, kind: KeyType, value: Typed | None) -> str:
        if value is None:
            raise ValueRefused(f"{name}: the key is missing")
        text: str | None = value.get(kind)
        if text is None:
            raise ValueRefused(f"{name}: the key is of type {next(iter(value))}; the table wants {kind}")
        if kind == "N":
            return text if text.isdecimal() and text[0] != "0" else numbers.canonical(text)
        if not text:
            raise ValueRefused(f"{name}: the key is empty")
        limit = self._limits[name]
        if len(text) * 4 > limit:
            size = len(text.encode()) if kind == "S" else len(text) * 3 // 4 - text.count("=", -2)
            if size > limit:
                raise ValueRefused(f"{name}: the key has {size} bytes; DynamoDB allows {limit}")
        return text

    def _rejected(self, item: object, error: Exception) -> ItemRejected:
        """The error for an item that cannot be sent, with its key if it has one."""
        if not isinstance(item, Mapping):
            return ItemRejected(f"is of type {type(item).__name__}; an item is a dict")
        reason = (
            str(error) if isinstance(error, ValueRefused) else f"cannot be encoded: {type(error).__name__}: {error}"
        )
        key = {name: item[name] for name, _ in self._key if name in item}
        return ItemRejected(reason, key=key or None)


def _name_size(name: object) -> int:
    if not isinstance(name, str):
        raise ValueRefused(f"has the attribute name {name!r}, which is no string")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueRefused("has an attribute name with half of a surrogate pair, which is no Unicode text") from None
    if not 0 < size <= MAX_NAME_BYTES:
        raise ValueRefused(f"has an attribute name of {size} bytes; DynamoDB takes 1 to {MAX_NAME_BYTES}")
    return size


_OPEN, _CLOSE = len(b'{"PutRequest":{"Item":'), len(b"}}")


def request_text(encoded: Encoded) -> str:
    """An item that could be encoded, in DynamoDB JSON: every type and every digit as it was sent."""
    return encoded[0][_OPEN:-_CLOSE].decode()


def item_text(item: object) -> str:
    """An item that could not be encoded, in JSON as near as there is: sets as arrays, bytes as base64, the rest as text."""
    try:
        return json.dumps(item, ensure_ascii=False, default=_shown)
    except (TypeError, ValueError, RecursionError):  # names that are no strings, circles
        try:
            return repr(item)
        except Exception as error:  # a stranger's own `__repr__`
            return f"<{type(item).__name__}: {error}>"


def _shown(value: object) -> object:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Set) else str(value)
