"""What the items of a block are made of, column by column: kept only for whoever surveys a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asyncloader.formats.columns import Columns

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The columns behind an encoded block.

    `columns` are those of the source, `cells` what the items were made of: a partition key that is split has its
    suffix there. `rows` tells for each item, those that are superseded last, which row of `columns` it was (None: item i is row i);
    `sizes` gives for each attribute the bytes that it adds to every row, its name included, 0 where it is absent.
    """

    columns: Columns
    cells: Mapping[str, pa.StringArray]
    rows: npt.NDArray[np.int64] | None
    sizes: Mapping[str, npt.NDArray[np.int64]]

    def column(self, name: str, items: int) -> pa.StringArray:
        """The cells of a column for the first `items` items, in their order."""
        column = self.cells[name]
        return column.slice(0, items) if self.rows is None else column.take(self.rows[:items])

    def size(self, name: str, items: int) -> npt.NDArray[np.int64]:
        """The bytes that an attribute adds to the first `items` items."""
        sizes = self.sizes[name]
        return sizes[:items] if self.rows is None else sizes[self.rows[:items]]
