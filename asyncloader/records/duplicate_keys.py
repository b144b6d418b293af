"""Which key hashes have been seen in more than one split: exact, in bounded memory, beside the journal where it must.

Hashes are kept in sorted runs of one split each. What exceeds the memory is in a nameless file of eight bytes a
row, which the system removes whatever happens. In the end the runs are compared range by range of their values.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from asyncloader.encode.key_hash import Hashes

MEMORY_HASHES = 1024 * 1024
"""How many are held in memory: 8 MiB of them, and three times that while they are sorted or compared."""


_HASH_BYTES = 8
_RANGES = 1024
"""The values are divided into this many equal ranges; where each starts is known of every run."""
_BOUNDS = (np.arange(1, _RANGES, dtype=np.uint64) * np.uint64((1 << 64) // _RANGES)).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class _Run:
    """Sorted hashes of one split, in memory or from byte `at` of the file on; `cuts` are where the ranges start and end."""

    split: int
    cuts: npt.NDArray[np.int64]
    hashes: Hashes | None
    at: int = 0


class DuplicateKeys:
    """Takes the hashes of one split after the other, then returns which are in several. Blocks; raises `OSError`.

    `folder` is where there is room for the file.
    """

    def __init__(self, folder: Path, memory_hashes: int = MEMORY_HASHES) -> None:
        self._folder = folder
        self._memory_hashes = memory_hashes
        self._split = 0
        self._new: list[Hashes] = []
        self._runs: list[_Run] = []
        self._held = 0
        self._total = 0
        self._file: IO[bytes] | None = None

    def add(self, split: int, hashes: Hashes) -> None:
        """These keys are in `split`, which is the one before or a later one."""
        if split != self._split:
            self._end_run()
            self._split = split
        self._new.append(hashes)
        self._held += len(hashes)
        self._total += len(hashes)
        if self._held >= self._memory_hashes:
            self._end_run()
            self._write()

    def repeated(self, most: int) -> Hashes:
        """Hashes that are in several splits, up to `most` of them."""
        self._end_run()
        repeated: list[Hashes] = []
        for group in self._ranges():
            ordered = np.sort(np.concatenate(group))
            repeated.append(_distinct(ordered[1:][ordered[1:] == ordered[:-1]]))
            if sum(map(len, repeated)) >= most:
                break
        return np.concatenate(repeated)[:most] if repeated else np.zeros(0, dtype=np.uint64)

    def close(self) -> None:
        """Close the file, which frees its space on the disk."""
        if self._file is not None:
            self._runs.clear()
            self._file.close()
            self._file = None

    def _ranges(self) -> Iterator[list[Hashes]]:
        """The hashes of each split, every one once, range by range of their values; a range fits into the memory."""
        parts = min(-(-self._total // self._memory_hashes), _RANGES)
        for part in range(parts):
            first, stop = _RANGES * part // parts, _RANGES * (part + 1) // parts
            by_split: dict[int, list[Hashes]] = {}
            for run in self._runs:
                by_split.setdefault(run.split, []).append(self._read(run, int(run.cuts[first]), int(run.cuts[stop])))
            yield [
                hashes[0] if len(hashes) == 1 else _distinct(np.sort(np.concatenate(hashes)))
                for hashes in by_split.values()
            ]

    def _read(self, run: _Run, first: int, stop: int) -> Hashes:
        """Some hashes of a run."""
        if run.hashes is not None:
            return run.hashes[first:stop]
        assert self._file is not None
        self._file.seek(run.at + first * _HASH_BYTES)
        return np.frombuffer(self._file.read((stop - first) * _HASH_BYTES), dtype=np.uint64)

    def _end_run(self) -> None:
        if self._new:
            hashes = _distinct(np.sort(np.concatenate(self._new)))
            cuts = np.concatenate([[0], np.searchsorted(hashes, _BOUNDS), [len(hashes)]])
            self._runs.append(_Run(self._split, cuts, hashes))
            self._new = []

    def _write(self) -> None:
        """Write the runs that are in memory to the file."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed by close()
        for place, run in enumerate(self._runs):
            if run.hashes is None:
                continue
            at = self._file.seek(0, os.SEEK_END)
            self._file.write(run.hashes.data)
            self._runs[place] = _Run(run.split, run.cuts, None, at)
        self._file.flush()
        self._held = 0


def _distinct(ordered: Hashes) -> Hashes:
    """Each of them once; `np.unique` would take several times as long."""
    first: npt.NDArray[np.bool_] = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    return ordered[first]
