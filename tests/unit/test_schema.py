"""The target: types, keys, and the limits of keys."""

from __future__ import annotations

from typing import get_args

import pytest

from asyncloader.values.errors import UsageError
from asyncloader.values.schema import AttributeType, KeyAttribute, Table, attribute_type


@pytest.mark.parametrize("name", get_args(AttributeType))
def test_a_type_may_be_written_in_any_case(name: AttributeType) -> None:
    assert attribute_type(name.lower()) == attribute_type(name) == name


@pytest.mark.parametrize("name", ["", "X", "string", "int", "S "])
def test_what_is_no_type_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(
        UsageError, match=f"'{name}' is not a DynamoDB type; one of S, N, B, BOOL, NULL, SS, NS, BS, L, M"
    ):
        attribute_type(name)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("id", KeyAttribute("id", "S")),
        ("id:S", KeyAttribute("id", "S")),
        ("id:n", KeyAttribute("id", "N")),
        ("id:B", KeyAttribute("id", "B")),
        ("S", KeyAttribute("S", "S")),
        ("urn:id:N", KeyAttribute("urn:id", "N")),
        ("urn:id", KeyAttribute("urn:id", "S")),
        ("id:", KeyAttribute("id:", "S")),
    ],
)
def test_a_key_is_a_name_and_perhaps_a_type(text: str, key: KeyAttribute) -> None:
    assert KeyAttribute.parse(text) == key


@pytest.mark.parametrize("text", ["", ":N"])
def test_a_key_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no key attribute"):
        KeyAttribute.parse(text)


ORDERS = Table(
    "orders",
    "arn",
    KeyAttribute("customer"),
    KeyAttribute("at", "N"),
    index_keys=(KeyAttribute("city"), KeyAttribute("total", "N")),
    index_sort_keys=frozenset({"total", "customer"}),
)


def test_the_key_of_a_table_is_one_attribute_or_two() -> None:
    assert ORDERS.key == (KeyAttribute("customer"), KeyAttribute("at", "N"))
    assert Table("t", "arn", KeyAttribute("id")).key == (KeyAttribute("id"),)


def test_a_table_demands_the_types_of_its_keys_and_of_its_indexes() -> None:
    assert ORDERS.typed == {"customer": "S", "at": "N", "city": "S", "total": "N"}


@pytest.mark.parametrize(
    ("name", "limit"), [("at", 1024), ("city", 2048), ("total", 1024), ("customer", 1024), ("note", None)]
)
def test_a_key_keeps_the_shortest_limit_of_its_parts(name: str, limit: int | None) -> None:
    """2,048 bytes as a partition key, 1,024 as a sort key, of the table or of an index."""
    assert ORDERS.key_limit(name) == limit
