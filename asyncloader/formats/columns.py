"""What every decoder returns: columns of text, and the records that never became a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that breaks a rule: its index among the block's records, why, and in which column if in one.

    `ragged` says that its cells could not be separated, so that only its raw text is worth keeping.
    """

    record: int
    reason: str
    column: str | None = None
    ragged: bool = False

    def __str__(self) -> str:
        return f"{self.column}: {self.reason}" if self.column is not None else self.reason


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of one block as columns of equal length; an empty cell is a null.

    They are strings, except for lists, structs and maps, which only frames have. `records` says for each row which of
    the block's records it is, or is None where row i is record i. `plain` says that no character in these columns
    needs an escape in JSON. `refused` are rows that the decoder knows to be bad, with the column's name and the
    reason; `bad` are records that are no row at all.
    """

    names: tuple[str, ...]
    arrays: tuple[pa.Array, ...]
    rows: int
    records: npt.NDArray[np.int64] | None = None
    bad: list[BadRow] = field(default_factory=list)
    plain: bool = False
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)

    def record(self, row: int) -> int:
        """The index of the record that became `row`."""
        return row if self.records is None else int(self.records[row])
