"""How many bytes may be in flight, where the network to the service is slow. Pure: times are passed in.

On most networks there is no limit, and nothing is counted. Requests that time out, or take far longer than what is usual
for their bytes, set one: multiplicative decrease, once for all that was in flight together, and additive increase with
every answer, until the limit is well above what was in flight when it was set, and is lifted. A request takes a share
of the window, so batches of large items shrink and grow with it; where that is less than one item, fewer go at once.
"""

from __future__ import annotations

KIB = 1024.0
LEAST_BYTES, LEAST_REQUEST_BYTES = 64 * KIB, 16 * KIB
REQUESTS = 8
"""The window is shared by this many requests: each takes that part of it."""
TIMED_OUT, TIMED_OUT_ALL, SLOW = 0.5, 0.125, 0.75
"""Factors on the window: after a time-out; after a time-out with no response since the last cut; after a slow response."""
SLOW_PART = 0.25
"""A request that takes this part of the time-out is on the way to one."""
SLOW_S, UNUSUAL = 1.0, 4.0
"""What takes longer than `SLOW_S`, and `UNUSUAL` times as long as is usual for its bytes, is slow, too."""
STEP_BYTES = 256 * KIB
"""By how much the window grows while as many bytes as it holds are answered."""
LIFTED = 2.0
FASTER, SLOWER = 0.3, 0.002
"""How quickly the usual time per byte follows faster and slower answers."""
TELLING_BYTES = 8 * KIB
"""Smaller requests tell nothing about the time per byte."""


class CongestionWindow:
    """Computes `limit_bytes`, None for no limit, from the outcome of requests of `size` bytes."""

    def __init__(self, timeout_s: float) -> None:
        self.limit_bytes: float | None = None
        self._timeout_s = timeout_s
        self._cut_at = float("-inf")
        self._answered_since_cut = True
        self._first_cut_bytes = 0.0
        self._usual_s: float | None = None

    @property
    def request_bytes(self) -> float | None:
        """How large a request should be at most; an item that is larger goes alone."""
        return None if self.limit_bytes is None else max(self.limit_bytes / REQUESTS, LEAST_REQUEST_BYTES)

    def answered(self, size: float, in_flight_bytes: float, sent_at: float, now: float) -> None:
        """An answer has come; `in_flight_bytes` counts its request."""
        latency_s = now - sent_at
        slow = self._is_slow(size, latency_s)
        self._learn(size, latency_s)
        if slow:
            self._cut(SLOW, in_flight_bytes, sent_at, now)
        if sent_at >= self._cut_at:
            self._answered_since_cut = True
        if self.limit_bytes is not None and not slow:
            self.limit_bytes += STEP_BYTES * size / self.limit_bytes
            if self.limit_bytes > LIFTED * self._first_cut_bytes:
                self.limit_bytes = None

    def timed_out(self, in_flight_bytes: float, sent_at: float, now: float) -> None:
        """No answer has come in time; `in_flight_bytes` counts the request."""
        self._cut(TIMED_OUT if self._answered_since_cut else TIMED_OUT_ALL, in_flight_bytes, sent_at, now)

    def _cut(self, part: float, in_flight_bytes: float, sent_at: float, now: float) -> None:
        if sent_at < self._cut_at:
            return  # it was on its way when the window was cut for the others
        if self.limit_bytes is None:
            self._first_cut_bytes = max(in_flight_bytes, LEAST_BYTES)
            self.limit_bytes = self._first_cut_bytes
        self.limit_bytes = max(min(self.limit_bytes, in_flight_bytes) * part, LEAST_BYTES)
        self._cut_at = now
        self._answered_since_cut = False

    def _is_slow(self, size: float, latency_s: float) -> bool:
        if size < TELLING_BYTES or latency_s < SLOW_S:
            return False
        if latency_s > SLOW_PART * self._timeout_s:
            return True
        return self._usual_s is not None and latency_s > UNUSUAL * self._usual_s * size

    def _learn(self, size: float, latency_s: float) -> None:
        if size < TELLING_BYTES:
            return
        seen = latency_s / size
        if self._usual_s is None:
            self._usual_s = seen
        else:
            self._usual_s += (FASTER if seen < self._usual_s else SLOWER) * (seen - self._usual_s)
