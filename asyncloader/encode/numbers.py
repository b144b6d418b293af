"""DynamoDB's numbers: what is one, when two are the same, how many bytes one takes.

At most 38 significant digits; magnitude 1E-130 to 9.99…E+125, or zero (docs/dynamodb.md#values). Nothing passes through
a float.
"""

from __future__ import annotations

import re
from decimal import Decimal

from asyncloader.values.dynamodb import MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


class NumberError(ValueError):
    """A text that DynamoDB would not take as a number; the message is the reason."""


def parse(text: str) -> Decimal:
    """Read a number exactly, without trailing zeros; raises `NumberError`."""
    if not _NUMBER.fullmatch(text):
        raise NumberError(f"{_shown(text)} is not a number")
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent.lstrip("+-0")) > 6:
        if not mantissa.strip("+-0."):
            return Decimal(0)
        raise NumberError(f"{_shown(text)} is out of the range of a DynamoDB number (1E-130 to 9.99E+125)")
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if not digits:
        return Decimal(0)
    if len(digits) > MAX_DIGITS:
        raise NumberError(f"{_shown(text)} has {len(digits)} significant digits; DynamoDB keeps {MAX_DIGITS}")
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise NumberError(f"{_shown(text)} is out of the range of a DynamoDB number (1E-130 to 9.99E+125)")
    return Decimal((number.as_tuple().sign, tuple(map(int, digits)), number.adjusted() - len(digits) + 1))


def wire(text: str) -> str:
    """The text to send for a number: as it is where it is plain, in the common form of its value elsewhere."""
    number = parse(text)
    return text if _PLAIN.fullmatch(text) else str(number)


def canonical(text: str) -> str:
    """One text for all spellings of a value: `01`, `1.0` and `1e0` become `1`."""
    return format(parse(text), "f")


def size(text: str) -> int:
    """Bytes that a number takes in an item: one for every two significant digits, one more, and one for a minus."""
    number = parse(text)
    digits = len(number.as_tuple().digits) if number else 0
    return (digits + 1) // 2 + 1 + (1 if number < 0 else 0)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
