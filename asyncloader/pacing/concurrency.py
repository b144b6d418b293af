"""How many requests to have in flight, derived from their latency. Pure: times are passed in.

By Little's law the most that a service takes is its throughput times the latency of a request that need not wait;
more in flight only wait longer. That latency is the least mean of a round (as many answers as may be in flight). The
order of events:

1. Start: the limit doubles with every round while the latency stays what it is.
2. Follow: the limit goes towards itself times the ratio of the least latency to that of now, plus a short queue
   (its square root), as Netflix's concurrency-limits do it. Latency may double: here it has no value of its own, and
   noise must not cost throughput.
3. Probe: now and then the limit is a quarter of itself for two rounds, and the least latency is measured anew, as BBR does:
   the service may have become slower or faster.

A limit that is not reached does not grow: something else, the pace for example, is the bottleneck.
"""

from __future__ import annotations

from math import sqrt

LEAST, START, MOST = 2, 8, 256
TOLERANCE = 2.0
"""How much longer than the least latency requests may take before the limit falls."""
DEEPEST_CUT, AFTER_TIMEOUT = 0.5, 0.7
SMOOTHING = 0.5
"""How much of the way to its new value the limit goes in a round."""
REACHED = 0.9
"""The part of the limit that must have been in flight for it to be the bottleneck."""
ROUND_ANSWERS, ROUND_S = 8, 0.02
"""The least number of answers, and the least duration, of a round: less is chance."""
START_ENDS = 2
"""The number of consecutive slow rounds that end the start: a single one may be a short stall of the machine."""
PROBE_EVERY_S, PROBE_ROUNDS, PROBE_PART = 15.0, 2, 0.25


class ConcurrencyLimit:
    """Computes `limit` from the latency of every answer in seconds. Times are seconds of one monotonic clock."""

    def __init__(self, now: float, *, start: int = START, most: int = MOST) -> None:
        self._limit = float(start)
        self._most = most
        self._starting = True
        self._slow_rounds = 0
        self._least_s: float | None = None
        self._before_probe: float | None = None
        self._probe_rounds = 0
        self._probed_at = self._started = now
        self._answers = self._reached = 0
        self._latency_s = 0.0
        self._cut = False

    @property
    def limit(self) -> int:
        """How many requests may be in flight."""
        return round(self._limit)

    def answered(self, latency_s: float, in_flight: int, now: float) -> None:
        """An answer has come; `in_flight` counts its request."""
        if self._before_probe is not None and in_flight > self.limit:
            return  # it waited in the queue that the probe empties
        self._answers += 1
        self._latency_s += latency_s
        self._reached = max(self._reached, in_flight)
        if self._answers >= max(self.limit, ROUND_ANSWERS) and now - self._started >= ROUND_S:
            self._end_round(now)

    def timed_out(self, now: float) -> None:
        """A request has got no answer; counts once a round."""
        if not self._cut:
            self._cut = True
            self._starting = False
            self._set(self._limit * AFTER_TIMEOUT)

    def _end_round(self, now: float) -> None:
        mean_s = self._latency_s / self._answers
        full = self._reached >= REACHED * self._limit
        if self._before_probe is not None:
            self._probe(mean_s, now)
        else:
            self._least_s = mean_s if self._least_s is None else min(self._least_s, mean_s)
            if not self._cut:
                self._follow(TOLERANCE * self._least_s / max(mean_s, 1e-9), full)
            if now - self._probed_at >= PROBE_EVERY_S:
                self._before_probe, self._probe_rounds = self._limit, 0
                self._set(self._limit * PROBE_PART)
        self._start_round(now)

    def _follow(self, gradient: float, full: bool) -> None:
        limit = self._limit
        self._slow_rounds = 0 if gradient >= 1.0 else self._slow_rounds + 1
        if self._starting and self._slow_rounds < START_ENDS:
            if full and not self._slow_rounds:
                self._set(2 * limit)
            return
        self._starting = False
        wanted = limit * min(max(gradient, DEEPEST_CUT), 1.0) + sqrt(limit)
        if full or wanted < limit:
            self._set(limit + SMOOTHING * (wanted - limit))

    def _probe(self, mean_s: float, now: float) -> None:
        """The first round still has answers that waited."""
        self._probe_rounds += 1
        if self._probe_rounds < PROBE_ROUNDS:
            return
        assert self._before_probe is not None
        self._least_s = mean_s
        self._set(self._before_probe)
        self._before_probe = None
        self._probed_at = now

    def _set(self, limit: float) -> None:
        self._limit = min(max(limit, float(LEAST)), float(self._most))

    def _start_round(self, now: float) -> None:
        self._started = now
        self._answers = self._reached = 0
        self._latency_s = 0.0
        self._cut = False
