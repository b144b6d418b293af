"""Work in steps: pure code that says which of its calls take long, and leaves to whoever drives it where those run.

A generator yields the calls that are worth a thread and is sent what they return; what it does itself between them is
short. In an event loop the long calls go to a thread, where Arrow lets go of the GIL, and the short ones stay in the
loop: hundreds of small calls in a thread of their own would each let go of the GIL and fight the loop to get it back,
which costs more than the calls. `None` is a pause, at which others may have their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
Steps: TypeAlias = Generator[Callable[[], Any] | None, Any, Result]


def run_steps(steps: Steps[Result]) -> Result:
    """Take all steps here and now."""
    told: Any = None
    while True:
        try:
            call = steps.send(told)
        except StopIteration as end:
            result: Result = end.value
            return result
        told = None if call is None else call()
