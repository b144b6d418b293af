"""How users call the library: never run, only type-checked, so that a signature does not change by accident."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import aioboto3
import polars as pl
import pyarrow as pa

import asyncloader
from asyncloader import (
    Ack,
    BatchSent,
    BatchWriter,
    Counts,
    Dialect,
    ItemRejected,
    LoadFailed,
    Plan,
    Receipt,
    Rejection,
    Report,
    Retry,
    RetrySettings,
    Stats,
    UsageError,
    WriterClosed,
    WriterFull,
)
from asyncloader.observe import hooks
from asyncloader.observe.logs import LogEvents
from asyncloader.observe.otel import OtelMetrics
from asyncloader.observe.prometheus import PrometheusMetrics

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Event:
    id: str
    price: Decimal


def dead_letter(rejection: Rejection) -> None:
    log.error("%s: %s %s", rejection.table, rejection.reason, rejection.item)


class Meter:
    """A hook may be any callable."""

    def __call__(self, batch: BatchSent) -> None:
        self.items = batch.items
        self.elapsed_s = batch.elapsed_s


async def load_a_file() -> None:
    report = await asyncloader.load("people", "people.csv", region="eu-west-1", workers=32)
    assert_type(report, Report)
    assert_type(report.counts, Counts)
    assert_type(report.counts.rows_rejected, int)


async def load_what_is_no_file(frame: pl.DataFrame, batches: pa.RecordBatchReader) -> None:
    async def items() -> AsyncIterator[dict[str, object]]:
        yield {"id": "a", "born": 1815}

    await asyncloader.load("people", frame)
    await asyncloader.load("people", batches, types={"born": "N"})
    await asyncloader.load("people", [{"id": "a"}, {"id": "b", "born": Decimal(1815)}])
    await asyncloader.load("people", items(), "more.csv", on_reject=print)
    await asyncloader.load("people", items(), **hooks(LogEvents(keys=True), OtelMetrics(), PrometheusMetrics()))


async def observe_a_writer() -> None:
    async with asyncloader.BatchWriter("events", **hooks(LogEvents())) as writer:
        await writer.put({"id": "a"})


async def plan_a_load() -> None:
    plan = await asyncloader.plan("people.csv", Path("more.csv"), key="id", sort_key="at:N", sample="5%")
    assert_type(plan, Plan)
    assert_type(plan.clean, bool)
    assert_type(plan.wcu, int)
    assert_type(plan.cost.usd, float)
    assert_type([advice.option for advice in plan.advice], list[str | None])
    assert_type(plan.rejects[0].spots[0].line, int | None)
    await asyncloader.plan(
        "a.csv", table="people", session=aioboto3.Session(), types={"born": "N"}, max_wcu=500, price=0.7
    )


async def load_with_everything() -> None:
    try:
        await asyncloader.load(
            "people",
            Path("a.csv"),
            "b/*.csv.gz",
            session=aioboto3.Session(profile_name="dev"),
            endpoint_url="http://127.0.0.1:8000",
            types={"age": "N"},
            empty="null",
            dialect=Dialect(delimiter=";"),
            create=True,
            key="id:S",
            rejects=Path("rejects.csv"),
            max_rejects="5%",
            max_wcu=1000,
            journal="people.journal",
            resume=True,
            transport="lean",
            retry=RetrySettings(attempts=20),
            on_reject=dead_letter,
            on_retry=lambda retry: log.info("%d items again in %.1f s", retry.items, retry.delay_s),
            on_batch=Meter(),
        )
    except LoadFailed as failed:
        assert_type(failed.report, Report | None)
        assert_type(failed.resume, str | None)
    except UsageError as error:
        log.error("%s", error)  # noqa: TRY400


async def write_items() -> None:
    async with BatchWriter("events", region="eu-west-1", workers=8, linger=0.02) as writer:
        assert_type(writer, BatchWriter)
        ack = await writer.put({"id": "7", "price": Decimal("9.50"), "tags": {"a", "b"}, "raw": b"\0"})
        assert_type(ack, Ack)
        assert_type(await ack, None)
        assert_type(await writer.delete({"id": "8"}), Ack)
        with suppress(WriterFull):
            assert_type(writer.put_nowait({"id": "9"}), Ack)
        receipt = await writer.put_many(items())
        assert_type(receipt, Receipt)
        assert_type(await receipt, None)
        await writer.put_many(stream())
        await writer.put_many([{"id": "1"}, {"id": "2"}])
        stats = writer.stats()
        assert_type(stats, Stats)
        assert_type(stats.p99_s, float | None)
        assert_type(stats.as_dict(), dict[str, Any])
        await writer.flush()


def items() -> Iterator[Mapping[str, Any]]:
    yield {"id": "a"}


async def stream() -> AsyncIterator[Mapping[str, Any]]:
    yield {"id": "b"}


async def write_with_everything() -> None:
    writer = BatchWriter(
        "events",
        session=aioboto3.Session(),
        profile="dev",
        endpoint_url="http://127.0.0.1:8000",
        max_pending_items=1000,
        max_pending_bytes=1_000_000,
        serializer=dataclasses.asdict,
        max_wcu=500,
        utilization=0.5,
        transport="auto",
        retry=RetrySettings(attempts=1000),
        on_reject=dead_letter,
        on_retry=_on_retry,
        on_batch=Meter(),
    )
    try:
        async with writer:
            await writer.put(Event("7", Decimal(1)))
    except* ItemRejected as group:
        for error in group.exceptions:
            assert isinstance(error, ItemRejected)
            assert_type(error.reason, str)
    except* (LoadFailed, WriterClosed):
        await writer.abort()


async def write_dynamodb_json() -> None:
    async with BatchWriter("events", raw=True) as writer:
        await writer.put({"id": {"S": "7"}, "price": {"N": "9.50"}})
        await writer.close()


def _on_retry(retry: Retry) -> None:
    log.info("%s", retry.code)
