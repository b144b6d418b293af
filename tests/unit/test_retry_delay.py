"""Waiting: full jitter within its bounds, and an end to trying where nothing advances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.batching.batch import ItemRange
from asyncloader.batching.block_in_flight import InFlightBlock
from asyncloader.batching.retry_queue import is_exhausted, note_attempt, retry_delay_s
from asyncloader.values.settings import RetrySettings
from tests.properties.effort import usual
from tests.properties.encoded import block_of_lengths

RETRY = RetrySettings(attempts=12, base_s=0.05, cap_s=20.0)
BLOCK = InFlightBlock(block_of_lengths([10]))


def run(tries: int = 0, stalled: int = 0) -> ItemRange:
    return ItemRange(BLOCK, 0, 1, tries=tries, stalled=stalled)


def attempts(advances: list[int]) -> ItemRange:
    """A run that was sent once for each of these, while the load had settled these numbers of items."""
    sent = run()
    for advance in advances:
        note_attempt(sent, advance)
    return sent


@usual
@given(st.integers(1, 1000), st.integers(0, 1000), st.floats(0, 1))
def test_a_delay_lies_between_nothing_and_the_cap(tries: int, stalled: int, luck: float) -> None:
    assert 0 <= retry_delay_s([run(tries, stalled)], RETRY, lambda: luck) <= RETRY.cap_s


@usual
@given(st.integers(1, 40), st.integers(0, 40), st.floats(0, 1))
def test_a_delay_is_drawn_from_all_of_its_range(tries: int, stalled: int, luck: float) -> None:
    """Full jitter: half the luck is half the delay, and none is none."""
    longest = retry_delay_s([run(tries, stalled)], RETRY, lambda: 1.0)
    assert retry_delay_s([run(tries, stalled)], RETRY, lambda: luck) == pytest.approx(luck * longest)


def test_delays_double_while_nothing_advances_up_to_the_cap() -> None:
    longest = [retry_delay_s([run(tries, tries - 1)], RETRY, lambda: 1.0) for tries in range(2, 14)]
    assert longest == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20, 20, 20])


def test_delays_stay_short_while_the_load_advances() -> None:
    assert retry_delay_s([run(tries=50)], RETRY, lambda: 1.0) == pytest.approx(0.05 * 2**4)


def test_the_first_refusal_waits_the_shortest_time() -> None:
    assert retry_delay_s([run(tries=1)], RETRY, lambda: 1.0) == pytest.approx(RETRY.base_s)


def test_runs_that_wait_together_wait_for_the_one_with_the_longest_history() -> None:
    runs = [run(1), run(6, 5), run(2)]
    assert retry_delay_s(runs, RETRY, lambda: 1.0) == retry_delay_s([runs[1]], RETRY, lambda: 1.0)


def test_an_attempt_counts_as_stalled_only_when_nothing_was_settled_since_the_last() -> None:
    assert [attempts([0] * times).stalled for times in range(1, 5)] == [0, 1, 2, 3]
    assert attempts([0, 0, 5]).stalled == 0
    assert attempts([0, 0, 5, 5]).stalled == 1


def test_a_run_remembers_its_tries_and_when_the_first_one_was() -> None:
    sent = attempts([3, 3, 8])
    assert (sent.tries, sent.first_advance, sent.advance) == (3, 3, 8)


def test_a_run_is_spent_after_as_many_attempts_as_it_may_have_without_any_advance() -> None:
    sent = run()
    spent = []
    for _ in range(RETRY.attempts):
        note_attempt(sent, advance=7)
        spent.append(is_exhausted(sent, 7, RETRY))
    assert spent == [False] * (RETRY.attempts - 1) + [True]


def test_a_run_is_not_spent_when_something_was_settled_meanwhile() -> None:
    sent = attempts([7] * RETRY.attempts)
    assert is_exhausted(sent, 7, RETRY)
    assert not is_exhausted(sent, 8, RETRY)


@usual
@given(st.integers(1, 200))
def test_a_run_is_never_spent_while_the_load_advances(times: int) -> None:
    assert not is_exhausted(attempts(list(range(times))), times, RETRY)


def test_many_tries_of_a_load_that_advanced_do_not_count_when_it_stalls() -> None:
    sent = attempts([*range(50), 49])
    assert not is_exhausted(sent, 49, RETRY)


def test_a_single_attempt_may_be_all() -> None:
    assert is_exhausted(attempts([0]), 0, RetrySettings(attempts=1))
