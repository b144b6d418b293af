"""Bytes in flight on a slow link of a given number of bytes a second, shared by all requests, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from asyncloader.pacing.congestion_window import LEAST_BYTES, CongestionWindow

TIMEOUT_S = 30.0
MB = 1e6


@dataclass
class Course:
    """Bytes that got through and when, when requests timed out, and the limits."""

    through: list[tuple[float, float]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    limits: list[tuple[float, float | None]] = field(default_factory=list)

    def used(self, first_s: float, stop_s: float) -> float:
        return sum(size for at, size in self.through if first_s <= at < stop_s) / (stop_s - first_s)


def course(
    link: Callable[[float], float], item_bytes: float, seconds: float, *, blocks_bytes: float = 6 * MB
) -> Course:
    """Requests of up to 25 items share the link evenly; 6 MB are read ahead, up to 32 requests are in flight."""
    window, found, now, step = CongestionWindow(TIMEOUT_S), Course(), 0.0, 0.05
    flying: list[list[float]] = []  # sent at, size, bytes left
    while now < seconds:
        while len(flying) < 32:
            in_flight = sum(size for _, size, _ in flying)
            size = min(25 * item_bytes, 1 * MB, max(window.request_bytes or MB, item_bytes))
            size = max(size // item_bytes, 1) * item_bytes
            limit = window.limit_bytes
            if in_flight + size > blocks_bytes or (limit is not None and flying and in_flight + size > limit):
                break
            flying.append([now, size, size])
        now += step
        share = link(now) * step / len(flying)
        for each in list(flying):
            each[2] -= share
            in_flight = sum(size for _, size, _ in flying)
            if each[2] <= 0:
                window.answered(each[1], in_flight, each[0], now)
                found.through.append((now, each[1]))
                flying.remove(each)
            elif now - each[0] >= TIMEOUT_S:
                window.timed_out(in_flight, each[0], now)
                found.timeouts.append(now)
                flying.remove(each)
        found.limits.append((now, window.limit_bytes))
    return found


@pytest.mark.parametrize("item_bytes", [1e3, 20e3, 300e3])
def test_a_wide_way_has_no_limit(item_bytes: float) -> None:
    found = course(lambda _: 5 * MB, item_bytes, 60.0)
    assert not found.timeouts
    assert {limit for _, limit in found.limits} == {None}


@pytest.mark.parametrize("item_bytes", [20e3, 300e3])
def test_where_everything_times_out_the_window_shrinks_until_it_gets_through(item_bytes: float) -> None:
    """6 MB at 100 KB/s take a minute; without a limit nothing would ever arrive in time."""
    found = course(lambda _: 0.1 * MB, item_bytes, 600.0)
    assert found.used(100.0, 600.0) >= 0.9 * 0.1 * MB
    assert not [at for at in found.timeouts if at > 100.0]


def test_it_grows_again_and_is_lifted() -> None:
    found = course(lambda now: 0.1 * MB if now < 300.0 else 5 * MB, 20e3, 500.0)
    assert found.limits[-1][1] is None
    assert found.used(420.0, 500.0) >= 0.9 * 5 * MB


def test_a_link_that_becomes_slow_is_noticed_before_much_times_out() -> None:
    found = course(lambda now: 5 * MB if now < 20.0 else 0.15 * MB, 20e3, 400.0)
    assert len(found.timeouts) <= 40
    assert not [at for at in found.timeouts if at > 120.0]
    assert found.used(120.0, 400.0) >= 0.9 * 0.15 * MB


def test_what_timed_out_together_counts_once() -> None:
    window = CongestionWindow(TIMEOUT_S)
    for _ in range(20):
        window.timed_out(8 * MB, 0.0, 30.0)
    assert window.limit_bytes == 4 * MB


def test_small_requests_are_never_the_reason() -> None:
    window = CongestionWindow(TIMEOUT_S)
    for _ in range(20):
        window.answered(3000.0, 90_000.0, 0.0, 20.0)
    assert window.limit_bytes is None


def test_there_is_always_room_for_something() -> None:
    window = CongestionWindow(TIMEOUT_S)
    for number in range(50):
        window.timed_out(100.0, 40.0 * number, 40.0 * number + 30.0)
    assert window.limit_bytes == LEAST_BYTES
