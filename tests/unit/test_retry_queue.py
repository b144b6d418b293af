"""The backlog: what is due, and when."""

from __future__ import annotations

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.batching.retry_queue import RetryQueue
from tests.properties.encoded import block_of_lengths

BLOCK = InFlightBlock(block_of_lengths([10] * 100))


def run(first: int, stop: int, *, bisecting: bool = False) -> ItemRange:
    return ItemRange(BLOCK, first, stop, bisecting=bisecting)


def spans(batches: list[Batch]) -> list[list[tuple[int, int]]]:
    return [[(run.first, run.stop) for run in batch.ranges] for batch in batches]


def test_nothing_comes_before_its_time() -> None:
    backlog = RetryQueue(limit=10)
    backlog.add([run(0, 3)], due=2.0)
    assert backlog.take_due(1.9) == []
    assert (backlog.items, backlog.next_due) == (3, 2.0)
    assert spans(backlog.take_due(2.0)) == [[(0, 3)]]
    assert (backlog.items, backlog.next_due) == (0, None)


def test_what_is_due_comes_in_the_order_of_its_times_merged_into_full_batches() -> None:
    backlog = RetryQueue(limit=10)
    backlog.add([run(40, 60)], due=2.0)
    backlog.add([run(0, 10)], due=1.0)
    assert spans(backlog.take_due(3.0)) == [[(0, 10), (40, 55)], [(55, 60)]]


def test_what_is_due_at_the_same_time_keeps_its_order() -> None:
    backlog = RetryQueue(limit=10)
    for first in (5, 3, 9):
        backlog.add([run(first, first + 1)], due=1.0)
    assert spans(backlog.take_due(1.0)) == [[(5, 6), (3, 4), (9, 10)]]


def test_suspects_stay_by_themselves() -> None:
    backlog = RetryQueue(limit=10)
    backlog.add([run(0, 1, bisecting=True)], due=1.0)
    backlog.add([run(1, 2, bisecting=True), run(2, 3, bisecting=True)], due=1.0)
    backlog.add([run(3, 4)], due=0.0)
    assert sorted(spans(backlog.take_due(1.0))) == [[(0, 1)], [(1, 2), (2, 3)], [(3, 4)]]


def test_the_backlog_is_full_above_its_limit() -> None:
    backlog = RetryQueue(limit=10)
    full = []
    for first, stop in ((0, 10), (10, 11)):
        backlog.add([run(first, stop)], due=0.0)
        full.append(backlog.is_full)
    backlog.take_due(0.0)
    assert [*full, backlog.is_full] == [False, True, False]
