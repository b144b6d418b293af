"""Which key hashes have been seen in more than one lane: exact, in bounded memory, beside the journal where it must.

Hashes are kept in sorted runs of one lane each. What goes beyond the memory lies in a nameless file of eight bytes a
row, which the system removes whatever happens. In the end the runs are compared range by range of their values.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from asyncloader.encode.mixing import Hashes

MEMORY_HASHES = 1024 * 1024
"""As many are held in memory: 8 MiB of them, and three times that while they are sorted or compared."""


@dataclass(frozen=True, slots=True)
class _Run:
    lane: int
    hashes: Hashes


class Sightings:
    """Takes the hashes of one lane after the other, then tells which stand in several. Blocks; raises `OSError`.

    `folder` is where there is room for the file.
    """

    def __init__(self, folder: Path, memory_hashes: int = MEMORY_HASHES) -> None:
        self._folder = folder
        self._memory_hashes = memory_hashes
        self._lane = 0
        self._new: list[Hashes] = []
        self._runs: list[_Run] = []
        self._held = 0
        self._total = 0
        self._file: IO[bytes] | None = None
        self._file_bytes = 0

    def add(self, lane: int, hashes: Hashes) -> None:
        """These keys stand in `lane`, which is the one before or a later one."""
        if lane != self._lane:
            self._end_run()
            self._lane = lane
        self._new.append(hashes)
        self._held += len(hashes)
        self._total += len(hashes)
        if self._held >= self._memory_hashes:
            self._end_run()
            self._write()

    def repeated(self, most: int) -> Hashes:
        """Hashes that stand in several lanes, up to `most` of them."""
        self._end_run()
        found: list[Hashes] = []
        for group in self._ranges():
            ordered = np.sort(np.concatenate(group))
            found.append(_distinct(ordered[1:][ordered[1:] == ordered[:-1]]))
            if sum(map(len, found)) >= most:
                break
        return np.concatenate(found)[:most] if found else np.zeros(0, dtype=np.uint64)

    def close(self) -> None:
        """Let the file go, and its room on the disk with it."""
        if self._file is not None:
            self._runs.clear()
            self._file.close()
            self._file = None

    def _ranges(self) -> Iterator[list[Hashes]]:
        """The hashes of each lane, every one once, range by range of their values; a range fits into the memory."""
        parts = -(-self._total // self._memory_hashes)
        bounds = [(1 << 64) * part // parts for part in range(1, parts)]
        cuts = [
            [0, *np.searchsorted(run.hashes, np.array(bounds, dtype=np.uint64)), len(run.hashes)] for run in self._runs
        ]
        for part in range(parts):
            by_lane: dict[int, list[Hashes]] = {}
            for run, places in zip(self._runs, cuts, strict=True):
                by_lane.setdefault(run.lane, []).append(run.hashes[places[part] : places[part + 1]])
            yield [
                hashes[0] if len(hashes) == 1 else _distinct(np.sort(np.concatenate(hashes)))
                for hashes in by_lane.values()
            ]

    def _end_run(self) -> None:
        if self._new:
            self._runs.append(_Run(self._lane, _distinct(np.sort(np.concatenate(self._new)))))
            self._new = []

    def _write(self) -> None:
        """Bring the runs that are in memory to the file."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed by close()
        for place, run in enumerate(self._runs):
            if isinstance(run.hashes, np.memmap) or not len(run.hashes):
                continue
            self._file.write(run.hashes.data)
            self._file.flush()
            stored = np.memmap(self._file, np.uint64, "r", self._file_bytes, run.hashes.shape)
            self._file_bytes += run.hashes.nbytes
            self._runs[place] = _Run(run.lane, stored)
        self._held = 0


def _distinct(ordered: Hashes) -> Hashes:
    """Each of them once; `np.unique` would take several times as long."""
    first: npt.NDArray[np.bool_] = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    return ordered[first]
