"""How long writes take at a capacity, and what they cost."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from asyncloader.planning.duration import Supply, supply_of
from asyncloader.planning.estimators import SizeTally
from asyncloader.values.prices import PRICES, cost_of
from asyncloader.values.schema import Throughput

HALF_HOUR_WCU = 4_000 * 1_800


@pytest.mark.parametrize(
    ("wcu", "seconds"),
    [
        (0, 0.0),
        (4_000, 1.0),
        (HALF_HOUR_WCU, 1_800.0),
        (HALF_HOUR_WCU + 8_000, 1_801.0),
        (3 * HALF_HOUR_WCU + 16_000, 3_601.0),
        (7 * HALF_HOUR_WCU + 32_000, 5_401.0),
        (15 * HALF_HOUR_WCU + 40_000, 7_201.0),
        (15 * HALF_HOUR_WCU + 400_000 * 1_800, 7_200.0 + 18_000.0),
    ],
)
def test_a_new_table_on_demand_doubles_every_half_hour_up_to_the_quota(wcu: int, seconds: float) -> None:
    assert supply_of(None, 0.95).seconds(wcu) == pytest.approx(seconds)


def test_a_warm_table_starts_where_it_is_warm() -> None:
    assert supply_of(Throughput(warm=12_000), 0.95).seconds(12_000 * 1_800 + 24_000) == pytest.approx(1_801)


def test_a_table_warmer_than_the_quota_is_taken_at_its_word() -> None:
    assert supply_of(Throughput(warm=100_000), 0.95).seconds(1_000_000) == pytest.approx(10.0)


def test_what_its_owner_has_set_is_never_passed() -> None:
    """And used as a load uses it."""
    assert supply_of(Throughput(most=1_000), 0.5).seconds(500_000) == pytest.approx(1_000)


def test_a_provisioned_table_has_one_speed() -> None:
    assert supply_of(Throughput(1_000), 0.95).seconds(950_000) == pytest.approx(1_000)


def test_a_supply_in_words() -> None:
    assert Supply(950).words() == "950 WCU/s"
    assert supply_of(None, 1.0).words() == "4,000 WCU/s at once, doubled every 30 minutes up to 40,000"
    assert supply_of(Throughput(most=1_000), 1.0).words() == "1,000 WCU/s"


def test_the_price_of_a_known_region_is_its_own() -> None:
    cost = cost_of(2_000_000, "us-east-1", None)
    assert (cost.usd, cost.price_usd, cost.price_date, cost.estimated) == (1.25, 0.625, "2026-08-15", False)


@pytest.mark.parametrize("region", PRICES)
def test_every_price_has_its_date(region: str) -> None:
    price = PRICES[region]
    assert 0.5 < price.usd < 1.5
    assert datetime.date.fromisoformat(price.date) <= datetime.date.today()
    assert cost_of(1_000_000, region, None).price_region == region


@pytest.mark.parametrize("region", ["eu-west-3", None])
def test_any_other_price_is_an_estimate_and_says_so(region: str | None) -> None:
    cost = cost_of(1_000_000, region, None)
    assert (cost.usd, cost.price_region, cost.estimated) == (0.625, "us-east-1", True)


def test_a_price_that_is_given_holds() -> None:
    cost = cost_of(1_000_000, "eu-west-1", 0.7)
    assert (cost.usd, cost.price_source, cost.estimated) == (0.7, "--price", False)


def test_sizes_are_exact() -> None:
    tally = SizeTally()
    sizes = [1, 1, 2, 3, 5, 8, 13, 400 * 1024]
    for size in sizes:
        tally.add(np.array([size], dtype=np.int64))
    told = tally.plan()
    assert told.mean_bytes == pytest.approx(sum(sizes) / len(sizes))
    assert (told.p50_bytes, told.p99_bytes, told.max_bytes) == (3, 400 * 1024, 400 * 1024)


def test_no_items_have_no_size() -> None:
    assert SizeTally().plan().max_bytes == 0
