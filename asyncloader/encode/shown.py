"""Items as people are shown them in a reject file: one line of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Set

from asyncloader.encode.item import Encoded

_OPEN, _CLOSE = len(b'{"PutRequest":{"Item":'), len(b"}}")


def shown_request(encoded: Encoded) -> str:
    """An item that could be encoded, in DynamoDB JSON: every type and every digit as it was sent."""
    return encoded[0][_OPEN:-_CLOSE].decode()


def shown_item(item: object) -> str:
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
