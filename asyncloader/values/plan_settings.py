"""What a plan needs to know besides the settings of the load that it plans."""

from __future__ import annotations

from dataclasses import dataclass, field

from asyncloader.values.errors import UsageError
from asyncloader.values.schema import KeyAttribute
from asyncloader.values.settings import LoadSettings


def parse_sample(text: str) -> float:
    """Read `5%` or `0.05` as a fraction; raises `UsageError`."""
    try:
        fraction = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        fraction = 0.0
    if not 0 < fraction <= 1:
        raise UsageError(f"--sample takes a percentage like 5%, not {text!r}")
    return fraction


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """`sample` is the fraction of the sources to read (None: all), `key` and `sort_key` stand for a table that nobody
    described, `wcu` for the capacity of a provisioned table in WCU/s, `price_usd` for the price of a million write
    request units in US dollars."""

    load: LoadSettings = field(default_factory=LoadSettings)
    key: KeyAttribute | None = None
    sort_key: KeyAttribute | None = None
    sample: float | None = None
    wcu: float | None = None
    price_usd: float | None = None

    def __post_init__(self) -> None:
        if self.key is not None and self.sort_key is not None and self.key.name == self.sort_key.name:
            raise UsageError("--key and --sort-key must differ")
        if self.sample is not None and not 0 < self.sample <= 1:
            raise UsageError(f"the sample must be a fraction between 0 and 1, not {self.sample}")
        if self.sample is not None and self.load.limit is not None:
            raise UsageError(
                "--sample and --limit contradict one another: a part spread over the source, or its first rows?"
            )
        if self.wcu is not None and not self.wcu >= 1:
            raise UsageError(f"--wcu takes 1 or more WCU a second, not {self.wcu:g}")
        if self.price_usd is not None and not self.price_usd >= 0:
            raise UsageError(f"--price takes US dollars for a million write request units, not {self.price_usd:g}")

    @property
    def utilization(self) -> float:
        """How much of a capacity that somebody has set a load uses; all of it where it does not look at it."""
        return self.load.pacing.utilization or 1.0
