"""A table's capacity, measured from refusal to refusal.

At every refusal the table's bucket is empty, so what was accepted between two of them, by the time between them, is
the capacity, whatever was sent meanwhile. Pure: the clock is passed in.
"""

from __future__ import annotations

ALIKE, KEEP = 0.15, 0.6
"""Measurements that differ by less than `ALIKE` are averaged; `KEEP` is the weight of the older ones."""


class CapacityEstimate:
    """`capacity` is None until it was measured; `is_valid` says that the current measurement started at a refusal."""

    def __init__(self, now: float) -> None:
        self.capacity: float | None = None
        self.is_valid = False
        self.accepted = self.refused = self.seconds = 0.0
        self._accepted_before = 0.0
        self._started = now

    def begin(self, now: float) -> None:
        """A refusal: the bucket is empty now."""
        self.is_valid = True
        self.accepted = self.refused = 0.0
        self._started = now

    def age_s(self, now: float) -> float:
        return now - self._started

    def average(self, now: float) -> float:
        return self.accepted / max(now - self._started, 1e-9)

    def measure(self, now: float) -> None:
        """A refusal again: what was accepted since `begin` is the capacity, averaged with what it was before."""
        seen = self.average(now)
        alike = self.capacity is not None and abs(seen - self.capacity) < ALIKE * self.capacity
        # The end of one measurement is the start of the next, so their errors cancel in these sums.
        self.seconds = (KEEP * self.seconds if alike else 0.0) + now - self._started
        self._accepted_before = (KEEP * self._accepted_before if alike else 0.0) + self.accepted
        self.capacity = self._accepted_before / self.seconds

    def forget(self) -> None:
        """The capacity is nowhere near what was measured."""
        self.capacity = None
        self.seconds = self._accepted_before = 0.0
