"""Rejections of which nobody has heard yet: they surface at a flush and at the end, never in silence."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from asyncloader.values.errors import ItemRejected

NAMED = 1000
"""So many are kept one by one; of more, only their number."""


class Listening(Protocol):
    """An ack, which knows whether somebody has asked it."""

    @property
    def is_heard(self) -> bool: ...


class Unheard:
    """Rejections with their acks, the first ones first."""

    def __init__(self) -> None:
        self._kept: deque[tuple[ItemRejected, Listening]] = deque()
        self._others = 0

    def add(self, error: ItemRejected, ack: Listening) -> None:
        """An item was rejected; whether its ack will be awaited nobody knows yet."""
        if len(self._kept) >= 2 * NAMED:
            self._forget_heard()
        if len(self._kept) >= 2 * NAMED:
            self._others += 1
        else:
            self._kept.append((error, ack))

    def take(self) -> ExceptionGroup[ItemRejected] | None:
        """All that nobody has heard of and nobody waits for; they count as heard from now on."""
        self._forget_heard()
        # Puts that were replaced share the error of the one that replaced them.
        errors = list(dict.fromkeys(error for error, _ in self._kept))
        count = len(errors) + self._others
        self._kept.clear()
        self._others = 0
        if not count:
            return None
        shown = errors[:NAMED]
        words = "1 item was rejected" if count == 1 else f"{count:,} items were rejected"
        if count > len(shown):
            words += f"; the first {len(shown):,} of them"
        return ExceptionGroup(words, shown)

    def _forget_heard(self) -> None:
        self._kept = deque(pair for pair in self._kept if not pair[1].is_heard)
