"""Hot keys as people read them: shortly, and without what a terminal would take for an order."""

from __future__ import annotations

from collections.abc import Sequence

from asyncloader.values.report import HotKey

KEYS, KEY_WIDTH = 3, 24


def shown(keys: Sequence[HotKey]) -> str:
    """The first of these keys with their shares of all items handed back; empty if there are none."""
    texts = [f"{_short(each.key)} {each.share:.0%}" for each in keys[:KEYS]]
    more = len(keys) - KEYS
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


def _short(key: str) -> str:
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in key[: KEY_WIDTH + 1])
    return text if len(text) <= KEY_WIDTH else text[: KEY_WIDTH - 1] + "…"
