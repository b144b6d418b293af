"""Blocks in flight: a key is never on its way twice, in the order of the file, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.batching.block_in_flight import InFlightBlock, KeyConflicts
from asyncloader.encode.block import EncodedBlock
from tests.properties.effort import thorough, usual
from tests.properties.encoded import block_of_keys

Item = tuple[int, int]
"""A block's number and the item's place in it."""


@dataclass(frozen=True)
class Row:
    """A row of a source: its key, and whether the service will refuse it for what it holds."""

    key: str
    poisoned: bool = False


rows = st.builds(Row, st.integers(0, 5).map(str), st.integers(0, 5).map(lambda number: number == 0))
blocks = st.lists(st.lists(rows, max_size=8), min_size=2, max_size=6)
steps = st.lists(
    st.tuples(st.sampled_from(["admit", "send", "send", "settle", "hand back"]), st.integers(0, 99)),
    min_size=5,
    max_size=50,
)


@dataclass
class Service:
    """Plays engine and service for `KeyConflicts`, one step at a time, and keeps its own account of every item."""

    blocks: Sequence[Sequence[Row]]
    same_hash: bool = False
    conflicts: KeyConflicts = field(default_factory=KeyConflicts)
    admitted: list[InFlightBlock] = field(default_factory=list)
    free: list[Item] = field(default_factory=list)
    sent: list[Item] = field(default_factory=list)
    waiting: set[Item] = field(default_factory=set)
    stored: dict[str, tuple[int, int]] = field(default_factory=dict)
    """What the table holds: the row of each key as (block, record)."""

    def encoded(self, number: int) -> EncodedBlock:
        block = block_of_keys([row.key for row in self.blocks[number]], number)
        return replace(block, hashes=np.full_like(block.hashes, 7), sorted_hashes=None) if self.same_hash else block

    def row(self, item: Item) -> Row:
        return self.blocks[item[0]][self.record(item)[1]]

    def record(self, item: Item) -> tuple[int, int]:
        return item[0], self.admitted[item[0]].encoded.record(item[1])

    def admit(self) -> None:
        number = len(self.admitted)
        if number == len(self.blocks):
            return
        block = InFlightBlock(self.encoded(number))
        self.admitted.append(block)
        waits = self.conflicts.add(block)
        for item in range(len(block.encoded)):
            if waits is not None and waits[item]:
                self.waiting.add((number, item))
            else:
                self.free.append((number, item))

    def send(self, pick: int) -> None:
        """One batch: everything that is free, up to a number."""
        batch, self.free = self.free[: 1 + pick % 7], self.free[1 + pick % 7 :]
        self.sent += batch

    def hand_back(self, pick: int) -> None:
        if self.sent:
            self.free.append(self.sent.pop(pick % len(self.sent)))

    def settle(self, pick: int) -> None:
        """The service answers for one item, and for its neighbours in the block as far as they are on their way."""
        if not self.sent:
            return
        number, first = self.sent[pick % len(self.sent)]
        if self.row((number, first)).poisoned:
            self.sent.remove((number, first))
            earlier, released = self.conflicts.reject(self.admitted[number], first, "poisoned")
            if earlier is not None:
                self.free.append((number, earlier))
        else:
            stop = first
            while (number, stop) in self.sent and not self.row((number, stop)).poisoned:
                self.sent.remove((number, stop))
                before = self.stored.get(self.row((number, stop)).key)
                assert before is None or before < self.record((number, stop)), "an older row came after a newer one"
                self.stored[self.row((number, stop)).key] = self.record((number, stop))
                stop += 1
            released = self.conflicts.settle(self.admitted[number], first, stop)
        for block, item in released:
            place = self.admitted.index(block), item
            self.waiting.remove(place)
            self.free.append(place)

    def play(self, steps: Sequence[tuple[str, int]]) -> None:
        for step, pick in steps:
            match step:
                case "admit":
                    self.admit()
                case "send":
                    self.send(pick)
                case "settle":
                    self.settle(pick)
                case "hand back":
                    self.hand_back(pick)
            self.check()

    def finish(self) -> None:
        """Send and settle whatever there is until nothing moves any more."""
        while len(self.admitted) < len(self.blocks):
            self.admit()
        while self.free or self.sent:
            self.send(6)
            self.settle(0)
            self.check()

    def check(self) -> None:
        released = [self.row(item).key for item in self.free + self.sent if self.replaced(item)]
        under_way = [(item[0], self.row(item).key) for item in self.free + self.sent]
        assert not released
        assert len({key for _, key in under_way}) == len(under_way), "a key is under way twice"

    def replaced(self, item: Item) -> bool:
        """Whether a released item has an unsettled one of the same key before it."""
        return any(
            self.row(other).key == self.row(item).key and other[0] < item[0]
            for other in [*self.free, *self.sent, *self.waiting]
        )

    def expected(self) -> dict[str, tuple[int, int]]:
        """What a table holds that takes the rows one after the other: the last good row of every key."""
        return {
            row.key: (number, record)
            for number, block in enumerate(self.blocks)
            for record, row in enumerate(block)
            if not row.poisoned
        }


@thorough
@given(blocks, steps)
def test_a_key_is_never_under_way_twice(blocks: list[list[Row]], steps: list[tuple[str, int]]) -> None:
    """And an item is under way only when no older row of its key is unsettled."""
    Service(blocks).play(steps)


@usual
@given(blocks, steps)
def test_an_item_waits_only_as_long_as_an_older_row_of_its_key_is_unsettled(
    blocks: list[list[Row]], steps: list[tuple[str, int]]
) -> None:
    service = Service(blocks)
    for step in steps:
        service.play([step])
        assert all(service.replaced(item) for item in service.waiting)


@thorough
@given(blocks, steps)
def test_the_table_ends_with_the_last_good_row_of_every_key(
    blocks: list[list[Row]], steps: list[tuple[str, int]]
) -> None:
    service = Service(blocks)
    service.play(steps)
    service.finish()
    assert service.stored == service.expected()


@usual
@given(blocks, steps)
def test_every_row_is_written_or_rejected_or_superseded(blocks: list[list[Row]], steps: list[tuple[str, int]]) -> None:
    service = Service(blocks)
    service.play(steps)
    service.finish()
    for block, source in zip(service.admitted, blocks, strict=True):
        assert block.is_settled
        assert block.written + block.rows_rejected + block.superseded == len(source)
        refused = {block.encoded.record(item) for item, _ in block.rejected}
        assert all(source[record].poisoned for record in refused)


@usual
@given(blocks, steps)
def test_nothing_is_left_when_all_blocks_are_settled(blocks: list[list[Row]], steps: list[tuple[str, int]]) -> None:
    service = Service(blocks)
    service.play(steps)
    service.finish()
    assert not service.waiting
    assert len(service.conflicts) == 0
    assert not np.any(service.conflicts._table), "the table of counts is not back at zero"
    assert not any(block.successors for block in service.admitted)


@usual
@given(st.lists(rows, max_size=12), st.lists(st.integers(0, 99), max_size=20))
def test_unsettled_counts_what_is_not_settled_yet(block: list[Row], picks: list[int]) -> None:
    service = Service([block])
    service.admit()
    for pick in picks:
        service.send(pick)
        service.settle(pick)
        assert service.admitted[0].unsettled == len(service.free) + len(service.sent)
        assert service.admitted[0].is_settled == (not service.free and not service.sent)
        assert len(service.conflicts) == (0 if service.admitted[0].is_settled else 1)


@usual
@given(blocks, steps)
def test_keys_of_one_hash_cost_a_wait_and_never_a_row(blocks: list[list[Row]], steps: list[tuple[str, int]]) -> None:
    """As if the hash told nothing apart."""
    service = Service(blocks, same_hash=True)
    service.play(steps)
    service.finish()
    assert service.stored == service.expected()
    assert not service.waiting
    assert not any(block.blocked for block in service.admitted)
