"""Frames of several libraries as sources: their columns, types, nulls and blocks."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from asyncloader.formats.arrow.decoder import batches_of
from tests.engine.sources import loaded


def _people() -> dict[str, list[Any]]:
    return {
        "id": ["01", "02", "03"],
        "n": [1, None, 3],
        "f": [0.5, 1e20, None],
        "at": [datetime.datetime(2026, 1, 2, 3, 4, 5, 60), None, datetime.datetime(1815, 12, 10)],
        "tags": [["a", "b"], [], None],
        "ok": [True, False, None],
        "note": ["", 'q"', None],
    }


PEOPLE = {
    "01": {
        "id": {"S": "01"},
        "n": {"N": "1"},
        "f": {"N": "0.5"},
        "at": {"S": "2026-01-02T03:04:05.000060"},
        "tags": {"L": [{"S": "a"}, {"S": "b"}]},
        "ok": {"BOOL": True},
        "note": {"S": ""},
    },
    "02": {
        "id": {"S": "02"},
        "f": {"N": "100000000000000000000"},
        "tags": {"L": []},
        "ok": {"BOOL": False},
        "note": {"S": 'q"'},
    },
    "03": {"id": {"S": "03"}, "n": {"N": "3"}, "at": {"S": "1815-12-10T00:00:00.000000"}},
}


class OnlyStream:
    """A frame of a library that nobody has heard of."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class OnlyArray:
    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        pair: tuple[object, object] = self._batch.__arrow_c_array__(requested_schema)
        return pair


@pytest.mark.parametrize("library", ["pyarrow", "batch", "reader", "polars", "stream", "array"])
async def test_frames_of_any_library_are_the_same_table(tmp_path: Path, library: str) -> None:
    table = pa.table(_people())
    batch = table.to_batches()[0]
    frame: Any = {
        "pyarrow": table,
        "batch": batch,
        "reader": table.to_reader(),
        "polars": pl.DataFrame(_people()),
        "stream": OnlyStream(table),
        "array": OnlyArray(batch),
    }[library]
    found, _ = await loaded(tmp_path, frame)
    assert found == PEOPLE


async def test_a_frame_of_pandas_is_loaded_without_the_numbers_of_its_rows(tmp_path: Path) -> None:
    frame = pd.DataFrame(_people() | {"n": pd.array([1, None, 3], dtype="Int64")})
    assert frame["f"].isna().sum() == 1
    found, _ = await loaded(tmp_path, frame[frame["id"] != "02"])
    assert found == {key: item for key, item in PEOPLE.items() if key != "02"}
    (tmp_path / "named").mkdir()
    found, _ = await loaded(tmp_path / "named", frame[["id", "ok"]].set_index("id"))
    assert set(found) == {"01", "02", "03"}, "an index with a name is a column"


async def test_rejects_of_a_frame_stand_with_their_cells_and_numbers(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["a", "", "c", None, "e"],
            "f": [float("nan"), 1.0, float("inf"), 2.0, 3.0],
            "raw": [b"\xff", b"", b"x", b"y", b"z"],
            "deep": [[{"x": 1}], None, [{"x": float("nan")}], [], [{"x": float("-inf")}]],
        }
    )
    found, scene = await loaded(tmp_path, table)
    assert found == {}
    told = [(row["_asyncloader_line"], row["_asyncloader_error"]) for row in scene.rejects()]
    assert told == [
        ("1", "f: 'nan' is not a number"),
        ("2", "id: the key is empty"),
        ("3", "f: 'inf' is not a number"),
        ("4", "id: the key is empty"),
        ("5", "deep: x: '-inf' is not a number"),
    ]
    assert scene.rejects()[0] == {
        "id": "a",
        "f": "nan",
        "raw": "/w==",
        "deep": '[{"x":1.0}]',
        "_asyncloader_line": "1",
        "_asyncloader_error": "f: 'nan' is not a number",
        "_asyncloader_raw": "",
    }


async def test_types_turn_columns_into_others(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [1, 2], "n": ["007", ""], "b": [True, None], "tags": [["a", "b"], []], "json": ["[1]", "2"]}
    )
    types = {"n": "N", "b": "S", "tags": "SS", "json": "L"}
    found, scene = await loaded(tmp_path, table, types=types)
    assert found == {
        "1": {
            "id": {"S": "1"},
            "n": {"N": "7"},
            "b": {"S": "true"},
            "tags": {"SS": ["a", "b"]},
            "json": {"L": [{"N": "1"}]},
        }
    }
    assert [row["_asyncloader_error"] for row in scene.rejects()] == ["n: '' is no N"]


@pytest.mark.parametrize(
    ("empty", "second"), [("drop", {}), ("null", {"note": {"NULL": True}}), ("keep", {"note": {"S": ""}})]
)
async def test_nulls_of_a_frame_follow_empty_and_empty_strings_stay(
    tmp_path: Path, empty: str, second: dict[str, Any]
) -> None:
    found, _ = await loaded(tmp_path, pa.table({"id": ["1", "2"], "note": ["", None]}), empty=empty)
    assert found == {"1": {"id": {"S": "1"}, "note": {"S": ""}}, "2": {"id": {"S": "2"}} | second}


async def test_less_usual_types_have_their_exact_texts(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "id": ["a"],
            "ns": pa.array([1_000_000_001], pa.timestamp("ns")),
            "zone": pa.array([moment], pa.timestamp("ms", "Europe/Berlin")),
            "half": pa.array([0.1], pa.float16()),
            "single": pa.array([0.1], pa.float32()),
            "wide": pa.array([Decimal("12345678901234567890123456789012345.678")], pa.decimal128(38, 3)),
            "uuid": pa.array([UUID(int=7).bytes], pa.uuid()),
            "runs": pa.RunEndEncodedArray.from_arrays([1], ["x"]),
            "_asyncloader_line": [7],
        }
    )
    found, _ = await loaded(tmp_path, table)
    assert found["a"] == {
        "id": {"S": "a"},
        "ns": {"S": "1970-01-01T00:00:01.000000001"},
        "zone": {"S": "2026-07-01T12:00:00.000Z"},
        "half": {"N": "0.1"},
        "single": {"N": "0.1"},
        "wide": {"N": "12345678901234567890123456789012345.678"},
        "uuid": {"S": "00000000-0000-0000-0000-000000000007"},
        "runs": {"S": "x"},
    }


@pytest.mark.parametrize(
    "table",
    [
        pa.table({f"column{place}": pa.array([1] * 50_000, pa.int8()) for place in range(30)}),
        pa.table({"text": ["x" * 100] * 50_000}),
        pa.table({"text": pa.array(["x" * 1000] * 50_000).dictionary_encode()}),
        pa.table({"text": ["x" * 300_000] * 5 + ["y"] * 1000}),
    ],
)
def test_blocks_of_frames_are_bounded_as_they_are_and_as_json(table: pa.Table) -> None:
    (batch,) = table.combine_chunks().to_batches()
    batches = list(batches_of(batch, 2**18))
    assert pa.Table.from_batches(batches) == table
    for batch in batches:
        json = sum(len(str(row)) for row in batch.slice(0, 10).to_pylist()) / min(batch.num_rows, 10) * batch.num_rows
        assert batch.num_rows == 1 or json < 5 * 2**18
    assert len(batches) < 300
