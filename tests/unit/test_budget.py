"""The budget: how it is written, and the arithmetic that keeps within it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.pacing.budget import BudgetMeter
from asyncloader.values.budget import Budget, BudgetLimit, parse_duration, written_duration
from asyncloader.values.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1h0m0.5s", 3600.5), ("5M", 300)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "m", "1m30", "30m2h", "-5s", "1.5h", "1h 30m", "ten"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="90s, 30m, 2h or 1h30m"):
        parse_duration(text)


@given(st.integers(1, 10**6))
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    assert parse_duration(written_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"wcu": 0.5}, "--stop-after-wcu takes 1 or more WCU, not 0.5"),
        ({"wcu": math.nan}, "--stop-after-wcu takes"),
        ({"cost": 0.0, "price": 1.0}, "--stop-after-cost takes"),
        ({"seconds": 0.0}, "--stop-after takes"),
        ({"price": -1.0}, "--price takes"),
    ],
)
def test_a_limit_of_nothing_is_refused(values: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Budget(**values)


def test_a_cost_is_a_number_of_wcu_at_its_price() -> None:
    (limit,) = Budget(cost=5.0).limits(0.625)
    assert (limit.named, limit.wcu) == ("--stop-after-cost 5", 8_000_000)


def test_a_resume_is_offered_as_much_again() -> None:
    first = BudgetLimit("--stop-after-wcu", 1000.0, 1000.0)
    assert first.larger(used_wcu=990.0, before_wcu=0.0) == "2000"
    assert BudgetLimit("--stop-after-wcu", 2000.0, 2000.0).larger(used_wcu=2000.0, before_wcu=990.0) == "3010"
    assert first.larger(used_wcu=5000.0, before_wcu=5000.0) == "6000"
    assert BudgetLimit("--stop-after-cost", 1.5, 2e6).larger(used_wcu=2e6, before_wcu=0.0) == "3"


def test_one_request_goes_alone_until_its_true_cost_is_known() -> None:
    allowance = BudgetMeter(100.0)
    allowance.reserve(25.0)
    assert allowance.room_wcu == 0.0
    allowance.settle(25.0, 25.0, 50.0)
    assert allowance.used_wcu == 50.0
    assert int(allowance.room_wcu) == 25


def test_what_was_handed_back_may_be_spent_again() -> None:
    allowance = BudgetMeter(100.0)
    allowance.reserve(25.0)
    allowance.settle(25.0, 0.0, 0.0)
    assert int(allowance.room_wcu) == 100


def test_where_nobody_tells_what_was_used_sizes_count() -> None:
    allowance = BudgetMeter(100.0)
    allowance.reserve(25.0)
    allowance.settle(25.0, 20.0, 0.0)
    assert (allowance.used_wcu, int(allowance.room_wcu)) == (20.0, 80)


@given(
    ratio=st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    limit=st.integers(50, 5000),
    costs=st.lists(st.tuples(st.integers(1, 400), st.integers(0, 4), st.floats(0, 1)), min_size=1, max_size=300),
)
def test_the_limit_is_passed_by_no_more_than_one_request_costs_beyond_its_prediction(
    ratio: float, limit: int, costs: list[tuple[int, int, float]]
) -> None:
    """Any sequence of requests in flight, of which any part is accepted; all items cost `ratio` times their size.

    `blind` is the dearest request that went out before any answer had told the ratio.
    """
    allowance = BudgetMeter(float(limit))
    in_flight: list[tuple[int, float]] = []
    blind, told = 0.0, False
    for cost, answers, accepted in costs:
        for _ in range(min(answers, len(in_flight))):
            predicted, taken = in_flight.pop(0)
            allowance.settle(predicted, taken, taken * ratio)
            told = told or taken > 0
        if cost <= allowance.room_wcu:
            blind = blind if told else max(blind, cost)
            allowance.reserve(cost)
            in_flight.append((cost, round(cost * accepted)))
    for predicted, taken in in_flight:
        allowance.settle(predicted, taken, taken * ratio)
    assert allowance.used_wcu <= limit + (ratio - 1.0) * blind + 0.01
