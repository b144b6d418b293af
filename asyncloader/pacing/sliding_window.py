"""A sliding window: no second may hold more than a cap allows.

Even spacing alone may put a request too many into some second, where requests are large against the cap. Pure.
"""

from __future__ import annotations

from collections import deque
from math import ceil

OVER_CAP, SECOND_S = 1.05, 1.03
"""The cap may be exceeded by 5% in any second; the seconds looked at are a little longer, as timers fire late."""
SPARED = 150
"""The part of the cap that is left over, in whole units: a request may be faster on its way than the one before it."""


class SlidingWindow:
    """What was sent in the last second, in WCU; times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._sent: deque[list[float]] = deque()
        self._booked = [0.0, 0.0]
        self._wcu = 0.0

    def wait_s(self, cost: float, cap: float, now: float, wait_s: float) -> float:
        """Enter a request that may go after `wait_s`; returns how long it must wait because of the cap."""
        sent, most = self._sent, max(OVER_CAP * cap - cap // SPARED, ceil(cap))
        while sent and (sent[0][0] <= now + wait_s - SECOND_S or self._wcu + cost > most):
            at, wcu = sent.popleft()
            self._wcu = self._wcu - wcu if sent else 0.0
            wait_s = max(wait_s, at + SECOND_S - now)
        self._booked = [now + wait_s, cost]
        sent.append(self._booked)
        self._wcu += cost
        return wait_s

    def stamp(self, now: float) -> None:
        """The request that was entered last is sent now: a timer may fire late, and the seconds are those of the sending."""
        self._booked[0] = max(now, self._booked[0])

    def correct(self, more: float) -> None:
        """What was sent last has cost `more` WCU beyond what it was entered with."""
        if self._sent:
            self._sent.append([self._booked[0], more])
            self._wcu += more
