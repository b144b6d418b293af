"""Progress in bytes: one split or many, from the start or after a resume."""

from __future__ import annotations

from asyncloader.engine.reading.progress import ReadProgress
from asyncloader.formats.csv.cutter import TextBlock
from asyncloader.records.checkpoint import UNSPLIT, Position, Split


def block(source: int, offset: int, size: int, read_bytes: int | None = None) -> TextBlock:
    return TextBlock(source, 0, b"x" * size, offset, 2, offset + size if read_bytes is None else read_bytes)


def test_one_split_counts_what_has_been_read() -> None:
    reached = ReadProgress(UNSPLIT, [100, 50])
    assert (reached.bytes, reached.at_start) == (0, 0)
    for each in (block(0, 10, 40), block(0, 50, 50), block(1, 10, 40)):
        reached.begin([(0, each)])
        reached.add([(0, each)])
    assert reached.bytes == 150
    assert reached.at_start == 10


def test_a_compressed_source_counts_as_it_is_stored() -> None:
    """After a resume its place is one of the text; the first block tells where that is in the file."""
    reached = ReadProgress([Split(Position(0, 5000, 9, 8))], [1000])
    reached.begin([(0, block(0, 5000, 100, read_bytes=600))])
    assert reached.at_start == 500
    reached.add([(0, block(0, 5000, 100, read_bytes=600))])
    assert reached.bytes == 600


def test_splits_count_together_what_each_has_done() -> None:
    splits = [
        Split(end_source=0, end_offset=60),
        Split(Position(0, 60, 7), end_source=1, end_offset=20),
        Split(Position(1, 20, 3)),
    ]
    reached = ReadProgress(splits, [100, 50])
    assert reached.bytes == 0
    reached.begin([(0, block(0, 0, 30)), (1, block(0, 60, 40)), (2, block(1, 20, 30))])
    reached.add([(0, block(0, 0, 30)), (1, block(0, 60, 40)), (2, block(1, 20, 30))])
    assert reached.bytes == 100
    reached.add([(0, block(0, 30, 30)), (1, block(1, 0, 20))])
    assert reached.bytes == 150


def test_splits_go_on_with_what_earlier_runs_have_done() -> None:
    """Half of each of two splits is done."""
    reached = ReadProgress(
        [Split(Position(0, 30, 4, 3), end_source=0, end_offset=60), Split(Position(0, 80, 9, 2))], [100]
    )
    assert (reached.bytes, reached.at_start) == (50, 50)
