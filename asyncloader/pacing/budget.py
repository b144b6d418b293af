"""What may still be spent: write capacity counted before it is used, so that a limit is not passed.

A request is sent only when its predicted cost fits beside what was used and what is in flight. Predictions come
from exact item sizes; what indexes and larger items that are overwritten add is learnt from the answers. Until the
first answer only one request is in flight, and afterwards the highest recent ratio is used, so that a limit is passed
by no more than the requests in flight cost beyond their prediction: by nothing where the table has no indexes.
"""

from __future__ import annotations

FORGET = 0.02
"""How much of the way the ratio goes towards a lower one with each answer; towards a higher one it goes at once."""
ROUNDING = 1e-6


class BudgetMeter:
    """Counts WCU towards a limit: `used_wcu` by the responses, `reserved` requests by the sizes of their items."""

    def __init__(self, limit_wcu: float, used_wcu: float = 0.0) -> None:
        self.limit_wcu = limit_wcu
        self.used_wcu = used_wcu
        self.reserved = 0
        self._ratio: float | None = None
        self._reserved_wcu = 0.0

    @property
    def room_wcu(self) -> float:
        """How much the next request may cost, in predicted WCU."""
        ratio = self._ratio
        if ratio is None:
            if self.reserved:
                return 0.0
            ratio = 1.0
        return (self.limit_wcu - self.used_wcu) / ratio - self._reserved_wcu + ROUNDING

    def reserve(self, predicted_wcu: float) -> None:
        """A request is about to be sent."""
        self.reserved += 1
        self._reserved_wcu += predicted_wcu

    def settle(self, predicted_wcu: float, accepted_wcu: float, consumed_wcu: float) -> None:
        """A request has ended: how much of the prediction was accepted, and what it cost; 0 where that is not known.

        What may have been written without an answer counts as accepted: better to stop too early than too late.
        """
        self.reserved -= 1
        self._reserved_wcu -= predicted_wcu
        self.used_wcu += consumed_wcu or accepted_wcu
        if consumed_wcu and accepted_wcu:
            seen = consumed_wcu / accepted_wcu
            if self._ratio is None or seen > self._ratio:
                self._ratio = seen
            else:
                self._ratio += FORGET * (seen - self._ratio)
        elif accepted_wcu and self._ratio is None:
            self._ratio = 1.0
