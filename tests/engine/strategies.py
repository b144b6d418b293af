"""Random files with repeated keys, and random scripts of faults."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.engine.loads import Row
from tests.faultserver import (
    BadCrc,
    CloseAfterAnswer,
    ExpiredToken,
    NotJson,
    RandomFaults,
    ReplicatedWriteConflict,
    ResetAfterWrite,
    ResetBeforeWrite,
    ServerError,
    Throttle,
    Truncated,
    Unprocessed,
)
from tests.faultserver.faults import Fault

REFUSED = "refused"
"""A value that the server's rule refuses, and with it the whole request."""

FAULTS: tuple[Fault, ...] = (
    Unprocessed(fraction=0.3),
    Unprocessed(all_but_one=True, normalised=True),
    Throttle(),
    Throttle(code="ThrottlingException"),
    Throttle(code="RequestLimitExceeded", reasons=()),
    ServerError(500, written=0.5),
    ServerError(500, written=1.0),
    ServerError(503),
    ReplicatedWriteConflict(),
    Truncated(20),
    BadCrc(),
    NotJson(b"<html>no</html>"),
    ResetBeforeWrite(),
    ResetAfterWrite(),
    CloseAfterAnswer(),
    CloseAfterAnswer(announced=True),
    ExpiredToken(),
)


@st.composite
def rows(draw: st.DrawFn, *, refusals: bool = False, numbers: bool = False) -> list[Row]:
    """Up to a few hundred rows over a few dozen keys; each value says which row it was."""
    count = draw(st.integers(0, 300))
    spread = draw(st.integers(1, 60))
    chance = draw(st.randoms(use_true_random=False))
    made: list[Row] = []
    for number in range(count):
        key = chance.randrange(spread)
        text = chance.choice(_spellings(key)) if numbers else f"k{key}"
        if chance.random() < 0.03:
            text = ""
        value = REFUSED if refusals and chance.random() < 0.05 else f"v{number}"
        made.append(
            (text, value, chance.choice(("", "plain", 'q"uote', "line\nbreak", "ünï", "x" * chance.randrange(200))))
        )
    return made


def _spellings(number: int) -> list[str]:
    return [str(number), f"{number}.0", f"0{number}", f"{number}e0", f"+{number}"]


@st.composite
def scripts(draw: st.DrawFn) -> RandomFaults:
    """A seed, and how likely each fault is."""
    chosen = draw(st.lists(st.sampled_from(FAULTS), max_size=6, unique=True))
    weights: dict[Fault | None, float] = {None: float(draw(st.integers(2, 10)))}
    weights.update(dict.fromkeys(chosen, 1.0))
    return RandomFaults(draw(st.integers(0, 2**16)), weights)
