"""How long to wait before items are sent again, and when to stop: full jitter, bounded by lack of progress."""

from __future__ import annotations

from collections.abc import Callable

from asyncloader.schedule.batch import Run
from asyncloader.values.settings import RetrySettings

_BUSY_EXPONENT = 4
"""While the load advances a refused item waits for its turn, not for the service to recover."""


def delay_s(runs: list[Run], retry: RetrySettings, random: Callable[[], float]) -> float:
    """Seconds until these runs are due, by their history; `random` gives 0 to 1."""
    exponent = max(
        min(run.tries - 1, _BUSY_EXPONENT) if run.stalled == 0 else max(run.tries - 1, run.stalled) for run in runs
    )
    return random() * min(retry.cap_s, retry.base_s * 2.0 ** min(exponent, 60))


def note_attempt(run: Run, advance: int) -> None:
    """The run is being sent while the load has settled `advance` items."""
    if run.tries and run.advance == advance:
        run.stalled += 1
    else:
        run.stalled = 0
    if run.first_advance < 0:
        run.first_advance = advance
    run.tries += 1
    run.advance = advance


def is_spent(run: Run, advance: int, retry: RetrySettings) -> bool:
    """Whether the run has come back as often as it may while nothing else advanced."""
    return run.advance == advance and run.stalled + 1 >= retry.attempts
