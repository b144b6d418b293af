"""The reject file reads back as what was rejected, in every dialect."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.formats.csv.grammar import grammar
from asyncloader.records.rejects import Reject, RejectFile
from asyncloader.values.dialect import Dialect

CELLS = {"id": 'a"b', "note": "x"}


def _cells(path: Path, dialect: Dialect) -> list[list[str]]:
    data = TextBlock(0, 0, path.read_bytes(), 0, 1).data
    rules = grammar(dialect)
    found = [rules.fields(data[record.start : record.end]) for record in rules.records(data, 1)]
    return [[cell.decode() for cell in cells or []] for cells in found]


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", 'q"uote', "com,ma", "", " "])
def test_a_cell_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    file = RejectFile(tmp_path / "r.csv", ["id"], Dialect(), several_sources=False)
    file.append([Reject("x", 2, "why", {"id": text})])
    file.close()
    assert _cells(file.path, Dialect()) == [
        ["id", "_asyncloader_line", "_asyncloader_error", "_asyncloader_raw"],
        [text, "2", "why", ""],
    ]


def test_a_dialect_without_quotes_gets_none(tmp_path: Path) -> None:
    dialect = Dialect(quote=None)
    file = RejectFile(tmp_path / "r.csv", ["id", "note"], dialect, several_sources=False)
    file.append([Reject("x", 2, "has 3 cells, not 2", CELLS, raw="a,b\nc")])
    file.close()
    header, row = _cells(file.path, dialect)
    assert dict(zip(header, row, strict=True)) == {
        **CELLS,
        "_asyncloader_line": "2",
        "_asyncloader_error": "has 3 cells␟ not 2",
        "_asyncloader_raw": "a␟b c",
    }


def test_it_is_for_its_owner_only(tmp_path: Path) -> None:
    file = RejectFile(tmp_path / "r.csv", ["id"], Dialect(), several_sources=False)
    file.append([Reject("x", 2, "why", {"id": "1"})])
    file.close()
    assert file.path.stat().st_mode & 0o077 == 0
