"""Random cells for the soak: a text, and the value that it must become."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

REFUSED = "refused by a rule of the service"
KINDS = ("S", "S", "S", "N", "N", "BOOL", "NULL", "B", "SS", "NS", "BS", "L", "M")
FRAGMENTS = (
    "",
    "a",
    "Zoë",
    " b ",
    '"',
    "'",
    ",",
    ";",
    "\t",
    "|",
    "\\",
    "\n",
    "\r\n",
    "ß",
    "00",
    "x" * 40,
    "€",
    "🦜",
    "\x01",
)
BAD = {"N": "9" * 39, "BOOL": "yes", "NULL": "nil", "B": "@", "M": "[]"}
"""Texts that are no value of a type; of all others `{}` is none."""
Typed = dict[str, Any]
Cell = tuple[str, Typed | None]
"""A cell's text and its value, None for a text that is no value of its type."""


def key(chance: Random, kind: str, number: int) -> Cell:
    """A key; numbers in any spelling of the same value."""
    if kind == "N":
        text = chance.choice([f"{number}", f"0{number}", f"{number}.0", f"{number}e0", f"+{number}"])
        return text, {"N": str(number)}
    if kind == "B":
        raw = base64.b64encode(number.to_bytes(3, "big")).decode()
        return raw, {"B": raw}
    return f"k{number}", {"S": f"k{number}"}


def empty(kind: str, what_becomes: str, *, is_key: bool) -> Cell:
    """An empty cell; the value is `{}` where the attribute is left out."""
    if is_key:
        return "", None
    if what_becomes == "drop":
        return "", {}
    if what_becomes == "null":
        return "", {"NULL": True}
    return "", {kind: ""} if kind in ("S", "B") else None


def value(chance: Random, kind: str, text: str) -> Cell:
    """A cell that is not empty, a good one most of the time; `text` is what a string may be."""
    if kind != "S" and chance.random() < 0.004:
        return BAD.get(kind, "{}"), None
    number, raw = _number(chance), base64.b64encode(chance.randbytes(chance.randrange(1, 9))).decode()
    match kind:
        case "S":
            return (REFUSED, {"S": REFUSED}) if chance.random() < 0.002 else (text, {"S": text})
        case "N":
            return number, {"N": number}
        case "B":
            return raw, {"B": raw}
        case "BOOL":
            truth = chance.random() < 0.5
            return chance.choice([str(truth), str(truth).lower(), str(truth).upper()]), {"BOOL": truth}
        case "NULL":
            return chance.choice(["null", "TRUE"]), {"NULL": True}
        case "SS":
            words = [f"w{each}" for each in chance.sample(range(9), 3)]
            return json.dumps(words), {"SS": words}
        case "NS":
            return "[1, 2.50, 1e3]", {"NS": ["1", "2.50", "1e3"]}
        case "BS":
            return json.dumps([raw, "Zm9vYmFyYmF6IQ=="]), {"BS": [raw, "Zm9vYmFyYmF6IQ=="]}
        case "L":
            members = [{"N": "1.5"}, {"S": raw}, {"NULL": True}, {"M": {"deep": {"BOOL": False}}}]
            return f'[1.5, "{raw}", null, {{"deep": false}}]', {"L": members}
        case _:
            return f'{{"n": 12, "{raw}": [true]}}', {"M": {"n": {"N": "12"}, raw: {"L": [{"BOOL": True}]}}}


def _number(chance: Random) -> str:
    return chance.choice(
        [str(chance.randrange(10**6)), f"-{chance.random()}", "007", "1.50", "1e5", "-0", "+3", "9" * 38, "2E-7"]
    )
