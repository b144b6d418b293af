"""Latencies: percentiles that are right to a twentieth, of the last minute or two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.pacing.latency import WINDOW_S, LatencyHistogram
from tests.properties.effort import usual


@usual
@given(st.lists(st.floats(2e-5, 1000), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_is_right_to_a_twentieth(durations: list[float], share: float) -> None:
    latencies = LatencyHistogram()
    for duration in durations:
        latencies.add(duration, 1, 5.0)
    (found,) = latencies.percentiles((share,), 5.0)
    rank = max(1, -(-int(share * len(durations) * 1e9) // int(1e9)))
    around = sorted(durations)[max(rank - 2, 0) : rank + 1]
    assert found is not None
    assert min(around) * 0.999 <= found <= max(around) * 1.06


def test_items_count_as_many_as_they_are() -> None:
    latencies = LatencyHistogram()
    latencies.add(0.01, 99, 0.0)
    latencies.add(1.0, 1, 0.0)
    p50, p99, p100 = latencies.percentiles((0.5, 0.99, 1.0), 0.0)
    assert p50 == p99 == pytest.approx(0.01, rel=0.06)
    assert p100 == pytest.approx(1.0, rel=0.06)


def test_what_is_old_is_forgotten() -> None:
    latencies = LatencyHistogram()
    latencies.add(1.0, 1, 0.0)
    assert latencies.percentiles((0.5,), WINDOW_S * 1.5) != (None,)
    assert latencies.percentiles((0.5,), WINDOW_S * 4) == (None,)


def test_nothing_yet_is_none() -> None:
    assert LatencyHistogram().percentiles((0.5, 0.99), 0.0) == (None, None)


@pytest.mark.parametrize("duration", [-1.0, 0.0, 1e-9, 1e9])
def test_no_duration_is_too_odd(duration: float) -> None:
    latencies = LatencyHistogram()
    latencies.add(duration, 1, 0.0)
    assert latencies.percentiles((1.0,), 0.0)[0] is not None
