"""Hot keys are told from a short table by what is refused while others pass."""

from __future__ import annotations

from random import Random

import pytest

from asyncloader.pacing.hot_keys import FADE_S, HOT, WATCHED, HotKeyDetector

BATCH = 25


def batch(chance: Random, keys: int, hot: float) -> list[str]:
    """The keys of a request: `hot` of all items have the same one."""
    return ["hot" if chance.random() < hot else f"k{chance.randrange(keys)}" for _ in range(BATCH)]


@pytest.mark.parametrize("hot", [0.04, 0.1, 0.5, 0.9])
def test_a_key_that_is_refused_while_others_pass_is_hot(hot: float) -> None:
    chance, detector = Random(1), HotKeyDetector(0.0)
    found: list[str] = []
    for _ in range(20):
        sent = batch(chance, 1_000, hot)
        if "hot" in sent:
            found += detector.note(sent, [key for key in sent if key == "hot"], 0.0)
    assert found == ["hot"]
    assert detector.hot == {"hot"}
    (top,) = detector.top()
    assert (top.key, top.share) == ("hot", 1.0)


def test_a_few_refusals_are_enough() -> None:
    detector = HotKeyDetector(0.0)
    cold = [f"k{number}" for number in range(20)]
    assert detector.note(["hot"] * 5 + cold, ["hot"] * 5, 0.0) == ["hot"]


@pytest.mark.parametrize("keys", [3, 50, 100_000])
@pytest.mark.parametrize("share", [0.04, 0.3, 0.9])
def test_a_short_table_makes_no_key_hot(keys: int, share: float) -> None:
    """Also where half of all rows have the same key, and where what was refused comes again and again."""
    for seed in range(5):
        chance, detector = Random(seed), HotKeyDetector(0.0)
        again: list[str] = []
        for number in range(400):
            sent = (again + batch(chance, keys, 0.5))[:BATCH]
            again = [key for key in sent if chance.random() < share]
            if again:
                assert detector.note(sent, again, number * 0.1) == []


def test_several_keys_may_be_hot() -> None:
    chance, detector = Random(1), HotKeyDetector(0.0)
    for _ in range(50):
        sent = [
            f"hot{chance.randrange(5)}" if chance.random() < 0.5 else f"k{chance.randrange(999)}" for _ in range(25)
        ]
        detector.note(sent, [key for key in sent if key.startswith("hot")], 0.0)
    assert detector.hot == {f"hot{number}" for number in range(5)}
    assert sum(each.share for each in detector.top()) == pytest.approx(1.0)


def test_memory_is_bounded() -> None:
    """However many keys are refused, few are watched; one that is refused often is not forgotten for one that is not."""
    chance, detector = Random(1), HotKeyDetector(0.0)
    detector.note(["hot"] * 5 + ["a"] * 20, ["hot"] * 5, 0.0)
    for _ in range(2_000):
        sent = [f"k{chance.randrange(10**6)}" for _ in range(BATCH)]
        detector.note(sent, sent[:10], 0.0)
    assert len(detector._seen) <= WATCHED
    assert [each.key for each in detector.top()] == ["hot"]
    for number in range(HOT * 2):
        detector.note_range([f"h{number}"] * 2, 0.0)
    assert len(detector.hot) == HOT


def test_a_request_refused_for_its_key_range_makes_keys_hot_that_stand_in_it_more_than_once() -> None:
    detector = HotKeyDetector(0.0)
    detector.note_passed(100)
    assert detector.note_range(["a", "a", "b"], 0.0) == ["a"]
    assert not detector.is_everywhere


def test_where_more_is_refused_for_its_range_than_passes_nobody_is_spared() -> None:
    detector = HotKeyDetector(0.0)
    detector.note_passed(10)
    detector.note_range([f"k{number}" for number in range(25)], 0.0)
    assert detector.is_everywhere
    assert detector.hot == set()


def test_what_was_seen_long_ago_counts_less() -> None:
    detector = HotKeyDetector(0.0)
    detector.note(["hot"] * 3 + ["a"] * 22, ["hot"] * 3, 0.0)
    assert detector.note(["hot", *["a"] * 24], ["hot"], FADE_S * 8) == []


def test_a_key_that_has_cooled_is_still_named() -> None:
    detector = HotKeyDetector(0.0)
    detector.note(["hot"] * 5 + ["a"] * 20, ["hot"] * 5, 0.0)
    detector.clear("hot")
    assert detector.hot == set()
    assert [(each.key, each.refused) for each in detector.top()] == [("hot", 5)]
    assert detector.top(0) == ()
