"""The budget of a load: what it may use before it stops in good order, to be resumed with more."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from asyncloader.values.errors import UsageError

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """One limit of the capacity used since the load's first start, in WCU, and the option that set it."""

    option: str
    value: float
    wcu: float

    @property
    def named(self) -> str:
        """The option as people wrote it."""
        return f"{self.option} {plain(self.value, grouped=True)}"

    def larger(self, used_wcu: float, before_wcu: float) -> str:
        """The option's value that allows as much again, where `before_wcu` had been used when this run began."""
        portion = max(self.wcu - before_wcu, 0.0) or self.wcu
        return plain((max(self.wcu, used_wcu) + portion) * self.value / self.wcu)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a load may use: `wcu` and `cost` since its first start, `seconds` of each of its runs.

    `cost` is in the currency of `price`, which is for a million write request units of an on-demand table; None stands
    for the price that is known for the table's region.
    """

    wcu: float | None = None
    cost: float | None = None
    seconds: float | None = None
    price: float | None = None

    def __post_init__(self) -> None:
        for option, value, least, unit in (
            ("--stop-after-wcu", self.wcu, 1.0, "WCU"),
            ("--stop-after-cost", self.cost, 0.0, "of money"),
            ("--stop-after", self.seconds, 0.0, "of time"),
            ("--price", self.price, 0.0, "of money for a million write request units"),
        ):
            if value is None or (math.isfinite(value) and value >= least and value > 0):
                continue
            amount = f"{least:g} or more {unit}" if least else f"an amount {unit} above 0"
            raise UsageError(f"{option} takes {amount}, not {value:g}")

    @classmethod
    def of(cls, wcu: float | None, cost: float | None, time: str | float | None, price: float | None) -> Budget:
        """From what a caller gives; `time` is a number of seconds or a text like `1h30m`."""
        return cls(wcu, cost, parse_duration(time) if isinstance(time, str) else time, price)

    def limits(self, price: float | None) -> list[BudgetLimit]:
        """The limits of the capacity used; a cost becomes one at that price of a million units."""
        limits: list[BudgetLimit] = []
        if self.wcu is not None:
            limits.append(BudgetLimit("--stop-after-wcu", self.wcu, self.wcu))
        if self.cost is not None and price is not None:
            limits.append(BudgetLimit("--stop-after-cost", self.cost, self.cost / price * _MILLION))
        return limits


def plain(number: float, *, grouped: bool = False) -> str:
    """A number as people write it, without an exponent."""
    text = f"{number:,.8f}" if grouped else f"{number:.8f}"
    return text.rstrip("0").rstrip(".")


def parse_duration(text: str) -> float:
    """Read `90s`, `30m`, `2h` or `1h30m` as seconds; raises `UsageError`."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not any(match.groups()):
        raise UsageError(f"--stop-after takes a time like 90s, 30m, 2h or 1h30m, not {text!r}")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600.0 + int(minutes or 0) * 60.0 + float(seconds or 0)


def written_duration(seconds: float) -> str:
    """Seconds as `parse_duration` reads them."""
    minutes, left = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{left:g}s" if left else "")
    return "".join(parts) or "0s"
