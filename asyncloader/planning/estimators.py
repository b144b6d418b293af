"""Estimates in bounded memory: repeated keys, item sizes, and a whole from a sample with its error. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from asyncloader.encode.key_hash import Hashes
from asyncloader.values.dynamodb import ITEM_BYTES
from asyncloader.values.plan import ItemSizes

Counted = npt.NDArray[np.uint32]

MOST_KEYS = 2**19
"""Keys that are kept at most, in 12 bytes each, and as much again while new ones are added."""
NONE_FOUND = 3.0
"""If a sample holds none, fewer than this number are expected, with 95% confidence (the rule of three)."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Different keys, and rows that repeat a key of an earlier row; `spread` is half of the 95% interval of the latter."""

    keys: int
    rows: int
    spread: int
    exact: bool


class KeyCounter:
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
        """The result so far."""
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
        hashes = np.concatenate([hashes for hashes, _ in self._new])
        counts = np.concatenate([counts for _, counts in self._new])
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
    """Different hashes in order, and how often each occurs."""
    ordered = np.sort(hashes)
    return _summed(ordered, np.ones(len(ordered), dtype=np.uint32))


def _summed(ordered: Hashes, counts: Counted) -> tuple[Hashes, Counted]:
    if not len(ordered):
        return ordered, counts
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.add.reduceat(counts, starts)


@dataclass(slots=True)
class Ratio:
    """The ratio estimator for clusters: a block of `size` bytes holds `amount` of something."""

    blocks: int = 0
    size: float = 0.0
    amount: float = 0.0
    _size_2: float = 0.0
    _amount_2: float = 0.0
    _both: float = 0.0

    def add(self, size: float, amount: float) -> None:
        """The next block that was read."""
        self.blocks += 1
        self.size += size
        self.amount += amount
        self._size_2 += size * size
        self._amount_2 += amount * amount
        self._both += size * amount

    def spread(self, fraction: float) -> int:
        """Half of the 95% interval of the amount in the whole, of which `fraction` was read (in bytes)."""
        if fraction >= 1.0:
            return 0
        if not self.amount:
            return ceil(NONE_FOUND / fraction)
        if self.blocks < 2:
            return ceil(self.amount / fraction)
        ratio = self.amount / self.size
        squares = max(self._amount_2 - 2 * ratio * self._both + ratio * ratio * self._size_2, 0.0)
        whole = self.blocks / fraction
        variance = (1.0 - fraction) * whole * whole * squares / (self.blocks - 1) / self.blocks
        return ceil(1.96 * sqrt(variance))


class SizeTally:
    """Counts items by their size in bytes, in 3 MB, however many there are. A quantile sketch would err, and vary."""

    def __init__(self) -> None:
        self._counts: npt.NDArray[np.int64] = np.zeros(ITEM_BYTES + 1, dtype=np.int64)

    def add(self, sizes: npt.NDArray[np.int64]) -> None:
        """The sizes of more items."""
        if len(sizes):
            counts = np.bincount(sizes)
            self._counts[: len(counts)] += counts

    def plan(self) -> ItemSizes:
        """The result; all 0 where there are no items."""
        counts = self._counts
        items = int(counts.sum())
        if not items:
            return ItemSizes(0.0, 0, 0, 0)
        present = np.flatnonzero(counts)
        upto = np.cumsum(counts[present])
        # The smallest size that this share of the items does not exceed.
        p50, p99 = (int(present[np.searchsorted(upto, items * share)]) for share in (0.5, 0.99))
        return ItemSizes(float(counts[present] @ present) / items, p50, p99, int(present[-1]))
