"""Duplicate keys: which hashes are in several splits, whether all fit into the memory or nearly none do."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.records.duplicate_keys import DuplicateKeys
from tests.properties.effort import usual

HASHES = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1), st.integers(2**64 - 5, 2**64 - 1))


@usual
@given(st.lists(st.lists(st.lists(HASHES, max_size=30), max_size=6), min_size=1, max_size=5), st.integers(1, 200))
def test_what_is_in_several_splits_is_found_whatever_the_memory(splits: list[list[list[int]]], memory: int) -> None:
    with TemporaryDirectory() as folder:
        duplicates = DuplicateKeys(Path(folder), memory)
        for split, blocks in enumerate(splits):
            for block in blocks:
                duplicates.add(split, np.array(block, dtype=np.uint64))
        found = duplicates.repeated(10_000).tolist()
        duplicates.close()
        assert list(Path(folder).iterdir()) == []
    seen = [{hash_ for block in blocks for hash_ in block} for blocks in splits]
    everywhere = set().union(*seen)
    assert sorted(found) == sorted(hash_ for hash_ in everywhere if sum(hash_ in each for each in seen) > 1)


def test_no_more_are_told_than_were_asked_for(tmp_path: Path) -> None:
    duplicates = DuplicateKeys(tmp_path, 100)
    for split in range(2):
        duplicates.add(split, np.arange(1000, dtype=np.uint64))
    assert len(duplicates.repeated(7)) == 7
    duplicates.close()


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    duplicates = DuplicateKeys(tmp_path / "missing", 100)
    with pytest.raises(OSError, match="No such file"):
        duplicates.add(0, np.arange(1000, dtype=np.uint64))
