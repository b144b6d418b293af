"""How a load speaks to people while it runs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from asyncloader.values.capacity_change import Prewarming

Confirm = Callable[[Prewarming], Awaitable[bool]]
"""Asks people; False means no."""


@dataclass(frozen=True, slots=True)
class Messenger:
    """`say` tells a line; `confirm` asks before a table is pre-warmed, and where it is None that is agreed to."""

    say: Callable[[str], None] = logging.getLogger("asyncloader").info
    confirm: Confirm | None = None
