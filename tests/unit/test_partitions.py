"""How the writes spread over partition keys, and why rows would be rejected."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from asyncloader.formats.columns import BadRow
from asyncloader.planning.estimators import Ratio
from asyncloader.planning.partitions import PartitionTally, weighed
from asyncloader.planning.tally import MOST_REASONS, OTHERS, SPOTS, ReasonTally
from asyncloader.values.plan import HeavyKey, Location
from asyncloader.values.schema import KeyAttribute

TENANT = KeyAttribute("tenant")


def test_the_units_of_a_key_are_added_up() -> None:
    column, wcu = pa.array(["a", "b", "a"]), np.array([1, 5, 2])
    assert weighed(TENANT, column, wcu) == {"a": 3, "b": 5}


def test_numbers_are_the_same_key_by_their_value() -> None:
    column, wcu = pa.array(["1", "01", "1.0", "2"]), np.array([1, 1, 1, 1])
    assert weighed(KeyAttribute("tenant", "N"), column, wcu) == {"1": 3, "2": 1}


def test_few_keys_are_told_exactly() -> None:
    tally = PartitionTally("", TENANT, 2)
    tally.add({"a": 60, "b": 30})
    tally.add({"a": 5, "c": 5})
    told = tally.plan(1.0)
    assert (told.distinct, told.wcu) == (3, 100)
    assert told.heaviest == (HeavyKey("a", 65, 65, 0.65), HeavyKey("b", 30, 30, 0.30), HeavyKey("c", 5, 5, 0.05))


def test_a_heavy_key_among_very_many_is_found_within_its_bounds() -> None:
    """One in fifty units, among 100,000 other keys, in bounded memory."""
    tally = PartitionTally("", TENANT, 6)
    for block in range(50):
        tally.add({**{f"k{block}-{number}": 1 for number in range(2_000)}, "hot": 40})
    told = tally.plan(1.0)
    assert told.heaviest[0].key == "hot"
    assert told.heaviest[0].wcu_least <= 2_000 <= told.heaviest[0].wcu_most
    assert told.heaviest[0].share == pytest.approx(2_000 / 102_000, rel=0.05)
    assert len(told.heaviest) == 1
    assert told.distinct == pytest.approx(100_001, rel=0.03)


def test_stretches_in_the_order_of_the_source_wait_for_their_heaviest_keys() -> None:
    """Sorted rows: each stretch is one key, and the load is as slow as if there were one only."""
    tally = PartitionTally("", TENANT, 2)
    for number in range(6):
        tally.add({f"t{number // 2}": 10})
    assert tally.plan(1.0).in_order_wcu == 60
    mixed = PartitionTally("", TENANT, 2)
    for _ in range(6):
        mixed.add({"t0": 4, "t1": 3, "t2": 3})
    assert mixed.plan(1.0).in_order_wcu == 24


def test_a_sample_is_scaled() -> None:
    tally = PartitionTally("", TENANT, 6)
    tally.add({"a": 6, "b": 4})
    told = tally.plan(20.0)
    assert (told.wcu, told.in_order_wcu, told.heaviest[0]) == (200, 120, HeavyKey("a", 120, 120, 0.6))


def test_like_reasons_are_one() -> None:
    tally = ReasonTally()
    bad = [BadRow(0, "'19o6' is not a number", "born"), BadRow(3, "'x' is not a number", "born")]
    tally.add([*bad, BadRow(4, "'x' is not a number", "died")], lambda record: Location("a.csv", record + 2))
    first, second = tally.plan(1.0)
    assert (first.reason, first.rows, [spot.line for spot in first.spots]) == (
        "born: '19o6' is not a number",
        2,
        [2, 5],
    )
    assert second.reason == "died: 'x' is not a number"


def test_reasons_and_places_are_bounded() -> None:
    """Whatever the file holds; what is too much is counted together."""
    tally, asked = ReasonTally(), list[int]()

    def spot(record: int) -> Location:
        asked.append(record)
        return Location("a.csv", record)

    for column in range(MOST_REASONS + 50):
        tally.add([BadRow(record, "is not null", f"c{column}") for record in range(50)], spot)
    told = tally.plan(1.0)
    assert len(told) == MOST_REASONS + 1
    assert (told[0].reason, told[0].rows) == (OTHERS, 50 * 50)
    assert len(asked) == SPOTS * (MOST_REASONS + 1)


def test_all_of_it_leaves_no_doubt() -> None:
    ratio = Ratio()
    ratio.add(100, 5)
    assert ratio.spread(1.0) == 0


def test_like_blocks_leave_little_doubt_and_unlike_ones_much() -> None:
    even, uneven = Ratio(), Ratio()
    for number in range(20):
        even.add(1_000, 10)
        uneven.add(1_000, 20 * (number % 2))
    assert even.spread(0.05) == 0
    assert 1_500 < uneven.spread(0.05) < 2_000


def test_the_spread_holds_what_it_promises() -> None:
    """Over many samples of a lumpy whole, about 95 in 100 intervals hold the truth."""
    chance = np.random.default_rng(7)
    whole = chance.poisson(chance.gamma(2.0, 5.0, 1_000))
    held = 0
    for _ in range(300):
        ratio = Ratio()
        for amount in chance.choice(whole, 50, replace=False):
            ratio.add(1_000, int(amount))
        held += bool(abs(ratio.amount * 20 - whole.sum()) <= ratio.spread(0.05))
    assert 0.90 <= held / 300 <= 0.99


def test_none_found_is_not_none() -> None:
    ratio = Ratio()
    ratio.add(1_000, 0)
    assert ratio.spread(0.05) == 60
