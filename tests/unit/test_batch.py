"""Batches: limits, histories, halves."""

from __future__ import annotations

from asyncloader.batching.batch import PAYLOAD_LIMIT_BYTES, Batch, ItemRange, merge
from asyncloader.batching.block_batches import block_batches
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.values.dynamodb import REQUEST_LIMIT_BYTES
from asyncloader.wire.transport import Envelope
from tests.properties.encoded import block_of_lengths


def batch_lengths(*lengths: int) -> list[int]:
    return [len(batch) for batch in block_batches(InFlightBlock(block_of_lengths(lengths)))]


def test_a_batch_takes_25_items() -> None:
    assert batch_lengths(*[100] * 60) == [25, 25, 10]


def test_a_batch_takes_no_more_than_the_bytes_of_a_request() -> None:
    assert batch_lengths(*[1_000_000] * 20) == [16, 4]


def test_items_that_just_fill_a_request_go_together() -> None:
    half = PAYLOAD_LIMIT_BYTES // 2
    assert batch_lengths(half, half) == [2]
    assert batch_lengths(half, half + 1) == [1, 1]


def test_what_stands_around_the_items_has_room_in_the_request() -> None:
    longest_table = "arn:aws:dynamodb:eu-west-1:123456789012:table/" + "t" * 1024
    assert len(Envelope(longest_table).wrap([b""])) + PAYLOAD_LIMIT_BYTES <= REQUEST_LIMIT_BYTES


def test_an_item_that_is_too_large_for_any_request_goes_alone() -> None:
    """So that its refusal costs nobody else a bisection: 400 KB of numbers like 1000…0 are 18 MB of JSON."""
    assert batch_lengths(17_000_000, 100, 100) == [1, 2]


def test_an_item_that_is_too_large_for_any_request_joins_no_others() -> None:
    assert batch_lengths(100, 100, 17_000_000) == [2, 1]


def test_a_part_of_a_run_keeps_its_history() -> None:
    run = ItemRange(
        InFlightBlock(block_of_lengths([1] * 9)), 0, 9, tries=3, stalled=2, advance=7, first_advance=5, bisecting=True
    )
    assert run.part(2, 4) == ItemRange(run.entry, 2, 4, 3, 2, 7, 5, True)


def test_the_halves_of_an_odd_batch_cut_a_run_in_two() -> None:
    block = InFlightBlock(block_of_lengths([1] * 9))
    halves = Batch([ItemRange(block, 0, 2), ItemRange(block, 4, 7)]).halves()
    assert [[(run.first, run.stop) for run in half.ranges] for half in halves] == [[(0, 2)], [(4, 7)]]
    halves = Batch([ItemRange(block, 0, 5)]).halves()
    assert [[(run.first, run.stop) for run in half.ranges] for half in halves] == [[(0, 2)], [(2, 5)]]


def test_merging_nothing_gives_nothing() -> None:
    assert list(merge([])) == []
    assert list(block_batches(InFlightBlock(block_of_lengths([])))) == []
