"""Under any faults: nothing lost, nothing stale, nothing in silence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncloader.values.errors import AccessError, LoadFailed
from asyncloader.values.report import Report
from asyncloader.wire.sigv4 import Credentials
from tests.engine.loads import QUICK, Keys, Row, Scene, applied, item_of, scene
from tests.engine.strategies import REFUSED, rows, scripts
from tests.faultserver import (
    Credential,
    DeleteTable,
    ExpiredToken,
    FaultServer,
    Hang,
    Poison,
    RandomFaults,
    RefuseItem,
    ServerError,
    Throttle,
    Unprocessed,
)
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault

IMPATIENT = replace(QUICK, request_timeout_s=0.05)
FEW_ATTEMPTS = replace(QUICK, attempts=4)
THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Validating:
    """The service looks at the items before anything else can go wrong with the request."""

    def __init__(self, script: RandomFaults) -> None:
        self._script = script

    def __call__(self, batch: Batch) -> Fault | None:
        fault = self._script(batch)
        return RULE if any(_is_refused(item) for item in batch.items) else fault


def _is_refused(item: dict[str, dict[str, str]]) -> bool:
    return item.get("value") == {"S": REFUSED}


RULE = RefuseItem(_is_refused)


async def _load(
    made_rows: list[Row],
    *,
    faults: Iterable[Fault | None] | Callable[[Batch], Fault | None] | None = None,
    rules: Iterable[Fault] = (),
    key_type: str = "S",
    **changes: Any,
) -> tuple[Scene, FaultServer, Report]:
    with TemporaryDirectory() as folder:
        async with FaultServer(faults=faults, rules=list(rules)) as server:
            made = scene(server, Path(folder), made_rows, key_type=key_type)
            report = await made.run(**changes)
            assert not (made.folder / "load.journal").exists()
            assert [row["_asyncloader_line"] for row in made.rejects()] == sorted(
                (row["_asyncloader_line"] for row in made.rejects()), key=int
            )
            return made, server, report


@THOROUGH
@given(rows(), scripts(), st.integers(1, 12), st.integers(64, 4000))
def test_the_table_is_as_if_the_rows_had_been_applied_one_after_the_other(
    made_rows: list[Row], script: RandomFaults, workers: int, block_bytes: int
) -> None:
    made, server, report = asyncio.run(
        _load(made_rows, faults=script, workers=workers, block_bytes=block_bytes, blocks_in_flight=3)
    )
    assert made.items() == applied(made_rows)
    assert server.overlaps == 0
    assert report.complete
    assert report.reconciles
    assert report.counts.rows_read == len(made_rows)
    assert report.counts.rows_rejected == sum(not row[0] for row in made_rows)


@THOROUGH
@given(rows(refusals=True), scripts(), st.integers(1, 8), st.integers(64, 4000))
def test_a_refused_row_costs_only_itself_and_an_earlier_row_of_its_key_stands(
    made_rows: list[Row], script: RandomFaults, workers: int, block_bytes: int
) -> None:
    made, server, report = asyncio.run(
        _load(made_rows, faults=Validating(script), workers=workers, block_bytes=block_bytes)
    )
    assert made.items() == applied(made_rows, refused=[REFUSED])
    assert server.overlaps == 0
    assert report.reconciles


@THOROUGH
@given(rows(numbers=True), scripts(), st.integers(64, 4000))
def test_number_keys_are_the_same_by_value_whatever_their_spelling(
    made_rows: list[Row], script: RandomFaults, block_bytes: int
) -> None:
    made, server, report = asyncio.run(_load(made_rows, faults=script, key_type="N", block_bytes=block_bytes))
    expected = {}
    for row in made_rows:
        if row[0]:
            key = str(int(float(row[0])))
            expected[key] = {**item_of(row), "id": {"N": key}}
    assert made.items() == expected
    assert server.overlaps == 0
    assert report.reconciles


def _people(count: int) -> list[Row]:
    return [(f"k{number}", f"v{number}", "") for number in range(count)]


async def test_every_accepted_item_is_acknowledged_exactly_once_when_nothing_goes_wrong() -> None:
    _, server, report = await _load(_people(1000))
    assert set(server.accepted.values()) == {1}
    assert report.counts.requests == server.requests["BatchWriteItem"]
    assert report.counts.consumed_wcu == 1000


async def test_unprocessed_items_are_sent_again_merged_into_fuller_batches() -> None:
    _, server, report = await _load(_people(500), faults=[Unprocessed(fraction=0.4)] * 20, block_bytes=100_000)
    assert set(server.accepted.values()) == {1}
    assert report.counts.unprocessed_items == server.unprocessed_items == 200
    assert report.counts.retried_items == 200
    assert report.counts.requests < 20 + 20


async def test_counts_tell_throttled_requests_from_items_handed_back() -> None:
    _, server, report = await _load(_people(100), faults=[Throttle(), Throttle(code="ThrottlingException")])
    assert report.counts.throttled_requests == server.throttled_requests == 2
    assert report.counts.unprocessed_items == 0
    assert report.counts.retried_items == 50


async def test_a_hanging_request_times_out_and_is_sent_again() -> None:
    made, _, report = await _load(_people(100), faults=[Hang(written=0.5)], retry=IMPATIENT)
    assert len(made.items()) == 100
    assert report.counts.retried_items == 25


async def test_an_item_that_never_gets_in_is_rejected_while_all_others_are_written() -> None:
    made, _, report = await _load(
        _people(200), rules=[Poison(lambda item: item["id"] == {"S": "k7"})], retry=FEW_ATTEMPTS
    )
    assert len(made.items()) == 199
    assert report.counts.rows_rejected == 1
    assert report.reconciles


async def test_an_outage_at_the_end_rejects_nothing_and_is_resumed(tmp_path: Path) -> None:
    """What never gets in while others do is an item's fault only if it is alone; otherwise the load stops."""
    last = ({"S": "k7"}, {"S": "k8"})
    async with FaultServer(rules=[Poison(lambda item: item["id"] in last)]) as server:
        made = scene(server, tmp_path, _people(200))
        with pytest.raises(LoadFailed, match=r"no progress in \d+ attempts"):
            await made.run(retry=FEW_ATTEMPTS)
        assert len(made.items()) == 198
        server.rules.clear()
        report = await made.run(resume=True)
        assert (report.complete, report.counts.rows_rejected, made.rejects()) == (True, 0, [])
        assert made.items() == applied(_people(200))


