"""How many different keys there are, and how many rows repeat one: exact up to a bound, then over a fair part of them.

A sketch for distinct counts (HyperLogLog) errs by a percent, which for a file without any repeated key would tell of
ten thousand in a million. So the 64-bit hashes of the keys are kept themselves, with their counts; when there are too
many, those above half of the range are forgotten, and so on. What is left is a fair part of all *keys*, with every
row of each: no repeated key in it means that there are hardly any at all, and what there are scale up without bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from asyncloader.encode.key_hash import Hashes

Counted = npt.NDArray[np.uint32]

MOST_KEYS = 2**19
"""Kept at most, in 12 bytes each, and as much again for a moment when new ones are added."""
NONE_FOUND = 3.0
"""Where none of so many is found, there are fewer than 3 with 95% confidence (the rule of three)."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Different keys, and rows that repeat a key of an earlier row; `spread` is half of the 95% interval of the latter."""

    keys: int
    rows: int
    spread: int
    exact: bool


class KeyCensus:
    """Counts keys by their hashes; `most` bounds the memory."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._halvings = 0
        self._hashes: Hashes = np.zeros(0, dtype=np.uint64)
        self._counts: Counted = np.zeros(0, dtype=np.uint32)
        self._new: list[tuple[Hashes, Counted]] = []
        self._waiting = 0

    def add(self, hashes: Hashes) -> None:
        """The keys of more rows."""
        if self._halvings:
            hashes = hashes[hashes < self._limit]
        hashes, counts = _counted(hashes)
        places = np.searchsorted(self._hashes, hashes)
        known = places < len(self._hashes)
        known[known] = self._hashes[places[known]] == hashes[known]
        self._counts[places[known]] += counts[known]
        self._new.append((hashes[~known], counts[~known]))
        self._waiting += len(self._new[-1][0])
        if self._waiting > len(self._hashes) // 4 + 65_536:
            self._merge()

    def repeats(self) -> Repeats:
        """What has been found so far."""
        self._merge()
        scale = 2.0**self._halvings
        more = self._counts[self._counts > 1].astype(np.float64) - 1.0
        rows = round(float(more.sum()))
        if not self._halvings:
            return Repeats(len(self._counts), rows, 0, exact=True)
        # Every key is in the part or out of it, with all of its rows.
        deviation = sqrt(float(np.square(more).sum()) * (1.0 - 1.0 / scale)) * scale
        spread = 1.96 * deviation if rows else NONE_FOUND * scale
        return Repeats(round(len(self._counts) * scale), round(rows * scale), ceil(spread), exact=False)

    @property
    def _limit(self) -> np.uint64:
        return np.uint64(2 ** (64 - self._halvings))

    def _merge(self) -> None:
        if not self._waiting:
            return
        hashes = np.concatenate([each for each, _ in self._new])
        counts = np.concatenate([each for _, each in self._new])
        self._new, self._waiting = [], 0
        order = np.argsort(hashes, kind="stable")
        hashes, counts = _summed(hashes[order], counts[order])
        places = np.searchsorted(self._hashes, hashes)
        self._hashes = np.insert(self._hashes, places, hashes)
        self._counts = np.insert(self._counts, places, counts)
        while len(self._hashes) > self._most:
            self._halvings += 1
            kept = int(np.searchsorted(self._hashes, self._limit))
            self._hashes, self._counts = self._hashes[:kept].copy(), self._counts[:kept].copy()


def _counted(hashes: Hashes) -> tuple[Hashes, Counted]:
    """Different hashes in order, and how often each stands there."""
    ordered = np.sort(hashes)
    return _summed(ordered, np.ones(len(ordered), dtype=np.uint32))


def _summed(ordered: Hashes, counts: Counted) -> tuple[Hashes, Counted]:
    if not len(ordered):
        return ordered, counts
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[begins], np.add.reduceat(counts, begins)
