"""How much of the sources, as they are stored, has been read by all splits together: the measure of progress."""

from __future__ import annotations

from collections.abc import Sequence

from asyncloader.formats.block import Block
from asyncloader.records.checkpoint import Split


class ReadProgress:
    """Where each split stands, in bytes of all sources one behind the other; `sizes` are theirs, 0 where unknown.

    The splits lie end to end, so what is done is the sum of where they stand less the sum of where they began.
    """

    def __init__(self, splits: Sequence[Split], sizes: Sequence[int]) -> None:
        self._sizes = sizes
        self._at = [self._before(split.position.source) + split.position.offset for split in splits]
        # The last split ends where everything does, and so the first starts where the others end.
        ends = (self._before(split.end_source) + split.end_offset for split in splits if split.end_source is not None)
        self._ends = sum(ends)
        self._begun = [False for _ in splits]
        self.at_start = self.bytes

    @property
    def bytes(self) -> int:
        """How much has been read; what earlier runs have done for good counts as read."""
        return sum(self._at) - self._ends

    def begin(self, blocks: Sequence[tuple[int, Block]]) -> None:
        """These have been read; the first of a split tells where it starts as stored, which its place may not."""
        for split, block in blocks:
            if not self._begun[split]:
                self._begun[split] = True
                at = max(self._before(block.source) + block.read_bytes - block.size_bytes, 0)
                self.at_start += at - self._at[split]
                self._at[split] = at

    def add(self, blocks: Sequence[tuple[int, Block]]) -> None:
        """These are on their way to the table."""
        for split, block in blocks:
            self._at[split] = self._before(block.source) + block.read_bytes

    def _before(self, source: int) -> int:
        return sum(self._sizes[:source])
