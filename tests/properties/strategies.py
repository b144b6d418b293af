"""What the properties are tried on."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from asyncloader.values.dialect import Dialect
from asyncloader.values.schema import AttributeType, KeyType

# Texts and dialects of CSV

RFC4180 = Dialect()

unescaped_dialects = st.sampled_from(
    [
        RFC4180,
        Dialect(delimiter=";"),
        Dialect(delimiter="\t"),
        Dialect(delimiter="|", quote="'"),
        Dialect(delimiter=" "),
        Dialect(delimiter="\x1f"),
        Dialect(delimiter="^", quote="]"),
        Dialect(delimiter='"', quote="'"),
        Dialect(delimiter="-", quote="\\"),
        Dialect(quote=None),
    ]
)
escaped_dialects = st.sampled_from(
    [
        Dialect(escape="\\"),
        Dialect(escape="\\", quote=None),
        Dialect(delimiter="|", quote="'", escape="^"),
        Dialect(delimiter="\\", quote='"', escape="-"),
    ]
)
dialects = st.one_of(unescaped_dialects, escaped_dialects)

_FRAGMENTS = (
    *("\n",) * 4,
    *("\r\n",) * 2,
    *("\r", "\n\n", " ", "  ", "a", "bc", "x y", "1", "é", "€", "😀", "\ufeff", "\u2028", "\x85"),
    *("\0", "\x0b", "\x0c", "\x1c", "\t", "NULL", "n/a", '"', "'", "\\", ",", ";"),
)


@st.composite
def csv_texts(draw: st.DrawFn, dialect: Dialect, *, max_fragments: int = 40) -> bytes:
    """Text made of what matters to a CSV parser, in any order: well formed or not, but UTF-8."""
    fragments = [*_FRAGMENTS, *[dialect.delimiter] * 6]
    if dialect.quote:
        fragments += [dialect.quote] * 6 + [dialect.quote * 2] * 2 + [dialect.delimiter + dialect.quote] * 2
    if dialect.escape:
        fragments += [dialect.escape] * 6
    return "".join(draw(st.lists(st.sampled_from(fragments), max_size=max_fragments))).encode()


@st.composite
def csv_sources(draw: st.DrawFn) -> tuple[Dialect, bytes]:
    """A dialect and a text for it."""
    dialect = draw(dialects)
    return dialect, draw(csv_texts(dialect))


@st.composite
def broken_csv_sources(draw: st.DrawFn) -> tuple[Dialect, bytes]:
    """The same, with a few bytes in it that are no UTF-8."""
    dialect, data = draw(csv_sources())
    for broken in draw(st.lists(st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5", b"\x80"]), max_size=2)):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + broken + data[at:]
    return dialect, data


@st.composite
def long_csv_texts(draw: st.DrawFn) -> bytes:
    """Hundreds of rows with long cells, a few of them odd: parsers have other ways for many and for long cells."""
    cell = st.sampled_from(
        [
            *("", "x", "plain", "a somewhat longer text of letters only " * 3, "ünïcödé " * 9),
            *('"quoted, with a comma"', '"two\nlines"', '"say ""hi"""', '5" pipe', '"a"b"c"', " padded ", "a\0b"),
        ]
    )
    rows = draw(st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=8))
    odd = draw(st.sampled_from(["", "too,few\n", "one,too,many,cells\n", "\n", "\r\r", '"open']))
    lines = "".join(",".join(row) + "\n" for row in rows)
    return (lines * draw(st.integers(1, 60)) + odd + lines).encode()


chunk_sizes = st.lists(st.integers(1, 30), min_size=1, max_size=8)
block_sizes = st.one_of(st.integers(1, 12), st.integers(13, 300))


# Values of DynamoDB

_AWKWARD_CHARACTERS = '"\\/\b\f\n\r\t\0\x01\x1f\x7f\x80\u2028\u2029\ufeff\uffff\U0001f600\U0010ffffaé€ ,{}[]:'
texts = st.text(st.one_of(st.sampled_from(_AWKWARD_CHARACTERS), st.characters(codec="utf-8")), max_size=20)
filled_texts = texts.filter(bool)


