"""Interleaving: clustered partition keys are spread over a block's requests as evenly as can be, and nothing else changes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from asyncloader.batching.block_batches import block_batches, interleaved_batches
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.encode.block import EncodedBlock
from asyncloader.encode.columns import ColumnEncoder
from asyncloader.encode.interleave import interleave, interleaved, is_clustered
from asyncloader.encode.steps import run_steps
from asyncloader.formats.columns import Columns
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.values.dynamodb import BATCH_ITEMS
from asyncloader.values.schema import KeyAttribute, Table
from tests.properties.effort import thorough, usual
from tests.properties.encoded import block_of_lengths

TABLE = Table("t", "arn", KeyAttribute("pk"), KeyAttribute("sk"))
groups = st.lists(st.one_of(st.integers(1, 8), st.integers(1, 200)), min_size=1, max_size=60)
"""How many items each partition key has, in a file that is sorted by it."""


def hashes_of(sizes: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Hashes as they are: equal for equal keys, and without order."""
    keys = np.arange(len(sizes), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
    return np.repeat(keys, sizes)


def block_of(keys: list[tuple[str, str]]) -> EncodedBlock:
    columns = tuple(pa.array([key[place] or None for key in keys], pa.string()) for place in (0, 1))
    encoder = ColumnEncoder(["pk", "sk"], TABLE, {}, "drop")
    return run_steps(encoder.encode(TextBlock(0, 0, b"", 0, 1), Columns(("pk", "sk"), columns, len(keys))))


@thorough
@given(groups)
@example([25] * 25)
@example([1] * 26)
@example([1000, *[1] * 100])
def test_every_request_holds_as_many_partition_keys_as_there_can_be(sizes: list[int]) -> None:
    hashes = hashes_of(sizes)
    order = interleaved(hashes)
    assert sorted(order.tolist()) == list(range(len(hashes)))
    requests = [Counter(hashes[order[at : at + BATCH_ITEMS]].tolist()) for at in range(0, len(order), BATCH_ITEMS)]
    for key, items in Counter(hashes.tolist()).items():
        held = [request[key] for request in requests]
        assert sum(held) == items
        # A last request that is not full takes part in fewer turns, so it alone may have less than its share.
        assert max(held) <= -(-items // max(len(requests) - 1, 1))
        assert sum(map(bool, held)) >= min(items, max(len(requests) - 1, 1))


@usual
@given(st.integers(30, 200), st.integers(30, 60))
def test_every_moment_holds_as_many_partition_keys_as_the_block(keys: int, each: int) -> None:
    """32 requests under way, wherever they begin, are not the same few keys 32 times over."""
    hashes = hashes_of([each] * keys)
    ordered = hashes[interleaved(hashes)]
    moment = 32 * BATCH_ITEMS
    for at in range(0, max(len(ordered) - moment, 1), BATCH_ITEMS):
        assert len(set(ordered[at : at + moment].tolist())) >= 0.9 * min(keys, moment, len(ordered))


@usual
@given(st.integers(3, 400), st.integers(2000, 10_000), st.integers(0, 2**32))
def test_a_file_in_no_order_is_left_as_it_is(keys: int, items: int, seed: int) -> None:
    hashes = hashes_of([items // keys + 1] * keys)
    np.random.default_rng(seed).shuffle(hashes)
    assert interleave(hashes) is None


@usual
@given(st.integers(8, 100), st.integers(20, 200))
def test_a_sorted_file_is_noticed(keys: int, each: int) -> None:
    assert is_clustered(hashes_of([each] * keys))


def test_a_file_that_comes_to_few_partition_keys_at_a_time_is_noticed() -> None:
    """No request holds a key twice, and still all writers are at 25 keys while the block has 400."""
    rounds = [np.tile(hashes_of([1] * 25) + np.uint64(part), 25) for part in range(16)]
    assert is_clustered(np.concatenate(rounds))


def test_one_partition_key_alone_is_left_as_it_is() -> None:
    assert interleave(hashes_of([10_000])) is None


@usual
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 30)), max_size=300))
def test_an_interleaved_block_holds_the_same_items_and_knows_their_records(keys: list[tuple[int, int]]) -> None:
    texts = [(f"p{pk}", f"s{sk}" if sk else "") for pk, sk in sorted(keys)]
    encoded = block_of(texts)
    last = {key: record for record, key in enumerate(texts) if key[1]}
    sent = {encoded.item_key(item): encoded.record(item) for item in range(len(encoded))}
    assert sent == last
    replaced = range(len(encoded), len(encoded) + encoded.superseded)
    assert len(sent) + len(replaced) + len(encoded.bad) == len(texts)
    assert all(texts[encoded.record(item)] == encoded.item_key(item) for item in replaced)
    assert [texts[row.record][1] for row in encoded.bad] == [""] * len(encoded.bad)


@usual
@given(st.integers(60, 300), st.data())
def test_the_settled_part_of_an_interleaved_block_ends_before_its_first_open_record(
    rows: int, data: st.DataObject
) -> None:
    block = InFlightBlock(block_of([(f"p{row // 10}", f"s{row}") for row in range(rows)]))
    done = data.draw(st.sets(st.integers(0, rows - 1), max_size=rows - 1))
    for item in done:
        block.settled[item] = 1
    expected = min(block.encoded.record(item) for item in range(rows) if item not in done)
    assert block.settled_records() == expected


def test_requests_of_a_sorted_block_hold_25_partition_keys_each() -> None:
    block = InFlightBlock(block_of([(f"p{row // 50}", f"s{row}") for row in range(2000)]))
    for batch in block_batches(block):
        assert len({block.encoded.item_key(item)[0] for _, item in batch.items()}) == BATCH_ITEMS


@usual
@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_blocks_that_are_sent_together_share_every_request(sizes: list[int]) -> None:
    """Each split has its share of every request."""
    blocks = [InFlightBlock(block_of_lengths([100] * rows), split) for split, rows in enumerate(sizes)]
    batches = list(interleaved_batches([(block, None) for block in blocks if len(block.encoded)]))
    assert sorted((run.entry.split, item) for batch in batches for run, item in batch.items()) == [  # type: ignore[attr-defined]  # of this test
        (split, item) for split, rows in enumerate(sizes) for item in range(rows)
    ]
    assert all(len(batch) == BATCH_ITEMS for batch, _ in pairwise(batches))
    total = sum(sizes)
    for batch in batches[:-1]:
        held = Counter(run.entry.split for run, _ in batch.items())  # type: ignore[attr-defined]  # of this test
        for split, rows in enumerate(sizes):
            assert abs(held[split] - BATCH_ITEMS * rows / total) <= len(sizes)


@usual
@given(st.lists(st.lists(st.booleans(), max_size=80), min_size=1, max_size=5))
def test_items_that_wait_are_left_out_of_what_is_sent_together(waiting: list[list[bool]]) -> None:
    blocks = [
        (InFlightBlock(block_of_lengths([100] * len(waits)), split), waits) for split, waits in enumerate(waiting)
    ]
    batches = list(interleaved_batches([(block, np.array(waits, dtype=bool)) for block, waits in blocks]))
    sent = sorted((run.entry.split, item) for batch in batches for run, item in batch.items())  # type: ignore[attr-defined]  # of this test
    assert sent == [
        (split, item) for split, waits in enumerate(waiting) for item, waits_ in enumerate(waits) if not waits_
    ]
    assert all(len(batch) == BATCH_ITEMS for batch, _ in pairwise(batches))
