"""How long items and requests take. Pure: the clock is passed in.

`LatencyHistogram` has percentiles over the last one to two minutes, in memory that does not grow.
Durations are counted in buckets, each a twentieth longer than the one before, so a percentile is right to 5 %.
"""

from __future__ import annotations

import math

WINDOW_S = 60.0
_SHORTEST_S = 1e-5
_STEP = math.log(1.05)
_BUCKETS = 400
"""From 10 µs to about 50 minutes."""


class LatencyHistogram:
    """Counts durations; the moments are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._now = [0] * _BUCKETS
        self._before = [0] * _BUCKETS
        self._turned_at = -math.inf

    def add(self, duration_s: float, count: int, now: float) -> None:
        """`count` items took `duration_s` seconds and ended at `now`."""
        if now - self._turned_at >= WINDOW_S:
            self._turn(now)
        place = int(math.log(duration_s / _SHORTEST_S) / _STEP) + 1 if duration_s > _SHORTEST_S else 0
        self._now[min(place, _BUCKETS - 1)] += count

    def percentiles(self, shares: tuple[float, ...], now: float) -> tuple[float | None, ...]:
        """The seconds within which each share (0 to 1) of the items ended; None while there are none."""
        if now - self._turned_at >= WINDOW_S:
            self._turn(now)
        counts = [one + other for one, other in zip(self._now, self._before, strict=True)]
        total = sum(counts)
        return tuple(None if total == 0 else _duration_s(counts, math.ceil(share * total)) for share in shares)

    def _turn(self, now: float) -> None:
        is_old = now - self._turned_at >= 2 * WINDOW_S
        self._before = [0] * _BUCKETS if is_old else self._now
        self._now = [0] * _BUCKETS
        self._turned_at = now


class RoundTrip:
    """The time that requests take: `seconds` is a slow estimate of it, `jitter_s` of how far single ones are from that."""

    def __init__(self) -> None:
        self.seconds = self.jitter_s = 0.0

    def add(self, seconds: float) -> None:
        """One request took this time."""
        if not self.seconds:
            self.seconds = seconds
            return
        away = seconds - self.seconds
        self.jitter_s += 0.05 * (abs(away) - self.jitter_s)
        # The first answers are the fastest ones, and a search must not believe them.
        self.seconds += (0.3 if away > 0 else 0.05) * away


def _duration_s(counts: list[int], rank: int) -> float:
    """The upper end of the bucket that holds the item of this rank."""
    seen = 0
    for place, count in enumerate(counts):
        seen += count
        if seen >= max(rank, 1):
            return _SHORTEST_S * math.exp(place * _STEP)
    raise AssertionError("a rank beyond all items")
