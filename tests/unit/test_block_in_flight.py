"""Blocks in flight: which item waits for which, told step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from asyncloader.batching.block_in_flight import InFlightBlock, KeyConflicts
from tests.properties.encoded import block_of_keys


def block_of(*keys: str) -> InFlightBlock:
    return InFlightBlock(block_of_keys(keys))


def block_of_one_hash(*keys: str) -> InFlightBlock:
    """As if the hash told none of these keys apart."""
    block = block_of_keys(keys)
    return InFlightBlock(replace(block, hashes=np.full_like(block.hashes, 7), sorted_hashes=None))


def waits(conflicts: KeyConflicts, block: InFlightBlock) -> list[bool]:
    blocked = conflicts.add(block)
    return [False] * len(block.encoded) if blocked is None else blocked.tolist()


def test_an_item_waits_for_the_row_of_its_key_in_an_earlier_block() -> None:
    conflicts, one, two = KeyConflicts(), block_of("a", "b"), block_of("b", "c")
    assert waits(conflicts, one) == [False, False]
    assert waits(conflicts, two) == [True, False]
    assert conflicts.settle(one, 0, 1) == []
    assert conflicts.settle(one, 1, 2) == [(two, 0)]


def test_an_item_does_not_wait_for_what_is_settled() -> None:
    conflicts, one = KeyConflicts(), block_of("a", "b")
    conflicts.add(one)
    conflicts.settle(one, 0, 1)
    assert waits(conflicts, block_of("a")) == [False]


def test_three_rows_of_a_key_go_one_after_the_other() -> None:
    conflicts, one, two, three = KeyConflicts(), block_of("a"), block_of("a"), block_of("a")
    assert [waits(conflicts, block) for block in (one, two, three)] == [[False], [True], [True]]
    assert conflicts.settle(one, 0, 1) == [(two, 0)]
    assert conflicts.settle(two, 0, 1) == [(three, 0)]


def test_several_items_may_be_settled_at_once() -> None:
    conflicts, one, two = KeyConflicts(), block_of("a", "b", "c"), block_of("c", "a")
    conflicts.add(one)
    conflicts.add(two)
    assert conflicts.settle(one, 0, 3) == [(two, 1), (two, 0)]


def test_a_refused_item_lets_go_whoever_waits_for_it() -> None:
    conflicts, one, two = KeyConflicts(), block_of("a"), block_of("a")
    conflicts.add(one)
    conflicts.add(two)
    assert conflicts.reject(one, 0, "too odd") == (None, [(two, 0)])
    assert one.rejected == [(0, "too odd")]


def test_a_refused_item_gives_its_place_to_the_row_that_it_had_replaced() -> None:
    """Whoever waited for the refused one waits for that row now."""
    conflicts, one, two = KeyConflicts(), block_of("a", "a"), block_of("a")
    conflicts.add(one)
    assert waits(conflicts, two) == [True]
    assert conflicts.reject(one, 0, "too odd") == (1, [])
    assert not one.is_settled
    assert (one.superseded, one.rows_rejected) == (0, 1)
    assert conflicts.settle(one, 1, 2) == [(two, 0)]
    assert (one.is_settled, one.written) == (True, 1)


def test_refusals_go_back_row_by_row() -> None:
    conflicts, one = KeyConflicts(), block_of("a", "a", "a")
    conflicts.add(one)
    records = []
    item: int | None = 0
    while item is not None:
        records.append(one.encoded.record(item))
        item, _ = conflicts.reject(one, item, "too odd")
    assert records == [2, 1, 0]
    assert (one.is_settled, one.written, one.rows_rejected, one.superseded) == (True, 0, 3, 0)


def test_a_block_without_items_is_settled_at_once() -> None:
    conflicts, empty = KeyConflicts(), block_of()
    assert conflicts.add(empty) is None
    assert empty.is_settled
    assert len(conflicts) == 0


def test_a_settled_block_is_forgotten() -> None:
    conflicts, one = KeyConflicts(), block_of("a")
    conflicts.add(one)
    assert len(conflicts) == 1
    conflicts.settle(one, 0, 1)
    assert len(conflicts) == 0


def test_two_keys_of_one_hash_cost_a_wait() -> None:
    conflicts, one, two = KeyConflicts(), block_of_one_hash("a"), block_of_one_hash("b")
    conflicts.add(one)
    assert waits(conflicts, two) == [True]
    assert conflicts.settle(one, 0, 1) == [(two, 0)]


def test_two_keys_of_one_hash_inside_a_block_never_let_a_key_go_twice() -> None:
    conflicts, one, two = KeyConflicts(), block_of_one_hash("a", "b"), block_of_one_hash("b")
    conflicts.add(one)
    conflicts.add(two)
    assert conflicts.settle(one, 0, 1) == [], "the older row of 'b' is still on its way"
    assert conflicts.settle(one, 1, 2) == [(two, 0)]
