"""Keys of items: when two are the same.

Equality is on canonical texts: numbers by value, binary by its bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from asyncloader.encode import numbers
from asyncloader.values.schema import KeyAttribute, KeyType

ItemKey = tuple[str, ...]
"""The canonical texts of an item's key attributes."""

CANONICAL_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"


def canonical_base64(text: str) -> str:
    """One text for all spellings of the same bytes."""
    return base64.b64encode(base64.b64decode(text)).decode()


def canonical_text(kind: KeyType, text: str) -> str:
    """The canonical text of one valid key value."""
    if kind == "S":
        return text
    return numbers.canonical(text) if kind == "N" else canonical_base64(text)


def key_of(item: Mapping[str, Mapping[str, Any]], key: tuple[KeyAttribute, ...]) -> ItemKey:
    """The canonical key of an item in DynamoDB JSON, as the service may spell it."""
    return tuple(canonical_text(attribute.type, item[attribute.name][attribute.type]) for attribute in key)
