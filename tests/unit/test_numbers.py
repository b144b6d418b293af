"""Numbers: what is one, and what is said of what is none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from asyncloader.encode import numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("0e999999999999", "0"),
        ("007", "7"),
        ("+7", "7"),
        ("7.", "7"),
        (".7", "0.7"),
        ("7e-1", "0.7"),
        ("7E+01", "70"),
        ("9" * 38, "9" * 38),
        ("0." + "0" * 50 + "9" * 38 + "0" * 50, "0." + "0" * 50 + "9" * 38),
        ("9.9999999999999999999999999999999999999E+125", "9.9999999999999999999999999999999999999E+125"),
        ("-1E-130", "-1E-130"),
    ],
)
def test_a_number_is_read_exactly(text: str, value: str) -> None:
    assert numbers.parse(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "1,000", "1 000", "1_000", "0x10", "NaN", "-inf", "1e", "e1", ".", "+-1", "1.2.3", "٣", "²", "1\n"],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(numbers.NumberError, match="is not a number"):
        numbers.parse(text)


@pytest.mark.parametrize("text", ["1e126", "-1e126", "10e125", "1e-131", "0.1e-130", "1e999999999", "1e-999999999999"])
def test_a_number_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(numbers.NumberError, match=r"out of the range of a DynamoDB number \(1E-130 to 9.99E\+125\)"):
        numbers.parse(text)


@pytest.mark.parametrize("text", ["1" * 39, "1." + "1" * 38, "1" + "0" * 37 + "1"])
def test_a_number_of_more_than_38_digits_is_refused(text: str) -> None:
    with pytest.raises(numbers.NumberError, match="significant digits; DynamoDB keeps 38"):
        numbers.parse(text)


def test_a_long_text_is_not_repeated_in_full() -> None:
    with pytest.raises(numbers.NumberError) as caught:
        numbers.parse("x" * 10_000)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("text", "wire"), [("007", "007"), ("1.50", "1.50"), ("-0", "-0"), ("+1", "1"), ("1e3", "1E+3"), (".5", "0.5")]
)
def test_a_plain_number_is_sent_as_it_stands_and_others_in_their_common_form(text: str, wire: str) -> None:
    assert numbers.wire(text) == wire


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 1),
        ("-0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("-1", 3),
        ("1000", 2),
        ("0.001", 2),
        ("9" * 38, 20),
        ("1e125", 2),
    ],
)
def test_a_number_takes_a_byte_for_two_digits_and_one_more(text: str, size: int) -> None:
    """docs/dynamodb.md#item-size: zeros at both ends do not count, a minus takes a byte."""
    assert numbers.size(text) == size