@st.composite
def numbers(draw: st.DrawFn, *, lowest: int = -130, highest: int = 125) -> str:
    """A number that DynamoDB takes, in one of its many spellings; `lowest` and `highest` bound its magnitude."""
    digits = str(draw(st.one_of(st.integers(0, 999), st.integers(0, 10**38 - 1))))
    sign = draw(st.sampled_from(["", "", "-", "+"]))
    if set(digits) == {"0"}:
        return sign + draw(st.sampled_from(["0", "0.0", "00", "0e0", ".0"]))
    magnitude = draw(st.one_of(st.integers(-3, 40), st.integers(lowest, highest)))
    point = magnitude + 1
    spelling = draw(st.sampled_from(["plain", "plain", "exponent", "bare point", "led by zeros"]))
    if spelling == "exponent":
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}{draw(st.sampled_from('eE'))}{magnitude:+d}"
    if point <= 0:
        text = "." + "0" * -point + digits
    elif point >= len(digits):
        text = digits + "0" * (point - len(digits)) + ("." if spelling == "bare point" else "")
    else:
        text = digits[:point] + "." + digits[point:]
    if text.startswith(".") and spelling != "bare point":
        text = "0" + text
    return sign + ("00" + text if spelling == "led by zeros" else text)


base64_texts = st.binary(max_size=12).map(lambda raw: base64.b64encode(raw).decode())

_scalars: st.SearchStrategy[Any] = st.one_of(
    texts,
    st.booleans(),
    st.none(),
    st.integers(-(10**38) + 1, 10**38 - 1),
    numbers(lowest=-60, highest=37).map(Decimal).filter(lambda number: len(number.as_tuple().digits) <= 38),
)
_member_names = st.text(max_size=6).filter(bool)
json_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda members: st.one_of(st.lists(members, max_size=4), st.dictionaries(_member_names, members, max_size=4)),
    max_leaves=10,
)
"""What JSON can hold, with exact numbers."""

_sets: st.SearchStrategy[Any] = st.one_of(
    st.frozensets(texts, min_size=1, max_size=5),
    st.frozensets(st.integers(-(10**38) + 1, 10**38 - 1), min_size=1, max_size=5),
    st.frozensets(st.binary(max_size=8), min_size=1, max_size=5),
)
python_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(_scalars, st.binary(max_size=12), st.binary(max_size=12).map(bytearray), _sets, _sets.map(set)),
    lambda members: st.one_of(
        st.lists(members, max_size=4),
        st.lists(members, max_size=4).map(tuple),
        st.dictionaries(_member_names, members, max_size=4),
    ),
    max_leaves=12,
)
"""What boto3's resource layer takes."""


def exact_json(value: object) -> str:
    """JSON text of a value; a Decimal has all its digits."""
    match value:
        case Mapping():
            return "{" + ",".join(f"{json.dumps(name)}:{exact_json(member)}" for name, member in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(exact_json, value)) + "]"
        case Decimal():
            return str(value)
        case _:
            return json.dumps(value)


# Cells: the text of one value of a column, and whether it is a value of the column's type


@dataclass(frozen=True)
class Cell:
    """A cell of a column; an empty one has no text."""

    text: str | None
    valid: bool = True


# boto3 refuses the smallest ones.
_boto3_numbers = numbers(lowest=-80)
_members = st.lists(texts, min_size=1, max_size=4, unique=True)
_number_members = st.lists(
    st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), _boto3_numbers), min_size=1, max_size=4, unique_by=Decimal
)

