"""A 64-bit hash of every key of a block at once: eight bytes of every value per step. Where two are equal, the
canonical texts of the keys decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Texts = tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]
"""A column of texts as Arrow has it: the offsets (one more than texts) and the bytes."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xBF58476D1CE4E5B9)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], dtype=np.uint64)
"""By how many of a word's eight bytes belong to the value."""


def hash_texts(columns: Sequence[Texts]) -> tuple[Hashes, Hashes | None]:
    """One hash per row over its one or two columns, and one over the first alone, if it is not all of them.

    The second is what the first is on its way, and costs a copy.
    """
    state: Hashes = np.full(len(columns[0][0]) - 1, 0x243F6A8885A308D3, dtype=np.uint64)
    _mix_texts(state, *columns[0])
    partitions = state.copy() if len(columns) > 1 else None
    for offsets, data in columns[1:]:
        _mix_texts(state, offsets, data)
    # The upper bits are used by themselves, so let every bit of the state reach them.
    state ^= state >> np.uint64(32)
    state *= _MIXER
    state ^= state >> np.uint64(29)
    return state, partitions


def _mix_texts(state: Hashes, offsets: npt.NDArray[np.int32], data: npt.NDArray[np.uint8]) -> None:
    starts = offsets[:-1].astype(np.intp)
    lengths = np.diff(offsets)
    padded = np.concatenate([data, np.zeros(8, dtype=np.uint8)])
    # A view of every run of eight bytes, aligned or not; numpy copies what is picked from it.
    words: Hashes = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded.data, strides=(1,))
    _mix(state, lengths.astype(np.uint64))
    step = 0
    common = int(lengths.min()) if len(lengths) else 0
    while step + 8 <= common:
        _mix(state, words[starts + step])
        step += 8
    rows = np.flatnonzero(lengths > step)
    if len(rows) and len(rows) == len(lengths):
        # The usual last step: every value has something left, and none has more than eight bytes.
        left = lengths - step
        if int(left.max()) <= 8:
            _mix(state, words[starts + step] & _MASKS[left])
            return
    while len(rows):
        left = np.minimum(lengths[rows] - step, 8)
        part = state[rows]
        _mix(part, words[starts[rows] + step] & _MASKS[left])
        state[rows] = part
        step += 8
        rows = rows[lengths[rows] > step]


def _mix(state: Hashes, word: Hashes) -> None:
    state ^= word
    state *= _MULTIPLIER
    state ^= state >> np.uint64(32)
