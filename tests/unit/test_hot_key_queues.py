"""Items of hot keys wait by themselves, at their own pace."""

from __future__ import annotations

from collections.abc import Sequence

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.hot_key_queues import QUIET_S, HotKeyQueues
from asyncloader.batching.retry_queue import RetryQueue
from asyncloader.encode.keys import ItemKey
from asyncloader.values.dynamodb import PARTITION_WCU


class Keyed:
    """Items that are nothing but keys, 1 WCU each."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys

    def item_key(self, item: int) -> ItemKey:
        return (self.keys[item], str(item))

    def wcu(self, first: int, stop: int) -> int:
        return stop - first

    def wire_bytes(self, first: int, stop: int) -> int:
        return stop - first

    def fitting(self, first: int, stop: int, limit_bytes: int) -> int:
        return min(stop - first, limit_bytes)


def item_range(*keys: str) -> ItemRange:
    return ItemRange(Keyed(keys), 0, len(keys))  # type: ignore[arg-type]  # as much of it as is asked for


def keys_of(batches: Sequence[Batch]) -> list[list[str]]:
    return [[each.entry.item_key(item)[0] for each, item in batch.items()] for batch in batches]


def detected(*keys: str) -> HotKeyQueues:
    """Queues of keys that have been found to be hot: refused while many others passed."""
    queues = HotKeyQueues(0.0)
    for key in keys:
        cold = [f"{key}{number}" for number in range(200)]
        sent = item_range(*[key] * 25, *cold)
        refused = {(key, str(item)) for item in range(25)}
        share = queues.on_response(Batch([sent]), refused, 0.0, 0.0)
        assert share.is_new
        assert share.other_items == 0
    return queues


def divided(queues: HotKeyQueues, *ranges: ItemRange) -> tuple[list[tuple[int, int]], int]:
    """What stays in a batch of these ranges, and how many items wait for their turn."""
    before, batch = queues.items, Batch(list(ranges))
    assert queues.divert(batch) == (queues.items > before)
    return [(each.first, each.stop) for each in batch.ranges], queues.items - before


def test_the_items_of_hot_keys_are_taken_out_of_a_batch() -> None:
    queues = detected("h")
    ranges = [item_range("a", "h", "b", "c", "h"), item_range("h"), item_range("d")]
    assert divided(queues, *ranges) == ([(0, 1), (2, 4), (0, 1)], 3)
    assert divided(queues, item_range("h", "h")) == ([], 2)


def test_without_a_hot_key_nothing_is_taken_out() -> None:
    assert divided(HotKeyQueues(0.0), item_range("a", "b")) == ([(0, 2)], 0)


def test_what_is_bisected_is_left_to_the_search_for_the_bad_row() -> None:
    bisected = item_range("h")
    bisected.bisecting = True
    assert divided(detected("h"), bisected) == ([(0, 1)], 0)


def test_the_table_answers_for_what_was_refused_of_other_keys() -> None:
    queues = detected("h")
    share = queues.on_response(Batch([item_range("h", "a", "b")]), {("h", "0"), ("a", "1")}, 1.0, 1.0)
    assert (share.wcu, share.refused_wcu, share.hot_items, share.other_items) == (2, 1, 1, 1)


def test_a_refused_item_waits_as_long_as_any_other_before_its_turn() -> None:
    """Else a hot key that takes nothing for a moment would use up all attempts of an item in that moment."""
    queues, retries = detected("h"), RetryQueue(10)
    again = item_range("h")
    again.tries = 1
    retries.add([again], 5.0)
    assert retries.take_due(4.9, queues.hold) == []
    assert (retries.next_due, queues.items) == (5.0, 0)
    assert retries.take_due(5.0, queues.hold) == []
    assert (retries.items, queues.items) == (0, 1)
    assert keys_of(queues.take_due(5.0)) == [["h"]]


def test_a_queue_keeps_its_own_pace() -> None:
    """At 1,000 WCU/s a second's worth takes a second, and what is released is not taken out of its batch again."""
    queues = HotKeyQueues(0.0)
    queues._add(["h"], 0.0)
    queues.hold([item_range(*["h"] * 500)])
    now, released = 0.0, 0
    while queues.items:
        batches = queues.take_due(now)
        released += sum(map(len, batches))
        assert released <= PARTITION_WCU * now + 26
        assert not any(queues.divert(batch) for batch in batches)
        due = queues.next_due
        if due is None:
            break
        now = due
    assert released == 500
    assert 0.4 < now < 0.6


def test_what_is_refused_slows_its_own_queue_only() -> None:
    queues = detected("h", "i")
    for number in range(20):
        now = number * 0.05
        queues.on_response(Batch([item_range(*["h"] * 25)]), {("h", str(item)) for item in range(25)}, now, now)
        queues.on_response(Batch([item_range(*["i"] * 25)]), set(), now, now)
    queues.hold([item_range(*["h"] * 100), item_range(*["i"] * 100)])
    taken = keys_of([batch for number in range(10) for batch in queues.take_due(1.0 + number * 0.005)])
    assert sum(batch.count("i") for batch in taken) > sum(batch.count("h") for batch in taken)


def test_items_that_were_sent_before_go_first() -> None:
    queues = detected("h")
    queues.hold([item_range(*["h"] * 40)])
    again = item_range("h")
    again.tries = 1
    queues.hold([again])
    batches = queues.take_due(0.0)
    assert batches[0].ranges[0].tries == 1
    assert queues.items + sum(map(len, batches)) == 41


def test_a_key_that_is_not_refused_any_more_is_hot_no_more() -> None:
    queues = detected("h")
    queues.take_due(QUIET_S - 1)
    assert queues
    queues.take_due(QUIET_S + 1)
    assert not queues
    assert queues.detector.hot == set()
    assert [key.key for key in queues.top()] == ["h"], "a result still names it"
