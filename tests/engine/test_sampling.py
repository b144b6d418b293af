"""A plan from a sample: quick, evenly spread, and honest about what it does not know."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import asyncloader
from asyncloader.planning.planner import Planner
from asyncloader.sources.stream import SourceStream
from asyncloader.values.plan import Plan
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.schema import KeyAttribute
from asyncloader.values.settings import LoadSettings

ROWS = 400_000
EVERY = 50
"""One row in this number has no key."""


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 20 MB, with quoted line ends here and there, and a bad row in every fifty."""
    path = tmp_path_factory.mktemp("sampled") / "people.csv"
    with path.open("w") as out:
        out.write("id,tenant,note\n")
        for number in range(ROWS):
            key = "" if number % EVERY == 0 else f"{number:09}"
            note = '"two\nlines, with ""quotes"""' if number % 7 == 0 else f"plain note of {number}"
            out.write(f"{key},t{number % 10},{note}\n")
    return path


async def sampled(source: Path, fraction: float | None, **changes: int) -> Plan:
    planner = Planner(
        [source],
        PlanSettings(load=LoadSettings(**changes), key=KeyAttribute("id"), sample=fraction),  # type: ignore[arg-type]
    )
    await planner.prepare()
    return await planner.run(None)


async def test_a_plain_file_is_read_in_evenly_spaced_places(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only as much of it as was asked for, cut where records end, and close to the truth within what is told."""
    reads: list[int] = []
    read_raw = SourceStream._read_raw

    async def counted(self: SourceStream, least: int) -> bytes:
        raw = await read_raw(self, least)
        reads.append(len(raw))
        return raw

    monkeypatch.setattr(SourceStream, "_read_raw", counted)
    plan = await sampled(people, 0.05)
    size = people.stat().st_size
    assert sum(reads) < 0.25 * size
    sample = plan.sample
    assert sample is not None
    assert sample.fraction == pytest.approx(0.05, rel=0.1)
    assert sample.blocks_read >= 8
    assert abs(plan.rows - ROWS) <= max(3 * sample.rows_spread, ROWS // 100)
    assert abs(plan.rows_rejected - ROWS // EVERY) <= max(3 * sample.rejected_spread, ROWS // EVERY // 20)
    # A record that was cut in two would be ragged.
    assert [reason.reason for reason in plan.rejects] == ["id: the key is empty"]
    spot = plan.rejects[0].spots[0]
    assert spot.line is None
    assert spot.offset is not None
    assert people.read_bytes()[spot.offset : spot.offset + 2] == b",t"


async def test_of_a_compressed_file_every_nth_block_is_counted(people: Path, tmp_path: Path) -> None:
    """Its lines are known, since all of it has been read."""
    source = tmp_path / "people.csv.gz"
    source.write_bytes(gzip.compress(people.read_bytes(), 1))
    plan = await sampled(source, 0.1, block_bytes=65_536)
    assert plan.sample is not None
    assert plan.sample.fraction == pytest.approx(0.1, rel=0.15)
    assert plan.rows == pytest.approx(ROWS, rel=0.02)
    lines = people.read_text().split("\n")
    for spot in plan.rejects[0].spots:
        assert spot.line is not None
        assert lines[spot.line - 1].startswith(",t")


async def test_a_small_file_is_read_whole_and_is_no_sample(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_text("id\n" + "".join(f"{number}\n" for number in range(1000)))
    plan = await sampled(source, 0.05)
    assert (plan.rows, plan.sample) == (1000, None)


async def test_nothing_found_in_a_sample_may_still_be_there(people: Path, tmp_path: Path) -> None:
    """One bad row in 400,000 is missed by most samples; so the doubt is told."""
    source = tmp_path / "people.csv"
    source.write_text("id\n" + "".join(f"{number:050}\n" for number in range(300_000)))
    plan = await sampled(source, 0.05)
    assert plan.sample is not None
    assert plan.rows_rejected == 0
    assert plan.clean
    assert plan.sample.rejected_spread == pytest.approx(3 / plan.sample.fraction, abs=1)


async def test_a_place_where_no_record_can_be_found_is_passed_over(tmp_path: Path) -> None:
    """A quote that nobody closes in the middle of the file: the sample does without those places."""
    source = tmp_path / "people.csv"
    lines = [f"{number:09},plain note\n" for number in range(150_000)]
    huge = '"' + "x" * 9_000_000 + '",rest\n'
    source.write_text("id,note\n" + "".join(lines) + huge + "".join(lines))
    plan = await sampled(source, 0.2)
    assert plan.sample is not None
    assert 0 < plan.sample.blocks_read < 20
    assert plan.rows_rejected == 0


async def test_the_library_reads_a_percentage(people: Path) -> None:
    plan = await asyncloader.plan(people, key="id", sample="20%")
    assert plan.sample is not None
    assert plan.sample.fraction == pytest.approx(0.2, rel=0.1)
    with pytest.raises(asyncloader.UsageError, match="--sample takes a percentage like 5%, not '0%'"):
        await asyncloader.plan(people, key="id", sample="0%")
    with pytest.raises(asyncloader.UsageError, match="between 0 and 1"):
        await asyncloader.plan(people, key="id", sample=2)
