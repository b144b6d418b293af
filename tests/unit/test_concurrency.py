"""How many requests in flight: steps of what the service takes, on a virtual clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from asyncloader.pacing.concurrency import LEAST, MOST, ConcurrencyLimit


@dataclass
class Course:
    """When requests were answered, and the limit at those moments."""

    answers: list[float] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)

    def per_s(self, first_s: float, stop_s: float) -> float:
        return sum(first_s <= at < stop_s for at in self.answers) / (stop_s - first_s)

    def limits_in(self, first_s: float, stop_s: float) -> list[int]:
        pairs = zip(self.answers, self.limits, strict=True)
        return [limit for at, limit in pairs if first_s <= at < stop_s]


def course(
    capacity: Callable[[float], int], base_s: float, seconds: float, *, jitter: float = 0.2, wanted: int = 10_000
) -> Course:
    """A service that works on `capacity` requests at once, each for `base_s`; others wait. We want `wanted` in flight."""
    chance, limiter, found = Random(1), ConcurrencyLimit(0.0), Course()
    events: list[tuple[float, int, float]] = []
    waiting: deque[float] = deque()
    in_flight = busy = count = 0

    def work(now: float) -> None:
        nonlocal busy, count
        while waiting and busy < capacity(now):
            busy, count = busy + 1, count + 1
            takes = base_s * (1.0 + jitter * chance.uniform(-1.0, 1.0))
            heapq.heappush(events, (now + takes, count, waiting.popleft()))

    def send(now: float) -> None:
        nonlocal in_flight
        while in_flight < min(limiter.limit, wanted):
            in_flight += 1
            waiting.append(now)
        work(now)

    send(0.0)
    while events and events[0][0] < seconds:
        now, _, sent_at = heapq.heappop(events)
        busy -= 1
        limiter.answered(now - sent_at, in_flight, now)
        in_flight -= 1
        found.answers.append(now)
        send(now)
        found.limits.append(limiter.limit)
    return found


@pytest.mark.parametrize(("takes", "base_s"), [(2, 0.005), (4, 0.05), (16, 0.02), (64, 0.05), (150, 0.1), (400, 0.1)])
def test_all_that_the_service_takes_is_used_and_little_more_is_in_flight(takes: int, base_s: float) -> None:
    found = course(lambda _: takes, base_s, 20.0)
    best = min(takes, MOST) / base_s
    assert found.per_s(5.0, 20.0) >= 0.95 * best
    assert max(found.limits_in(5.0, 20.0)) <= min(MOST, 3 * takes + 16)


def test_the_start_takes_a_few_round_trips() -> None:
    found = course(lambda _: 64, 0.05, 3.0)
    assert found.per_s(0.0, 1.0) >= 0.7 * 64 / 0.05


@pytest.mark.parametrize(("before", "after"), [(64, 16), (16, 64)])
def test_it_follows_what_the_service_takes(before: int, after: int) -> None:
    found = course(lambda now: before if now < 10.0 else after, 0.05, 40.0)
    assert found.per_s(12.0, 40.0) >= 0.95 * after / 0.05
    assert max(found.limits_in(14.0, 40.0)) <= 3 * after + 16


def test_a_service_that_has_become_slower_is_not_taken_for_a_queue_for_long() -> None:
    """The same capacity at four times the latency wants four times as many in flight; a probe finds it out."""
    found = Course()
    limiter, now = ConcurrencyLimit(0.0), 0.0
    while now < 60.0:
        latency_s = 0.05 if now < 20.0 else 0.2
        now += latency_s / limiter.limit
        limiter.answered(latency_s, limiter.limit, now)
        found.answers.append(now)
        found.limits.append(limiter.limit)
    limits = sorted(found.limits_in(45.0, 60.0))
    assert limits[len(limits) // 10] >= MOST / 2, "but for the probe itself"


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    found = course(lambda _: 1000, 0.02, 20.0, wanted=10)
    assert max(found.limits) <= 32


def test_noise_costs_little() -> None:
    found = course(lambda _: 64, 0.02, 40.0, jitter=0.9)
    assert found.per_s(5.0, 40.0) >= 0.93 * 64 / 0.02


def test_time_outs_lower_it_once_a_round_and_never_below_the_least() -> None:
    limiter = ConcurrencyLimit(0.0, start=100)
    for _ in range(50):
        limiter.timed_out(1.0)
    assert limiter.limit == 70
    for number in range(3000):
        limiter.answered(0.1, 1, 1.0 + number)
        limiter.timed_out(1.0 + number)
    assert limiter.limit == LEAST
