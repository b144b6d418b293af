"""Batches: within the limits of one request, as full as they allow, and every item in exactly one."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES, Batch, ItemRange, merge
from asyncloader.batching.block_batches import block_batches, ranges_of
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.batching.retry_queue import RetryQueue
from tests.properties.effort import thorough, usual
from tests.properties.encoded import block_of_keys, block_of_lengths, places, sent_keys

ITEMS_OF_A_BATCH = 25

lengths = st.lists(
    st.one_of(st.integers(10, 500), st.sampled_from([400_000, 700_000, 5_000_000, 16_000_000, 17_000_000])),
    max_size=80,
)


def limits_hold(batch: Batch) -> bool:
    """25 items, and the bytes of one request; an item that is too large for any request goes alone."""
    return 0 < len(batch) <= ITEMS_OF_A_BATCH and (len(batch) == 1 or batch_bytes(batch) <= PAYLOAD_LIMIT_BYTES)


def batch_bytes(batch: Batch) -> int:
    return sum(run.wire_bytes for run in batch.ranges)


def could_take_one_more(batch: Batch, behind: Batch) -> bool:
    """Whether the first item of `behind` would have had room in `batch`."""
    first = behind.ranges[0].part(behind.ranges[0].first, behind.ranges[0].first + 1)
    return len(batch) < ITEMS_OF_A_BATCH and batch_bytes(batch) + first.wire_bytes <= PAYLOAD_LIMIT_BYTES


@st.composite
def histories(draw: st.DrawFn) -> list[ItemRange]:
    """Ranges of several blocks, each with a history of its own."""
    runs: list[ItemRange] = []
    for _ in range(draw(st.integers(1, 4))):
        block = InFlightBlock(block_of_lengths(draw(lengths.filter(bool))))
        picked = draw(st.sets(st.integers(0, len(block.encoded) - 1)))
        for run in ranges_of(block, np.array(sorted(picked), dtype=np.int64)):
            run.tries, run.stalled = draw(st.integers(0, 9)), draw(st.integers(0, 9))
            run.advance, run.first_advance = draw(st.integers(-1, 99)), draw(st.integers(-1, 99))
            runs.append(run)
    return runs


def histories_by_place(runs: list[ItemRange]) -> dict[tuple[int, int], tuple[int, int, int, int]]:
    return {
        (id(run.entry), item): (run.tries, run.stalled, run.advance, run.first_advance)
        for run in runs
        for item in range(run.first, run.stop)
    }


@thorough
@given(lengths, st.data())
def test_every_item_that_need_not_wait_is_in_exactly_one_batch(items: list[int], data: st.DataObject) -> None:
    block = InFlightBlock(block_of_lengths(items))
    waits = data.draw(st.none() | st.lists(st.booleans(), min_size=len(items), max_size=len(items)))
    mask = None if waits is None else np.array(waits, dtype=bool)
    batches = list(block_batches(block, mask))
    free = [item for item in range(len(items)) if waits is None or not waits[item]]
    assert places(batches) == [(block, item) for item in free]
    assert all(limits_hold(batch) for batch in batches)


@thorough
@given(histories())
def test_merged_runs_keep_every_item_its_order_and_its_history(runs: list[ItemRange]) -> None:
    batches = list(merge(runs))
    assert places(batches) == places([Batch(runs)])
    assert all(limits_hold(batch) for batch in batches)
    assert histories_by_place([run for batch in batches for run in batch.ranges]) == histories_by_place(runs)


@thorough
@given(histories())
def test_merged_batches_are_as_full_as_the_limits_allow(runs: list[ItemRange]) -> None:
    batches = list(merge(runs))
    assert not any(could_take_one_more(*pair) for pair in itertools.pairwise(batches))


@usual
@given(lengths)
def test_fresh_batches_are_as_full_as_the_limits_allow(items: list[int]) -> None:
    batches = list(block_batches(InFlightBlock(block_of_lengths(items))))
    assert not any(could_take_one_more(*pair) for pair in itertools.pairwise(batches))


@usual
@given(histories())
def test_halves_are_the_same_items_in_two_suspect_batches(runs: list[ItemRange]) -> None:
    for batch in merge(runs):
        halves = batch.halves()
        assert places(halves) == places([batch])
        assert all(run.bisecting for half in halves for run in half.ranges)
        assert all(len(run) for half in halves for run in half.ranges)
        assert len(halves) == min(len(batch), 2)
        assert abs(len(halves[0]) - len(halves[-1])) <= 1
        assert histories_by_place([run for half in halves for run in half.ranges]) == histories_by_place(batch.ranges)


@usual
@given(histories())
def test_halving_again_and_again_leaves_every_item_alone(runs: list[ItemRange]) -> None:
    for batch in merge(runs):
        open_, single, rounds = [batch], [], 0
        while open_:
            rounds += 1
            halves = [half for each in open_ for half in each.halves()]
            single += [half for half in halves if len(half) == 1]
            open_ = [half for half in halves if len(half) > 1]
        assert rounds <= 5, "25 items are alone after five cuts"
        assert sorted(item for _, item in places(single)) == sorted(item for _, item in places([batch]))


@usual
@given(st.lists(st.integers(0, 60).map(str), max_size=60))
def test_a_batch_holds_the_json_of_its_items(keys: list[str]) -> None:
    block = InFlightBlock(block_of_keys(keys))
    wanted = [block.encoded.item_key(item)[0] for item in range(len(block.encoded))]
    assert [key for batch in block_batches(block) for key in sent_keys(batch)] == wanted


@usual
@given(st.sets(st.integers(0, 200)))
def test_runs_are_the_longest_stretches_of_consecutive_items(items: set[int]) -> None:
    block = InFlightBlock(block_of_lengths([1] * 201))
    runs = list(ranges_of(block, np.array(sorted(items), dtype=np.int64)))
    assert [item for run in runs for item in range(run.first, run.stop)] == sorted(items)
    assert all(one.stop < other.first for one, other in itertools.pairwise(runs))


@usual
@given(st.lists(st.tuples(histories().filter(bool), st.integers(0, 9), st.booleans()), max_size=5), st.integers(0, 10))
def test_the_backlog_gives_back_exactly_what_is_due(held: list[tuple[list[ItemRange], int, bool]], now: int) -> None:
    backlog = RetryQueue(limit=50)
    for runs, due, suspect in held:
        for run in runs:
            run.bisecting = suspect
        # Suspects come in halves of a batch.
        for part in merge(runs) if suspect else [Batch(runs)]:
            backlog.add(part.ranges, float(due))
    due_now = [runs for runs, due, _ in held if due <= now]
    taken = backlog.take_due(float(now))
    assert sorted(_ids(taken)) == sorted(_ids([Batch(runs) for runs in due_now]))
    left = [(runs, due) for runs, due, _ in held if due > now]
    assert backlog.items == sum(len(run) for runs, _ in left for run in runs)
    assert backlog.is_full == (backlog.items > 50)
    assert backlog.next_due == min((due for _, due in left), default=None)
    assert all(limits_hold(batch) for batch in taken)


@usual
@given(st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=12))
def test_suspects_are_never_merged_with_others(held: list[tuple[int, bool]]) -> None:
    block = InFlightBlock(block_of_lengths([10] * 400))
    backlog, first = RetryQueue(limit=50), 0
    for length, suspect in held:
        backlog.add([ItemRange(block, first, first + length, bisecting=suspect)], 0.0)
        first += length
    batches = backlog.take_due(0.0)
    suspects = [batch for batch in batches if batch.ranges[0].bisecting]
    assert sorted(map(len, suspects)) == sorted(length for length, suspect in held if suspect)
    assert not any(run.bisecting for batch in batches if batch not in suspects for run in batch.ranges)


def _ids(batches: list[Batch]) -> list[tuple[int, int]]:
    return [(id(block), item) for block, item in places(batches)]
