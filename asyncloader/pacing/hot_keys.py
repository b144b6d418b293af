"""Hot keys: which partition keys are refused while others pass. Pure, of bounded memory; the clock is passed in.

UnprocessedItems carry no reasons, so they are inferred. Only requests of which something came back are looked at: in
these, a table that is short of capacity refuses all keys alike, while a hot key is refused and the others pass. A key
is hot when the share of it that was refused is beyond chance, by the share of all others that was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from asyncloader.values.report import HotKey

WATCHED, HOT = 256, 64
"""How many keys are watched, and how many of them may be hot at once. The least refused ones are forgotten."""
FADE_S = 5.0
"""After this time what was seen counts half."""
LEAST_REFUSED, LEAST_SHARE, BEYOND_CHANCE = 4.0, 0.3, 14.0
"""A hot key has this many refused items, this share of its items refused, and chance would do that once in e**14 times."""
TOGETHER = 2
"""A request that is refused whole for its key range names no key; a key of this many of its items is taken for it."""
SHOWN = 10
"""How many keys a result names."""


@dataclass(slots=True)
class _Seen:
    """Of one key: items in the requests that are looked at, and how many were refused; `total` does not fade."""

    sent: float = 0.0
    refused: float = 0.0
    total: int = 0
    is_hot: bool = False
    was_hot: bool = False


class HotKeyDetector:
    """Is told of requests of which something was refused, and says which keys are hot."""

    def __init__(self, now: float) -> None:
        self.hot: set[str] = set()
        self._seen: dict[str, _Seen] = {}
        self._sent = self._refused = 0.0
        self._passed = self._ranged = 0.0
        self._refused_in_all = 0
        self._fades_at = now + FADE_S

    def note(self, sent: Sequence[str], refused: Sequence[str], now: float) -> list[str]:
        """A request of items with these partition keys, of which `refused` came back; returns the keys that are hot from now on."""
        self._fade(now)
        self._sent += len(sent)
        self._refused += len(refused)
        self._refused_in_all += len(refused)
        back = Counter(refused)
        for key, number in back.items():
            if (seen := self._seen.get(key)) is None:
                self._make_room()
                seen = self._seen[key] = _Seen()
            seen.refused += number
            seen.total += number
        for key, number in Counter(sent).items():
            if (seen := self._seen.get(key)) is not None:
                seen.sent += number
        return self._mark_hot([key for key in back if key in self._seen and self._is_beyond_chance(key)])

    def note_range(self, sent: Sequence[str], now: float) -> list[str]:
        """A request that was refused whole, for a key range; returns the keys that are hot from now on."""
        self._ranged += len(sent)
        self.note(sent, sent, now)
        often = {key for key, number in Counter(sent).items() if number >= TOGETHER}
        return self._mark_hot([key for key in often if key in self._seen])

    def note_passed(self, items: int) -> None:
        """`items` items were accepted."""
        self._passed += items

    @property
    def is_everywhere(self) -> bool:
        """Whether more is refused for its key range than passes: then there are no others that could go on faster."""
        return self._ranged > self._passed

    def clear(self, key: str) -> None:
        """The key has not been refused for a while."""
        self.hot.discard(key)
        if (seen := self._seen.get(key)) is not None:
            seen.is_hot = False
            seen.sent = seen.refused = 0.0

    def top(self, number: int = SHOWN) -> tuple[HotKey, ...]:
        """The keys that are or were hot, the most refused first."""
        keys = [(seen.total, key) for key, seen in self._seen.items() if seen.was_hot]
        return tuple(
            HotKey(key, total, total / self._refused_in_all) for total, key in sorted(keys, reverse=True)[:number]
        )

    def _mark_hot(self, keys: Iterable[str]) -> list[str]:
        new = [key for key in keys if key not in self.hot][: max(HOT - len(self.hot), 0)]
        for key in new:
            self.hot.add(key)
            self._seen[key].is_hot = self._seen[key].was_hot = True
        return new

    def _is_beyond_chance(self, key: str) -> bool:
        seen = self._seen[key]
        if seen.is_hot or seen.refused < LEAST_REFUSED or seen.refused < LEAST_SHARE * seen.sent:
            return False
        hot = [self._seen[hot_key] for hot_key in self.hot]
        others = self._sent - seen.sent - sum(seen_hot.sent for seen_hot in hot)
        refused = self._refused - seen.refused - sum(seen_hot.refused for seen_hot in hot)
        chance = (max(refused, 0.0) + 0.5) / (max(others, 0.0) + 1.0)
        share = min(seen.refused / seen.sent, 1.0)
        if share <= chance:
            return False
        # Chernoff's bound on the chance of that many refusals among that many items.
        distance = share * log(share / chance)
        if share < 1.0:
            distance += (1.0 - share) * log((1.0 - share) / (1.0 - chance))
        return seen.sent * distance > BEYOND_CHANCE

    def _make_room(self) -> None:
        if len(self._seen) >= WATCHED:
            least = min(
                (key for key in self._seen if key not in self.hot),
                key=lambda key: (self._seen[key].was_hot, self._seen[key].refused, self._seen[key].total),
            )
            del self._seen[least]

    def _fade(self, now: float) -> None:
        while now >= self._fades_at:
            self._fades_at = max(self._fades_at + FADE_S, now - 10 * FADE_S)
            self._sent, self._refused = self._sent / 2, self._refused / 2
            self._passed, self._ranged = self._passed / 2, self._ranged / 2
            for seen in self._seen.values():
                seen.sent, seen.refused = seen.sent / 2, seen.refused / 2
