"""Different keys and repeated ones: exact, then over a fair part of the keys."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.planning.estimators import KeyCounter, Repeats
from tests.properties.effort import usual


def hashes(
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Numbers spread over 64 bits."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(29))


@usual
@given(st.lists(st.lists(st.integers(0, 40), max_size=60), max_size=8))
def test_few_keys_are_counted_exactly(blocks: list[list[int]]) -> None:
    counter = KeyCounter(most=100)
    for block in blocks:
        counter.add(hashes(np.array(block, dtype=np.uint64)))
    counts = Counter(number for block in blocks for number in block)
    assert counter.repeats() == Repeats(len(counts), sum(counts.values()) - len(counts), 0, exact=True)


def test_many_keys_without_a_repeated_one_are_told_to_have_none() -> None:
    """Which no sketch for distinct counts could: it errs by a percent of all keys."""
    counter = KeyCounter(most=1_000)
    for first in range(0, 200_000, 10_000):
        counter.add(hashes(np.arange(first, first + 10_000, dtype=np.uint64)))
    told = counter.repeats()
    assert (told.rows, told.exact) == (0, False)
    assert 0 < told.spread <= 3 * 512
    assert told.keys == pytest.approx(200_000, rel=0.15)


def test_repeated_keys_scale_up_without_bias() -> None:
    """On the mean over many sets of keys, and within the spread that is told for nearly all of them."""
    chance = np.random.default_rng(4)
    told, within = [], 0
    for _ in range(60):
        counter, first = KeyCounter(most=500), int(chance.integers(2**40))
        keys = hashes(np.arange(first, first + 8_000, dtype=np.uint64))
        rows = np.concatenate([keys, keys[:2_000], keys[:1_000]])
        for block in np.array_split(chance.permutation(rows), 7):
            counter.add(block)
        found = counter.repeats()
        assert not found.exact
        told.append(found.rows)
        within += abs(found.rows - 3_000) <= found.spread
    assert np.mean(told) == pytest.approx(3_000, rel=0.05)
    assert within >= 52


def test_memory_is_bounded() -> None:
    counter = KeyCounter(most=1_000)
    for first in range(0, 1_000_000, 50_000):
        counter.add(hashes(np.arange(first, first + 50_000, dtype=np.uint64)))
        assert len(counter._hashes) <= 1_000
        assert counter._waiting <= 70_000
