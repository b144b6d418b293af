"""One Python dict → one request of a BatchWriteItem call: its JSON, its size, its key.

Values are what boto3's resource layer takes (str, int, Decimal, bytes, bool, None, set, list, dict, and floats by
their shortest exact text), or DynamoDB JSON. Every rule that DynamoDB would enforce is checked here (DYNAMODB.md:
Values, Limits), so that one bad item costs nobody else anything.

An item of flat attributes is encoded in one loop by the exact types of its values. Whatever is rarer goes through
`typed`; whatever breaks a rule is looked at once more, to name the attribute that is to blame.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from asyncloader.encode import numbers
from asyncloader.encode.keys import ItemKey
from asyncloader.encode.raw import checked
from asyncloader.encode.values import MAX_NAME_BYTES, Typed, ValueRefused, typed
from asyncloader.values.errors import ItemRejected
from asyncloader.values.schema import ITEM_BYTES, KeyType, Table

Encoded = tuple[bytes, int, ItemKey]
"""`{"PutRequest":{"Item":{…}}}` or `{"DeleteRequest":{"Key":{…}}}`, the size in bytes as DynamoDB counts it, the key."""

_PUT, _DELETE, _END = b'{"PutRequest":{"Item":', b'{"DeleteRequest":{"Key":', b"}}"
_TRUE, _FALSE, _NULL = {"BOOL": True}, {"BOOL": False}, {"NULL": True}
_EASY_INTEGER = 10**38
"""An integer below it has no more digits than DynamoDB keeps."""
_EASY_TEXT = 38
"""So has a plain number whose text is no longer."""
_NAMES_KNOWN = 4096


class ItemEncoder:
    """Encodes the items of one table; `raw` takes DynamoDB JSON instead of Python values."""

    def __init__(self, table: Table, *, raw: bool = False) -> None:
        self._value: Callable[[object], tuple[Typed, int]] = checked if raw else typed
        self._raw = raw
        self._key = tuple((each.name, each.type) for each in table.key)
        self._name, self._kind = self._key[0]
        self._is_text = len(self._key) == 1 and self._kind == "S"
        self._easy_key = (table.key_limit(self._name) or 0) // 4
        self._names = frozenset(name for name, _ in self._key)
        self._limits = {name: table.key_limit(name) or 0 for name in table.typed}
        self._index_keys = tuple((each.name, each.type) for each in table.index_keys)
        self._name_sizes: dict[str, int] = {}

    def put(self, item: Mapping[str, Any]) -> Encoded:
        """The request that stores `item`; raises `ItemRejected`."""
        try:
            attributes, size = self._typed(item) if self._raw else self._flat(item)
            # The usual key by the shortest way: one text, not empty, too short to be too long.
            text = attributes[self._name].get("S") if self._is_text and self._name in attributes else None
            key = (text,) if text and len(text) <= self._easy_key else self._key_of(attributes)
            if self._index_keys or size > ITEM_BYTES:
                self._check_limits(attributes, size)
        except (ValueRefused, UnicodeEncodeError, TypeError, AttributeError) as error:
            raise self._rejected(item, error) from None
        return _PUT + orjson.dumps(attributes) + _END, size, key

    def delete(self, key: Mapping[str, Any]) -> Encoded:
        """The request that deletes the item with this key; raises `ItemRejected`."""
        try:
            attributes, size = self._typed(key)
            found = self._key_of(attributes)
            if len(attributes) != len(self._key):
                self._refuse_others(attributes)
        except (ValueRefused, UnicodeEncodeError, TypeError, AttributeError) as error:
            raise self._rejected(key, error) from None
        return _DELETE + orjson.dumps(attributes) + _END, size, found

    def _flat(self, item: Mapping[str, Any]) -> tuple[Typed, int]:
        """The attributes in DynamoDB JSON and the size of the item, by the exact types of its values."""
        out: Typed = {}
        size = 0
        name_sizes = self._name_sizes
        for name, value in item.items():
            try:
                size += name_sizes[name]
            except (KeyError, TypeError):
                size += self._name_size(name)
            kind = type(value)
            if kind is str:
                out[name] = {"S": value}
                size += len(value) if value.isascii() else len(value.encode())
            elif kind is int and -_EASY_INTEGER < value < _EASY_INTEGER:
                text = str(value)
                out[name] = {"N": text}
                size += (len(text.strip("-0")) + 3) // 2 + (value < 0)
            elif kind is bool:
                out[name] = _TRUE if value else _FALSE
                size += 1
            elif value is None:
                out[name] = _NULL
                size += 1
            elif kind is Decimal and value.is_finite() and len(text := str(value)) <= _EASY_TEXT and "E" not in text:
                out[name] = {"N": text}
                size += (len(text.replace(".", "").strip("-0")) + 3) // 2 + (value < 0)
            elif kind is float and "e" not in (text := repr(value)) and "n" not in text:
                # Neither an exponent nor infinite nor no number.
                out[name] = {"N": text}
                size += (len(text.replace(".", "").strip("-0")) + 3) // 2 + (value < 0)
            elif kind is bytes:
                out[name] = {"B": b2a_base64(value, newline=False).decode()}
                size += len(value)
            else:
                out[name], value_size = typed(value)
                size += value_size
        return out, size

    def _typed(self, item: Mapping[str, Any]) -> tuple[Typed, int]:
        """The same, slowly, for any item; the error names the attribute."""
        out: Typed = {}
        size = 0
        for name, value in item.items():
            size += self._name_size(name)
            try:
                out[name], value_size = self._value(value)
            except ValueRefused as error:
                raise ValueRefused(f"{name}: {error}") from None
            size += value_size
        return out, size

    def _name_size(self, name: object) -> int:
        if not isinstance(name, str):
            raise ValueRefused(f"has the attribute name {name!r}, which is no string")
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            raise ValueRefused(
                "has an attribute name with half of a surrogate pair, which is no Unicode text"
            ) from None
        if not 0 < size <= MAX_NAME_BYTES:
            raise ValueRefused(f"has an attribute name of {size} bytes; DynamoDB takes 1 to {MAX_NAME_BYTES}")
        if len(self._name_sizes) < _NAMES_KNOWN:
            self._name_sizes[name] = size
        return size

    def _check_limits(self, attributes: Typed, size: int) -> None:
        for name, kind in self._index_keys:
            if name in attributes:
                self._checked_key(name, kind, attributes[name])
        if size > ITEM_BYTES:
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
        reason = str(error)
        try:
            self._typed(item)
        except ValueRefused as refused:
            reason = str(refused)
        except (UnicodeEncodeError, TypeError, AttributeError) as odd:
            reason = f"cannot be encoded: {odd}"
        key = {name: item[name] for name, _ in self._key if name in item}
        return ItemRejected(reason, key=key or None)
