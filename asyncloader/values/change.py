"""What a load changes of its table's capacity."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.values.errors import UsageError


@dataclass(frozen=True, slots=True)
class CapacityChange:
    """`raise_wcu` is for the time of the load only; `prewarm` is for good. Both in WCU/s; None changes nothing."""

    raise_wcu: int | None = None
    prewarm: int | None = None

    def __post_init__(self) -> None:
        for option, value in (("--raise-wcu", self.raise_wcu), ("--prewarm", self.prewarm)):
            if value is not None and value < 1:
                raise UsageError(f"{option} takes 1 or more WCU a second, not {value}")
