"""How much of a table's capacity a load may use."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.values.errors import UsageError

UTILIZATION = 0.95
"""Of the described capacity: what is left keeps a table that others use, too, from being throttled."""


@dataclass(frozen=True, slots=True)
class PacingSettings:
    """`max_wcu` caps the WCU used in any second; `utilization` is the part of the described capacity that is used.

    The lower of the two holds. A `utilization` of None leaves `max_wcu` as the only pace: the description is not
    followed, nothing is learnt, and what is refused is only sent again later.
    """

    max_wcu: float | None = None
    utilization: float | None = UTILIZATION

    def __post_init__(self) -> None:
        if self.max_wcu is not None and not self.max_wcu >= 1:
            raise UsageError(f"--max-wcu takes 1 or more WCU a second, not {self.max_wcu}")
        if self.utilization is not None and not 0 < self.utilization <= 1:
            raise UsageError(
                f"--utilization takes a part of the described capacity, more than 0 and at most 1, or 'off', not {self.utilization:g}"
            )

    @classmethod
    def parse(cls, max_wcu: float | None, utilization: str) -> PacingSettings:
        """Read the options of the command; raises `UsageError`."""
        if utilization == "off":
            return cls(max_wcu, None)
        try:
            return cls(max_wcu, float(utilization))
        except ValueError:
            raise UsageError(
                f"--utilization takes a part of the described capacity such as 0.95, or 'off', not {utilization!r}"
            ) from None
