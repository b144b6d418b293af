"""Values as the fault server stores them: the form of a number, the size of an item."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faultserver import (
    ServiceError,
)
from tests.faultserver.number import canonical
from tests.faultserver.values import checked_item


@pytest.mark.parametrize(
    ("text", "stored", "size"),
    [
        ("0", "0", 1),
        ("-0.00", "0", 1),
        ("0e999999999999", "0", 1),
        ("1", "1", 2),
        ("01.50", "1.5", 3),
        ("+7", "7", 2),
        (".5", "0.5", 2),
        ("1.", "1", 2),
        ("11", "11", 2),
        ("110", "110", 3),
        ("-11", "-11", 3),
        ("1E3", "1000", 2),
        ("1e-3", "0.001", 2),
        ("1" * 38, "1" * 38, 20),
        ("1E+125", "1" + "0" * 125, 2),
        ("1E-130", "0." + "0" * 129 + "1", 2),
    ],
)
def test_a_number_is_stored_in_plain_notation_without_needless_zeros(text: str, stored: str, size: int) -> None:
    assert canonical(text) == (stored, size)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be converted to a numeric value"),
        (" 1", "cannot be converted to a numeric value:  1"),
        ("1_000", "cannot be converted"),
        ("٣", "cannot be converted"),
        ("NaN", "cannot be converted"),
        ("0x10", "cannot be converted"),
        ("1" * 39, "more than 38 significant digits"),
        ("1e126", "Number overflow"),
        ("-1e126", "Number overflow"),
        ("1e-131", "Number underflow"),
        ("1e99999999999999999999", "Number overflow"),
        ("1e-99999999999999999999", "Number underflow"),
    ],
)
def test_a_number_outside_the_service_s_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(ServiceError) as error:
        canonical(text)
    assert message in str(error.value.message)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=7))
def test_two_texts_of_the_same_number_have_the_same_form(number: Decimal) -> None:
    """The stored form of plain, padded and scientific notation is one and equals the number."""
    forms = {canonical(text)[0] for text in (f"{number:f}", f"{number:E}", f"{number:f}00")}
    assert len(forms) == 1
    assert Decimal(forms.pop()) == number


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"id": {"S": "abc"}}, 5),
        ({"ä": {"S": "ö"}}, 4),
        ({"b": {"B": "AAEC"}}, 4),
        ({"b": {"BOOL": False}, "n": {"NULL": True}}, 4),
        ({"s": {"SS": ["a", "bc"]}, "n": {"NS": ["1", "22"]}, "b": {"BS": ["AA=="]}}, 3 + 3 + 4 + 1),
        ({"l": {"L": [{"S": "a"}, {"L": []}]}}, 1 + 3 + 2 + 4),
        ({"m": {"M": {"k": {"S": "v"}}}}, 1 + 3 + 3),
        ({"e": {"S": ""}, "l": {"L": []}, "m": {"M": {}}}, 3 + 3 + 3),
    ],
)
def test_the_size_of_an_item_is_the_sum_of_names_and_values(item: Any, size: int) -> None:
    stored, counted = checked_item(item)
    assert stored is item
    assert counted == size


def test_nested_numbers_are_stored_in_their_form() -> None:
    item = {"l": {"L": [{"N": "1.0"}]}, "m": {"M": {"n": {"NS": ["01", "2"]}}}, "s": {"S": "01"}}
    stored, _ = checked_item(item)
    assert stored == {"l": {"L": [{"N": "1"}]}, "m": {"M": {"n": {"NS": ["1", "2"]}}}, "s": {"S": "01"}}
