"""The number type: its syntax, its range, the form in which it is stored, and its size."""

from __future__ import annotations

import re
from functools import lru_cache

from .errors import invalid

_SYNTAX = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?)([0-9]+))?")
_MAX_DIGITS = 38
_MAX_EXPONENT = 125
_MIN_EXPONENT = -130
_ZERO = ("0", 1)

_NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
_UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
_TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"


@lru_cache(maxsize=65536)
def canonical(text: str) -> tuple[str, int]:
    """The stored form of a number ("01.50" → "1.5") and its size in bytes.

    The form is plain notation without leading or trailing zeros, so two texts are the same number exactly
    when their forms are equal.
    """
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise invalid(f"{_NOT_NUMERIC}: {text}" if text else _NOT_NUMERIC)
    sign, whole, fraction, bare_fraction, power_sign, power = match.groups()
    fraction = fraction or bare_fraction or ""
    digits = ((whole or "") + fraction).lstrip("0")
    if not digits:
        return _ZERO
    if len((power or "").lstrip("0")) > 9:
        raise invalid(_UNDERFLOW if power_sign == "-" else _OVERFLOW)
    scale = int(power_sign + power) - len(fraction) if power else -len(fraction)
    magnitude = len(digits) + scale - 1
    if magnitude > _MAX_EXPONENT:
        raise invalid(_OVERFLOW)
    if magnitude < _MIN_EXPONENT:
        raise invalid(_UNDERFLOW)
    significant = digits.rstrip("0")
    if len(significant) > _MAX_DIGITS:
        raise invalid(_TOO_PRECISE)
    negative = sign == "-"
    return ("-" if negative else "") + _plain(significant, magnitude), _size(significant, magnitude, negative)


def _plain(digits: str, magnitude: int) -> str:
    """Plain notation of the significant digits whose first one stands at 10**magnitude."""
    if magnitude < 0:
        return "0." + "0" * (-magnitude - 1) + digits
    whole = magnitude + 1
    if len(digits) <= whole:
        return digits + "0" * (whole - len(digits))
    return f"{digits[:whole]}.{digits[whole:]}"


def _size(digits: str, magnitude: int, negative: bool) -> int:
    """Digits are stored in pairs that start at even powers of ten, beside one byte for the exponent."""
    pairs = (len(digits) + 1) // 2
    straddles = len(digits) % 2 == 0 and magnitude % 2 == 0
    return 1 + pairs + straddles + negative