async def test_a_table_that_never_takes_an_item_ends_before_the_first_write(tmp_path: Path) -> None:
    async with FaultServer(rules=[Throttle()]) as server:
        made = scene(server, tmp_path, _people(200))
        with pytest.raises(AccessError, match=r"no progress in 4 attempts.*ProvisionedThroughputExceeded"):
            await made.run(retry=FEW_ATTEMPTS)
        assert not (tmp_path / "load.journal").exists()


async def test_a_table_without_progress_stops_the_load_and_says_why(tmp_path: Path) -> None:
    def nothing_after_two(batch: Batch) -> Fault | None:
        return Throttle() if batch.number >= 2 else None

    async with FaultServer(faults=nothing_after_two) as server:
        made = scene(server, tmp_path, _people(200))
        with pytest.raises(LoadFailed, match=r"no progress in \d+ attempts.*ProvisionedThroughputExceeded") as failure:
            await made.run(retry=FEW_ATTEMPTS, workers=1)
        assert failure.value.report is not None
        assert not failure.value.report.complete
        assert failure.value.resume
        assert (tmp_path / "load.journal").exists()


async def test_a_table_deleted_in_mid_load_stops_the_load_resumably(tmp_path: Path) -> None:
    made_rows = _people(600)
    async with FaultServer(faults=[None, None, DeleteTable()]) as server:
        made = scene(server, tmp_path, made_rows)
        with pytest.raises(LoadFailed, match="table is gone"):
            await made.run()
        server.create_table("people")
        report = await made.run(resume=True)
        assert report.complete
        assert report.counts.rows_read == 600
        # What stood in the table that was deleted is gone with it: a resume starts behind the watermark.
        assert set(made.items()) <= set(applied(made_rows))


async def test_a_refused_token_is_renewed_and_the_items_are_sent_again(tmp_path: Path) -> None:
    keys = Keys(token="old")
    keys.following = [Credentials("AKIANEW", "other", "new")]
    server = FaultServer(
        credentials={"AKIATEST": Credential("secret", token="old")}, faults=[None, None, ExpiredToken()]
    )
    async with server:
        server.credentials["AKIANEW"] = Credential("other", token="new")
        made = scene(server, tmp_path, _people(300))
        report = await made.run(keys)
        assert keys.renewed >= 1
        assert len(made.items()) == 300
        assert report.complete


async def test_a_skewed_clock_follows_the_date_of_the_server(tmp_path: Path) -> None:
    async with FaultServer(clock=lambda: time.time() + 3600) as server:
        made = scene(server, tmp_path, _people(100))
        report = await made.run()
        assert report.complete
        assert len(made.items()) == 100


async def test_a_slow_key_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """One item comes back again and again; all other items are written before it gets in."""
    order: list[str] = []

    class Watched(Poison):
        def shape(self, plan: object) -> None:
            if len(order) < 150:
                super().shape(plan)  # type: ignore[arg-type]  # handed through

    rule = Watched(lambda item: item["id"] == {"S": "k0"})
    async with FaultServer(rules=[rule]) as server:
        made = scene(server, tmp_path, _people(400))

        async def follow() -> None:
            while len(order) < 150:
                order[:] = list(made.items())
                await asyncio.sleep(0)

        following = asyncio.create_task(follow())
        report = await made.run(blocks_in_flight=4)
        await following
        assert report.complete
        assert server.log[-1].key is not None
        places = [applied_.key for applied_ in server.log if applied_.acknowledged]
        assert places.index(("people", "k0")) >= 149


async def test_5xx_answers_without_end_reject_what_they_hit_or_stop(tmp_path: Path) -> None:
    async with FaultServer(rules=[ServerError(500, written=1.0)]) as server:
        made = scene(server, tmp_path, _people(50))
        with pytest.raises(LoadFailed, match="InternalServerError"):
            await made.run(retry=FEW_ATTEMPTS)
