"""Single values: DynamoDB JSON as boto3 makes it, with the size that the service counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import assume, example, given
from hypothesis import strategies as st

from asyncloader.encode import numbers
from asyncloader.encode.values import ValueRefused, from_json, typed
from asyncloader.values.schema import AttributeType
from tests.properties import boto3_oracle, strategies
from tests.properties.effort import thorough, usual

DOCUMENTS: list[AttributeType] = ["SS", "NS", "BS", "L", "M"]


@thorough
@given(strategies.python_values)
@example(Binary(b"\0\xff"))
@example({Binary(b"a"), b"b"})
@example({"a": 1, "b": 2}.keys())
def test_a_python_value_is_sent_as_boto3_sends_it(value: Any) -> None:
    (expected,) = boto3_oracle.sent_items([{"attribute": value}])
    assert boto3_oracle.comparable(typed(value)[0]) == boto3_oracle.comparable(expected["attribute"])


@thorough
@given(strategies.python_values)
def test_the_size_of_a_python_value_follows_the_rules_of_dynamodb(value: Any) -> None:
    assert typed(value)[1] == boto3_oracle.size(value)


@usual
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_shortest_text(value: float) -> None:
    """boto3 refuses floats; here the number is the one that Python shows."""
    assume(value == 0 or 1e-130 <= abs(value) <= 9.9e125)
    assert float(typed(value)[0]["N"]) == value
    assert Decimal(typed(value)[0]["N"]) == Decimal(repr(value))


@thorough
@given(st.data(), st.sampled_from(DOCUMENTS))
def test_a_document_cell_is_sent_as_boto3_sends_it(data: st.DataObject, kind: AttributeType) -> None:
    text = data.draw(strategies.valid_cells(kind))
    value = boto3_oracle.python_value(kind, text)
    (expected,) = boto3_oracle.sent_items([{"attribute": value}])
    found, size = from_json(kind, text)
    assert boto3_oracle.comparable(found) == boto3_oracle.comparable(expected["attribute"])
    assert size == boto3_oracle.size(value)


@usual
@given(
    st.sampled_from(DOCUMENTS),
    st.one_of(st.text(max_size=20), strategies.json_values.map(strategies.exact_json)),
)
def test_a_text_is_a_value_of_its_type_or_is_refused(kind: AttributeType, text: str) -> None:
    """Whatever is in a cell: an item of that type comes out, or `ValueRefused`, never another error."""
    with suppress(ValueRefused):
        value, size = from_json(kind, text)
        assert list(value) == [kind]
        assert size >= 0
        json.dumps(value)


@thorough
@given(strategies.numbers())
def test_every_spelling_of_a_number_keeps_its_value_and_digits(text: str) -> None:
    value = Decimal(text)
    assert numbers.parse(text) == value
    assert Decimal(numbers.wire(text)) == value
    assert Decimal(numbers.canonical(text)) == value


@thorough
@given(strategies.numbers())
def test_the_size_of_a_number_counts_its_significant_digits(text: str) -> None:
    assert numbers.size(text) == boto3_oracle.number_size(Decimal(text))


@thorough
@given(st.one_of(strategies.key_texts("N"), strategies.numbers()), strategies.key_texts("N"))
def test_two_numbers_have_one_canonical_text_exactly_when_they_are_equal(one: str, other: str) -> None:
    assert (numbers.canonical(one) == numbers.canonical(other)) == (Decimal(one) == Decimal(other))


@usual
@given(st.integers(1, 60), st.integers(-140, 140), st.sampled_from(["", "-"]))
def test_digits_and_range_decide_what_is_a_number(digits: int, magnitude: int, sign: str) -> None:
    """38 significant digits, magnitude 1E-130 to 9.99…E+125 (docs/dynamodb.md#values)."""
    text = f"{sign}7{'.' if digits > 1 else ''}{'3' * (digits - 1)}E{magnitude}"
    try:
        number: Decimal | None = numbers.parse(text)
    except numbers.NumberError:
        number = None
    assert (number is not None) == (digits <= 38 and -130 <= magnitude <= 125)


@usual
@given(
    st.recursive(st.just(1), lambda inner: st.one_of(st.lists(inner, max_size=1), st.fixed_dictionaries({"a": inner})))
)
def test_nesting_is_counted_from_the_attribute(value: Any) -> None:
    """A value inside 31 lists and maps is the 32nd level, and the last one."""
    depth, inner = 1, value
    while isinstance(inner, list | Mapping) and inner:
        inner = inner[0] if isinstance(inner, list) else inner["a"]
        depth += 1
    for levels in range(32 - depth + 1):
        typed(_nested(value, levels))
    with pytest.raises(ValueRefused):
        typed(_nested(value, 33 - depth))


def _nested(value: Any, levels: int) -> Any:
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value
