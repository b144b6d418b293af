"""Single values: what is taken, what is refused, and why."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary

from asyncloader.encode.values import ValueRefused, decode_base64, from_json, typed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", {"S": ""}),
        (b"", {"B": ""}),
        (memoryview(b"a"), {"B": "YQ=="}),
        (Binary(bytearray(b"a")), {"B": "YQ=="}),
        ({Binary(b"a")}, {"BS": ["YQ=="]}),
        ({b""}, {"BS": [""]}),
        ({""}, {"SS": [""]}),
        (True, {"BOOL": True}),
        (None, {"NULL": True}),
        (0.1, {"N": "0.1"}),
        (1e22, {"N": "1E+22"}),
        (-0.0, {"N": "-0.0"}),
        (10**125, {"N": "1" + "0" * 125}),
        ((), {"L": []}),
        ({}, {"M": {}}),
    ],
)
def test_a_value_has_its_type_by_what_it_is(value: Any, expected: dict[str, Any]) -> None:
    assert typed(value)[0] == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (set(), "is a set that is empty"),
        ({1, "a"}, "members are not all strings"),
        ({True}, "members are not all"),
        (float("nan"), "is nan, which is no DynamoDB number"),
        (Decimal("Infinity"), "is Infinity, which is no DynamoDB number"),
        (Decimal("NaN"), "is NaN"),
        (10**126, "out of the range"),
        (10**38 + 1, "39 significant digits"),
        (5e-324, "out of the range"),
        ("\ud800", "half of a surrogate pair"),
        ({"\ud800": 1}, "half of a surrogate pair"),
        ({"a": ["\udfff"]}, "half of a surrogate pair"),
        ({1: "a"}, "has the key 1, which is no string"),
        ({"": 1}, "has a name of 0 bytes"),
        ({"n" * 65_536: 1}, "has a name of 65536 bytes"),
        (datetime.date(2024, 1, 1), "is of type date, which DynamoDB has no type for"),
        (object, "is of type type"),
    ],
)
def test_what_dynamodb_cannot_store_is_refused_with_its_reason(value: Any, reason: str) -> None:
    with pytest.raises(ValueRefused, match=reason):
        typed(value)


def test_an_integer_too_long_for_python_to_print_is_refused_like_any_other() -> None:
    for value in (10**5000, -(10**5000)):
        with pytest.raises(ValueRefused, match="out of the range"):
            typed(value)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_a_value_stands_in_31_lists_or_maps_at_most(wrap: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(31):
        value = wrap(value)
    typed(value)
    with pytest.raises(ValueRefused, match="nested deeper than 32 levels"):
        typed(wrap(value))


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("SS", "[]", "is an empty set"),
        ("SS", '["a", "a"]', "holds a member twice"),
        ("SS", "[1]", "holds .*, which is no string"),
        ("SS", '{"a": 1}', "is not a JSON array, which type SS takes"),
        ("NS", '[1, "1.0"]', "holds a member twice"),
        ("NS", '["x"]', "'x' is not a number"),
        ("NS", "[true]", "holds true, which is no number"),
        ("BS", '["QQ"]', "is not base64"),
        ("BS", '["QQ==", "QR=="]', "holds a member twice"),
        ("L", "{}", "is not a JSON array, which type L takes"),
        ("L", "[NaN]", "NaN is no JSON number"),
        ("L", "[1e200]", "out of the range"),
        ("L", "[1", "is not JSON"),
        pytest.param("L", "[" * 100_000, "is not JSON", id="brackets"),
        ("M", "[]", "is not a JSON object, which type M takes"),
        ("M", '{"a": 1, "b": 2, "a": 3}', "the name 'a' stands twice in one object"),
        ("M", '{"x": [{"a": 1, "a": 1}]}', "the name 'a' stands twice in one object"),
    ],
)
def test_a_cell_that_is_no_document_of_its_type_is_refused(kind: str, text: str, reason: str) -> None:
    with pytest.raises(ValueRefused, match=reason):
        from_json(kind, text)


def test_numbers_inside_documents_pass_through_no_float() -> None:
    text = "[0.1000000000000000000000000000000000001, 12345678901234567890123456789012345678, 1E-130]"
    assert [member["N"] for member in from_json("L", text)[0]["L"]] == [
        "0.1000000000000000000000000000000000001",
        "12345678901234567890123456789012345678",
        "1E-130",
    ]


def test_a_set_of_numbers_may_be_written_as_numbers_or_as_texts() -> None:
    assert from_json("NS", '[1, "2.50", 3e0]')[0] == {"NS": ["1", "2.50", "3"]}


def test_bytes_are_sent_in_the_one_spelling_that_dynamodb_takes() -> None:
    """The spare bits of the last letter must be 0 there."""
    assert from_json("BS", '["QR=="]')[0] == {"BS": ["QQ=="]}
    assert decode_base64("QR==") == b"A"


@pytest.mark.parametrize("text", ["QQ", "Q===", "QQ==QQ==", "Q Q=", "QQ==\n", "é", "_-_-"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueRefused, match="is not base64"):
        decode_base64(text)
