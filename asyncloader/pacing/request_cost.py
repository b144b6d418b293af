"""What a request costs on average, and what follows from it: how much is evidence, and how long to wait for it. Pure."""

from __future__ import annotations

WEIGHT = 0.1
"""Of the newest request in the average."""
EVIDENCE_REQUESTS, EVIDENCE_S = 4.0, 0.01
"""Refusals worth less than this many requests, or this time at the rate, may be chance."""
STEADY_REQUESTS = 10.0
"""Where this many requests take longer than a second at the rate, their time is the unit instead of a second."""


class RequestCost:
    """The average cost of a request in WCU as the service counts them; 0 before the first."""

    def __init__(self) -> None:
        self.wcu = 0.0

    def add(self, wcu: float) -> None:
        """One request cost `wcu`."""
        self.wcu += (WEIGHT if self.wcu else 1.0) * (wcu - self.wcu)

    def evidence_wcu(self, rate: float) -> float:
        """The refused cost that is no chance, at `rate` WCU/s."""
        return max(EVIDENCE_REQUESTS * self.wcu, EVIDENCE_S * rate)

    def patience_s(self, rate: float) -> float:
        """The unit of time for measuring and probing, at `rate` WCU/s: a second, or longer where requests are few."""
        return max(1.0, STEADY_REQUESTS * self.wcu / rate)
