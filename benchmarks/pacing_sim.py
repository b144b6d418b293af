"""A load against a token bucket in virtual time: what the pacer does, second by second. Deterministic by its seed.

`python -m benchmarks.pacing_sim` draws step responses; the tests of `asyncloader.pacing.pacer` assert them.

The order of events: a worker takes items that are due again, fills up with fresh ones, reserves a place (one worker
at a time) and sends. Half a latency later the server takes what its bucket allows, item by item; another half later
the worker is told what was refused, and those items wait a random time before they compete with fresh ones again.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from asyncloader.pacing.limits import Limits
from asyncloader.pacing.pacer import Pacer

BATCH_ITEMS, RETRY_BASE_S, RETRY_EXPONENT = 25, 0.05, 4
Taken = list[tuple[int, int]]
"""Items of one request as (how many, how often they were sent before)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is simulated. `capacity` is WCU/s at a time, `cost_ratio` true by predicted cost, `supply` items ever read."""

    limits: Limits
    capacity: Callable[[float], float]
    seconds: float = 30.0
    item_wcu: float = 1.0
    cost_ratio: Callable[[random.Random], float] = lambda _: 1.0
    workers: int = 32
    latency_s: tuple[float, float] = (0.005, 0.015)
    timer_late_s: float = 0.001
    burst_s: float = 1.0
    supply: Callable[[float], float] = lambda _: math.inf
    relimits: tuple[tuple[float, Limits], ...] = ()
    seed: int = 1


@dataclass(slots=True)
class Course:
    """What came of it: (when sent, WCU), (when arrived, WCU accepted, WCU refused) and (when, rate)."""

    scene: Scene
    sent: list[tuple[float, float]] = field(default_factory=list)
    taken: list[tuple[float, float, float]] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)

    def accepted(self, first_s: float, stop_s: float) -> float:
        return sum(wcu for at, wcu, _ in self.taken if first_s <= at < stop_s)

    def used(self, first_s: float, stop_s: float) -> float:
        """Accepted WCU by what the capacity would have given without anything saved."""
        step = (stop_s - first_s) / 1000
        return self.accepted(first_s, stop_s) / sum(
            self.scene.capacity(first_s + (i + 0.5) * step) * step for i in range(1000)
        )

    def refused(self, first_s: float, stop_s: float) -> float:
        """Fraction of the WCU sent that was refused."""
        refused = sum(wcu for at, _, wcu in self.taken if first_s <= at < stop_s)
        return refused / max(refused + self.accepted(first_s, stop_s), 1.0)

    def rate_range(self, first_s: float, stop_s: float) -> tuple[float, float]:
        """Least and greatest rate by the capacity of that moment."""
        ratios = [rate / self.scene.capacity(at) for at, rate in self.rates if first_s <= at < stop_s]
        return min(ratios), max(ratios)

    def heaviest_second(self, first_s: float) -> float:
        """The most WCU sent in any window of one second that starts after `first_s`."""
        most = total = 0.0
        sent = [entry for entry in self.sent if entry[0] >= first_s]
        first = 0
        for at, wcu in sent:
            total += wcu
            while sent[first][0] <= at - 1.0:
                total -= sent[first][1]
                first += 1
            most = max(most, total)
        return most


class _World:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.course = Course(scene)
        self.pacer = Pacer(scene.limits, 0.0, workers=scene.workers)
        self._random = random.Random(scene.seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._again: list[tuple[float, int, int, int]] = []
        self._count = 0
        self._idle_workers, self._gate_free, self._polling = scene.workers, True, False
        self._read = 0
        self._tokens, self._settled_at = scene.capacity(0.0) * scene.burst_s, 0.0

    def run(self) -> Course:
        for at, limits in self.scene.relimits:
            self._at(at, partial(self._relimit, limits))
        self._next(0.0)
        while self._events:
            now, _, event = heapq.heappop(self._events)
            if now > self.scene.seconds:
                break
            event(now)
        return self.course

    def _relimit(self, limits: Limits, now: float) -> None:
        self.pacer.relimit(limits)

    def _at(self, when: float, event: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, event))

    def _next(self, now: float) -> None:
        """The next worker, if there is one, takes its items to the pacing gate."""
        if not self._gate_free or not self._idle_workers:
            return
        items = self._take(now)
        if not items:
            if not self._polling:
                self._polling = True
                self._at(now + 0.002, self._poll)
            return
        self._idle_workers -= 1
        self._gate_free = False
        wait = self.pacer.reserve(sum(number for number, _ in items) * self.scene.item_wcu, now)
        late = self._random.random() * self.scene.timer_late_s if wait else 0.0
        self._at(now + wait + late, lambda now: self._send(items, now))

    def _poll(self, now: float) -> None:
        self._polling = False
        self._next(now)

    def _take(self, now: float) -> Taken:
        room = max(1, min(BATCH_ITEMS, int(self.pacer.batch_wcu / self.scene.item_wcu)))
        items: Taken = []
        while self._again and self._again[0][0] <= now and room:
            due, order, number, tries = heapq.heappop(self._again)
            items.append((min(number, room), tries))
            if number > room:
                heapq.heappush(self._again, (due, order, number - room, tries))
            room -= items[-1][0]
        fresh = int(min(room, self.scene.supply(now) - self._read))
        if fresh > 0:
            self._read += fresh
            items.append((fresh, 0))
        return items

    def _send(self, items: Taken, now: float) -> None:
        ratio = self.scene.cost_ratio(self._random)
        self.course.sent.append((now, sum(number for number, _ in items) * self.scene.item_wcu * ratio))
        half = self._random.uniform(*self.scene.latency_s) / 2
        self._at(now + half, lambda arrived: self._arrive(items, ratio, now, half, arrived))
        self._gate_free = True
        self._next(now)

    def _arrive(self, items: Taken, ratio: float, sent_at: float, half: float, now: float) -> None:
        """As in `tests/faultserver/capacity.py`: a write larger than the bucket passes when that is full."""
        rate, cost = self.scene.capacity(now), self.scene.item_wcu * ratio
        full = rate * self.scene.burst_s
        self._tokens = min(self._tokens + rate * (now - self._settled_at), full)
        self._settled_at = now
        number, accepted = sum(each for each, _ in items), 0
        while accepted < number and self._tokens >= min(cost, full):
            self._tokens -= cost
            accepted += 1
        self.course.taken.append((now, accepted * cost, (number - accepted) * cost))
        self._at(now + half, lambda now: self._answered(items, ratio, sent_at, accepted, now))

    def _answered(self, items: Taken, ratio: float, sent_at: float, accepted: int, now: float) -> None:
        wcu, number = self.scene.item_wcu, sum(each for each, _ in items)
        self.pacer.learn_cost(accepted * wcu, accepted * wcu * ratio)
        self.pacer.judge(sent_at, number * wcu, (number - accepted) * wcu, now)
        self.course.rates.append((now, self.pacer.rate))
        refused = number - accepted
        for each, tries in items:
            again = min(each, refused)
            if again:
                refused -= again
                self._count += 1
                due = now + self._random.random() * RETRY_BASE_S * 2 ** min(tries, RETRY_EXPONENT)
                heapq.heappush(self._again, (due, self._count, again, tries + 1))
        self._idle_workers += 1
        self._next(now)


def simulate(scene: Scene) -> Course:
    """Run a scene to its end."""
    return _World(scene).run()


def step(before: float, after: float, at: float = 10.0) -> Callable[[float], float]:
    """A capacity that changes once."""
    return lambda now: before if now < at else after


def _draw(title: str, course: Course) -> None:
    print(f"\n{title}: refused {course.refused(0, course.scene.seconds):.1%}")
    print("     s  capacity  accepted  refused   rate")
    for second in range(int(course.scene.seconds)):
        capacity = course.scene.capacity(second + 0.5)
        accepted, refused = course.accepted(second, second + 1), course.refused(second, second + 1)
        rate = [rate for at, rate in course.rates if at < second + 1][-1]
        bar = "#" * min(round(40 * accepted / capacity), 70)
        print(f"{second:6} {capacity:9,.0f} {accepted:9,.0f} {refused:8.1%} {rate:9,.0f} |{bar}")


if __name__ == "__main__":
    for before, after in ((1_000.0, 1_000.0), (1_000.0, 2_000.0), (2_000.0, 1_000.0), (40_000.0, 10_000.0)):
        scene = Scene(Limits(4_000.0), step(before, after), seconds=20.0)
        _draw(f"{before:,.0f} to {after:,.0f} WCU/s after 10 s, 4,000 at the start", simulate(scene))