_VALID: dict[AttributeType, st.SearchStrategy[str]] = {
    "S": filled_texts,
    "N": _boto3_numbers,
    "BOOL": st.sampled_from(["true", "false", "True", "FALSE", "tRuE"]),
    "NULL": st.sampled_from(["null", "NULL", "true", "Null"]),
    "B": base64_texts.filter(bool),
    "SS": _members.map(json.dumps),
    "NS": _number_members.map(json.dumps),
    "BS": st.lists(st.binary(max_size=6), min_size=1, max_size=4, unique=True).map(
        lambda raws: json.dumps([base64.b64encode(raw).decode() for raw in raws])
    ),
    "L": st.lists(json_values, max_size=4).map(exact_json),
    "M": st.dictionaries(_member_names, json_values, max_size=4).map(exact_json),
}
_INVALID: dict[AttributeType, tuple[str, ...]] = {
    "S": (),
    "N": ("x", " 1", "1 ", "1,5", "0x1F", "NaN", "Infinity", "-", ".", "1e", "٣", "9" * 39, "1e126", "1e-131", "--1"),
    "BOOL": ("yes", "1", "0", " true", "tru", "t", "TRUE "),
    "NULL": ("nil", "false", "0", "none", " null"),
    "B": ("QQ", "QQ=", "Q===", "Q Q=", "QQ==QQ==", "_-_-", "é===", "QQ==\n"),
    "SS": ("[]", "{}", "[1]", '["a","a"]', '"a"', "x", "[", '["\\ud800"]', "[null]"),
    "NS": ("[]", '["a"]', '[1,"1.0"]', "[true]", "[1e126]", "[NaN]", "7", f"[{'9' * 39}]"),
    "BS": ("[]", '["QQ"]', '["QQ==","QR=="]', "[1]", '["é==="]'),
    "L": ("{}", "x", "[1", "[NaN]", "[1e999]", '["\\udc00"]', "[" * 33 + "]" * 33, "null"),
    "M": ("[]", '{"a"}', "x", '{"a":Infinity}', '{"":1}', '{"a":1,"a":2}', '{"\\ud800":1}', "{1:2}"),
}

attribute_types: st.SearchStrategy[AttributeType] = st.sampled_from(list(_VALID))
key_types: st.SearchStrategy[KeyType] = st.sampled_from(["S", "N", "B"])


def cells(kind: AttributeType) -> st.SearchStrategy[Cell]:
    """Cells of a column of type `kind`: mostly values, now and then empty or no value of that type."""
    valid = _VALID[kind].map(Cell)
    choices = [valid, valid, valid, st.just(Cell(None))]
    if _INVALID[kind]:
        choices.append(st.sampled_from(_INVALID[kind]).map(lambda text: Cell(text, valid=False)))
    return st.one_of(choices)


def valid_cells(kind: AttributeType) -> st.SearchStrategy[str]:
    """Texts of values of one type."""
    return _VALID[kind]


_FEW_KEYS: dict[KeyType, tuple[str, ...]] = {
    "S": ("a", "b", "a ", "A", "é", "e\u0301", "a\0", "\0"),
    "N": ("1", "1.0", "01", "1e0", "+1", "10e-1", "-1", "0", "-0", "0.0", "10", "1e1", "1e125", "1" + "0" * 125),
    "B": ("QQ==", "QR==", "QQA=", "QQB=", "QUI=", "AA=="),
}


def key_cells(kind: KeyType) -> st.SearchStrategy[Cell]:
    """Key cells from so few values that they repeat, some of them in several spellings; now and then empty."""
    few = st.sampled_from(_FEW_KEYS[kind]).map(Cell)
    choices = [few, few, few, few, st.just(Cell(None))]
    if _INVALID[kind]:
        choices.append(st.sampled_from(_INVALID[kind]).map(lambda text: Cell(text, valid=False)))
    return st.one_of(choices)


def key_texts(kind: KeyType) -> st.SearchStrategy[str]:
    """Valid key values, often equal and often nearly so."""
    return st.one_of(st.sampled_from(_FEW_KEYS[kind]), _VALID[kind])


column_names = st.one_of(
    st.sampled_from(["name", 'na"me', "na\\me", "né", "{0}", "%s", "N", "PutRequest", "\n", "😀", "a b"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
)
