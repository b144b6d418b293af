"""Flights: who waits for whom, told step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from asyncloader.batching.block_in_flight import InFlightBlock, KeyConflicts
from tests.properties.encoded import block_of_keys


def flight(*keys: str) -> InFlightBlock:
    return InFlightBlock(block_of_keys(keys))


def flight_of_one_hash(*keys: str) -> InFlightBlock:
    """As if the hash told none of these keys apart."""
    block = block_of_keys(keys)
    return InFlightBlock(replace(block, hashes=np.full_like(block.hashes, 7), sorted_hashes=None))


def waits(flights: KeyConflicts, flight: InFlightBlock) -> list[bool]:
    found = flights.add(flight)
    return [False] * len(flight.encoded) if found is None else found.tolist()


def test_an_item_waits_for_the_row_of_its_key_in_an_earlier_block() -> None:
    flights, one, two = KeyConflicts(), flight("a", "b"), flight("b", "c")
    assert waits(flights, one) == [False, False]
    assert waits(flights, two) == [True, False]
    assert flights.settle(one, 0, 1) == []
    assert flights.settle(one, 1, 2) == [(two, 0)]


def test_an_item_does_not_wait_for_what_is_settled() -> None:
    flights, one = KeyConflicts(), flight("a", "b")
    flights.add(one)
    flights.settle(one, 0, 1)
    assert waits(flights, flight("a")) == [False]


def test_three_rows_of_a_key_go_one_after_the_other() -> None:
    flights, one, two, three = KeyConflicts(), flight("a"), flight("a"), flight("a")
    assert [waits(flights, each) for each in (one, two, three)] == [[False], [True], [True]]
    assert flights.settle(one, 0, 1) == [(two, 0)]
    assert flights.settle(two, 0, 1) == [(three, 0)]


def test_several_items_may_be_settled_at_once() -> None:
    flights, one, two = KeyConflicts(), flight("a", "b", "c"), flight("c", "a")
    flights.add(one)
    flights.add(two)
    assert flights.settle(one, 0, 3) == [(two, 1), (two, 0)]


def test_a_refused_item_lets_go_whoever_waits_for_it() -> None:
    flights, one, two = KeyConflicts(), flight("a"), flight("a")
    flights.add(one)
    flights.add(two)
    assert flights.reject(one, 0, "too odd") == (None, [(two, 0)])
    assert one.rejected == [(0, "too odd")]


def test_a_refused_item_gives_its_place_to_the_row_that_it_had_replaced() -> None:
    """Whoever waited for the refused one waits for that row now."""
    flights, one, two = KeyConflicts(), flight("a", "a"), flight("a")
    flights.add(one)
    assert waits(flights, two) == [True]
    assert flights.reject(one, 0, "too odd") == (1, [])
    assert not one.is_settled
    assert (one.superseded, one.rows_rejected) == (0, 1)
    assert flights.settle(one, 1, 2) == [(two, 0)]
    assert (one.is_settled, one.written) == (True, 1)


def test_refusals_go_back_row_by_row() -> None:
    flights, one = KeyConflicts(), flight("a", "a", "a")
    flights.add(one)
    records = []
    item: int | None = 0
    while item is not None:
        records.append(one.encoded.record(item))
        item, _ = flights.reject(one, item, "too odd")
    assert records == [2, 1, 0]
    assert (one.is_settled, one.written, one.rows_rejected, one.superseded) == (True, 0, 3, 0)


def test_a_block_without_items_has_landed_at_once() -> None:
    flights, empty = KeyConflicts(), flight()
    assert flights.add(empty) is None
    assert empty.is_settled
    assert len(flights) == 0


def test_a_landed_block_is_forgotten() -> None:
    flights, one = KeyConflicts(), flight("a")
    flights.add(one)
    assert len(flights) == 1
    flights.settle(one, 0, 1)
    assert len(flights) == 0


def test_two_keys_of_one_hash_cost_a_wait() -> None:
    flights, one, two = KeyConflicts(), flight_of_one_hash("a"), flight_of_one_hash("b")
    flights.add(one)
    assert waits(flights, two) == [True]
    assert flights.settle(one, 0, 1) == [(two, 0)]


def test_two_keys_of_one_hash_inside_a_block_never_let_a_key_go_twice() -> None:
    flights, one, two = KeyConflicts(), flight_of_one_hash("a", "b"), flight_of_one_hash("b")
    flights.add(one)
    flights.add(two)
    assert flights.settle(one, 0, 1) == [], "the older row of 'b' is still on its way"
    assert flights.settle(one, 1, 2) == [(two, 0)]
