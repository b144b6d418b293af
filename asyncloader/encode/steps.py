"""Work in steps: pure code that says which of its calls take long, and leaves it to its caller where those run.

A generator yields the calls that are worth a thread and is sent what they return; what it does itself between them is
short. In an event loop the long calls go to a thread, where Arrow releases the GIL, and the short ones stay in the
loop: hundreds of small calls in a thread of their own would each release the GIL and compete with the loop for it,
which costs more than the calls. `None` is a pause, at which other tasks may run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
Steps: TypeAlias = Generator[Callable[[], Any] | None, Any, Result]


def run_steps(steps: Steps[Result]) -> Result:
    """Take all steps in this thread, without a pause."""
    returned: Any = None
    while True:
        try:
            call = steps.send(returned)
        except StopIteration as end:
            result: Result = end.value
            return result
        returned = None if call is None else call()
