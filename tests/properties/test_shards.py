"""Shards: the hash is everybody's CRC-32, whatever the column holds."""

from __future__ import annotations

import base64
import zlib

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asyncloader.encode.shards import crc32_column, shard_of, sharded_column
from asyncloader.values.errors import UsageError
from asyncloader.values.spread import ShardKey
from tests.properties.effort import thorough, usual

texts = st.lists(st.one_of(st.text(max_size=12), st.text(min_size=40, max_size=120)), max_size=30)


@thorough
@given(texts)
@example(["", "a", "x" * 63, "x" * 64, "x" * 65, "ünï" * 40])
def test_a_column_is_hashed_as_zlib_hashes_its_values(values: list[str]) -> None:
    column = pa.array(["before", *values], pa.string()).slice(1)
    assert crc32_column(column).tolist() == [zlib.crc32(value.encode()) for value in values]


@usual
@given(texts, st.integers(2, 1000))
def test_a_column_has_the_shards_of_its_values(values: list[str], shards: int) -> None:
    partitions = pa.array([None if row % 5 == 4 else f"p{row}" for row in range(len(values))], pa.string())
    suffixed = sharded_column(partitions, "S", pa.array(values, pa.string()), shards).to_pylist()
    assert suffixed == [
        None if row % 5 == 4 else f"p{row}#{shard_of('S', value, shards)}" for row, value in enumerate(values)
    ]


@usual
@given(st.binary(min_size=1, max_size=40), st.integers(2, 1000))
def test_binary_sort_keys_are_hashed_by_their_bytes(value: bytes, shards: int) -> None:
    assert shard_of("B", base64.b64encode(value).decode(), shards) == zlib.crc32(value) % shards


def test_what_is_no_key_has_some_shard() -> None:
    """Its row is rejected for it a moment later."""
    column = sharded_column(pa.array(["p", "p", "p"]), "N", pa.array(["no number", None, "7"]), 10)
    assert column.to_pylist()[2] == f"p#{zlib.crc32(b'7') % 10}"
    assert len(column) == 3


@usual
@given(st.one_of(st.text(max_size=20), st.builds("{}={}".format, st.text(max_size=5), st.integers(-1, 1001))))
def test_any_text_is_a_shard_key_or_refused_in_one_line(text: str) -> None:
    column, sign, shards = text.rpartition("=")
    if column and sign and shards.isascii() and shards.isdecimal() and 2 <= int(shards) <= 1000:
        assert ShardKey.parse(text) == ShardKey(column, int(shards))
    else:
        with pytest.raises(UsageError, match="--shard-key"):
            ShardKey.parse(text)
