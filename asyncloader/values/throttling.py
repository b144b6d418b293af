"""What held a load back, in words for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`what` names the limit ("table", "index by-city", …), `size` says how large it is, `advice` what changes it."""

    what: str
    size: str = ""
    advice: str = ""

    @property
    def brief(self) -> str:
        return f"{self.what}, {self.size}" if self.size else self.what

    def __str__(self) -> str:
        return f"{self.brief}; {self.advice}" if self.advice else self.brief


@dataclass(frozen=True, slots=True)
class HotKey:
    """A partition key that was refused while others passed.

    `key` is its text, `refused` how many of its items were handed back, `share` that number by all items handed back.
    """

    key: str
    refused: int
    share: float

    def as_dict(self) -> dict[str, str | int | float]:
        return {"key": self.key, "refused": self.refused, "share": round(self.share, 4)}
