"""Why rows would be rejected: like reasons together, with the places of the first rows. Memory is bounded. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from asyncloader.formats.columns import BadRow
from asyncloader.values.plan import Location, Reason

MOST_REASONS = 100
SPOTS = 20
OTHERS = "other reasons"
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9]+|0x[0-9a-f]+")
"""What differs between rows that are rejected for the same thing."""


@dataclass(slots=True)
class ReasonTally:
    """Counts reasons; `spot` of `add` tells where a record of the block is, and is asked only for the first ones."""

    _found: dict[str, Reason] = field(default_factory=dict)

    def add(self, bad: list[BadRow], spot: Callable[[int], Location]) -> None:
        """The rejected rows of the next block."""
        for row in bad:
            reason = str(row)
            like = f"{row.column}: {_PARTICULAR.sub('?', row.reason)}"
            if like not in self._found and len(self._found) >= MOST_REASONS:
                like = reason = OTHERS
            known = self._found.get(like) or Reason(reason, 0, ())
            spots = known.spots if len(known.spots) >= SPOTS else (*known.spots, spot(row.record))
            self._found[like] = Reason(known.reason, known.rows + 1, spots)

    def plan(self, scale: float) -> tuple[Reason, ...]:
        """The reasons, those of most rows first."""
        usual = sorted(self._found.values(), key=lambda each: -each.rows)
        return tuple(replace(each, rows=round(each.rows * scale)) for each in usual)
