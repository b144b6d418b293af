"""From a sample of blocks to the whole: a figure grows with the bytes, and how blocks differ tells how sure that is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

NONE_FOUND = 3.0
"""Where none of so many is found, there are fewer than 3 with 95% confidence (the rule of three)."""


@dataclass(slots=True)
class Ratio:
    """The ratio estimator for clusters: a block of `size` bytes holds `amount` of something."""

    blocks: int = 0
    size: float = 0.0
    amount: float = 0.0
    _size_2: float = 0.0
    _amount_2: float = 0.0
    _both: float = 0.0

    def add(self, size: float, amount: float) -> None:
        """The next block that was read."""
        self.blocks += 1
        self.size += size
        self.amount += amount
        self._size_2 += size * size
        self._amount_2 += amount * amount
        self._both += size * amount

    def spread(self, fraction: float) -> int:
        """Half of the 95% interval of the amount in the whole, of which `fraction` was read (in bytes)."""
        if fraction >= 1.0:
            return 0
        if not self.amount:
            return ceil(NONE_FOUND / fraction)
        if self.blocks < 2:
            return ceil(self.amount / fraction)
        ratio = self.amount / self.size
        squares = max(self._amount_2 - 2 * ratio * self._both + ratio * ratio * self._size_2, 0.0)
        whole = self.blocks / fraction
        variance = (1.0 - fraction) * whole * whole * squares / (self.blocks - 1) / self.blocks
        return ceil(1.96 * sqrt(variance))
