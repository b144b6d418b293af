"""Items of hot keys wait by themselves, at their own pace."""

from __future__ import annotations

from collections.abc import Sequence

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.batching.hot_key_queues import COOL_S, START_WCU, HotKeyQueues
from asyncloader.batching.retry_queue import RetryQueue
from asyncloader.encode.keys import ItemKey
from asyncloader.pacing.hot_keys import HotKeyDetector


class Keyed:
    """A cargo of items that are nothing but keys, 1 WCU each."""

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


def run(*keys: str) -> ItemRange:
    return ItemRange(Keyed(keys), 0, len(keys))  # type: ignore[arg-type]  # as much of a cargo as is asked for


def keys_of(batches: Sequence[Batch]) -> list[list[str]]:
    return [[each.flight.item_key(item)[0] for each, item in batch.items()] for batch in batches]


def hot_sidings(*keys: str) -> HotKeyQueues:
    sidings = HotKeyQueues(HotKeyDetector(0.0))
    sidings.open(list(keys), 0.0)
    return sidings


def test_runs_are_divided_into_hot_items_and_the_others() -> None:
    sidings = hot_sidings("h")
    free, hot = sidings.part([run("a", "h", "b", "c", "h"), run("h"), run("d")])
    assert [(each.first, each.stop) for each in free] == [(0, 1), (2, 4), (0, 1)]
    assert [(each.first, each.stop) for each in hot] == [(1, 2), (4, 5), (0, 1)]


def test_without_a_hot_key_nothing_is_divided() -> None:
    runs = [run("a", "b")]
    assert HotKeyQueues(HotKeyDetector(0.0)).part(runs) == (runs, [])


def test_suspects_are_left_to_the_search_for_the_bad_row() -> None:
    suspect = run("h")
    suspect.suspect = True
    assert hot_sidings("h").part([suspect]) == ([suspect], [])


def test_the_reader_does_not_pause_for_what_waits_in_sidings() -> None:
    backlog = RetryQueue(10, hot_sidings("h"))
    backlog.add([run(*["h"] * 500)], 0.0)
    assert not backlog.is_full
    assert backlog.items == 0
    backlog.add([run("a", "h", "b")], 0.0)
    assert backlog.items == 2
    assert backlog.next_due == 0.0


def test_a_refused_item_waits_as_long_as_any_other_before_its_turn() -> None:
    """Else a hot key that takes nothing for a moment would use up all attempts of an item in that moment."""
    backlog = RetryQueue(10, hot_sidings("h"))
    again = run("h")
    again.tries = 1
    backlog.add([again], 5.0)
    assert backlog.take_due(4.9) == []
    assert backlog.next_due == 5.0
    assert keys_of(backlog.take_due(5.0)) == [["h"]]
    assert backlog.items == 0


def test_a_siding_keeps_its_own_pace() -> None:
    """At 1,000 WCU/s a second's worth takes a second, and what is given out passes the turnstile."""
    sidings = hot_sidings("h")
    sidings.hold([run(*["h"] * 500)])
    now, given = 0.0, 0
    while sidings.items:
        batches = sidings.take_due(now)
        given += sum(map(len, batches))
        assert given <= START_WCU * now + 26
        assert all(sidings.part(batch.runs) == (batch.runs, []) for batch in batches)
        due = sidings.next_due
        if due is None:
            break
        now = due
    assert given == 500
    assert 0.4 < now < 0.6


def test_what_is_refused_slows_its_own_siding_only() -> None:
    sidings = hot_sidings("h", "i")
    for number in range(20):
        assert sidings.judge("h", number * 0.05, 25, 25, number * 0.05)
        assert sidings.judge("i", number * 0.05, 25, 0, number * 0.05)
    sidings.hold([run(*["h"] * 100), run(*["i"] * 100)])
    taken = keys_of([batch for number in range(10) for batch in sidings.take_due(1.0 + number * 0.005)])
    assert sum(batch.count("i") for batch in taken) > sum(batch.count("h") for batch in taken)
    assert not sidings.judge("other", 0.0, 25, 25, 1.0)


def test_items_that_were_sent_before_go_first() -> None:
    sidings = hot_sidings("h")
    sidings.hold([run(*["h"] * 40)])
    again = run("h")
    again.tries = 1
    sidings.hold([again])
    assert sidings.take_due(0.0)[0].runs[0] is not None
    assert sidings.items == 41 - 25


def test_a_siding_that_is_not_refused_any_more_is_closed() -> None:
    heat = HotKeyDetector(0.0)
    heat.note(["h"] * 5 + ["a"] * 20, ["h"] * 5, 0.0)
    sidings = HotKeyQueues(heat)
    sidings.open(["h"], 0.0)
    sidings.take_due(COOL_S - 1)
    assert sidings
    sidings.take_due(COOL_S + 1)
    assert not sidings
    assert heat.hot == set()
