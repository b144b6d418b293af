"""The sizes of items, exactly: an item has at most 400 KB, so every size has a counter of its own. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from asyncloader.values.plan import ItemSizes
from asyncloader.values.schema import ITEM_BYTES


class SizeTally:
    """Counts items by their size in bytes, in 3 MB, however many there are. A quantile sketch would err, and vary."""

    def __init__(self) -> None:
        self._counts: npt.NDArray[np.int64] = np.zeros(ITEM_BYTES + 1, dtype=np.int64)

    def add(self, sizes: npt.NDArray[np.int64]) -> None:
        """The sizes of more items."""
        if len(sizes):
            found = np.bincount(sizes)
            self._counts[: len(found)] += found

    def plan(self) -> ItemSizes:
        """The result; all 0 where there are no items."""
        counts = self._counts
        items = int(counts.sum())
        if not items:
            return ItemSizes(0.0, 0, 0, 0)
        present = np.flatnonzero(counts)
        upto = np.cumsum(counts[present])
        # The smallest size that so many percent of the items do not exceed.
        p50, p99 = (int(present[np.searchsorted(upto, items * share)]) for share in (0.5, 0.99))
        return ItemSizes(float(counts[present] @ present) / items, p50, p99, int(present[-1]))
