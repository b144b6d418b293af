"""Observers: what logs and metrics tell is what happened, by the names that the conventions have for it."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric
from opentelemetry.semconv.attributes import db_attributes, error_attributes
from opentelemetry.semconv.metrics import db_metrics
from prometheus_client import CollectorRegistry

from asyncloader import BatchSent, Rejection, Retry, Stats
from asyncloader.observe import Observer, conventions, hooks
from asyncloader.observe.logs import LogEvents
from asyncloader.observe.otel import OtelMetrics
from asyncloader.observe.prometheus import PrometheusMetrics
from tests.engine.writers import TABLE, Writer
from tests.faultserver import FaultServer, Throttle, Unprocessed
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault

REJECTED = 2
REASON = "v: is nan, which is no DynamoDB number"


async def observed(*observers: Observer) -> Stats:
    """Some writing with refused requests, items handed back and rejected ones; returns what the writer says of it."""

    def decide(batch: Batch) -> Fault | None:
        return {0: Throttle(), 2: Unprocessed(fraction=0.5)}.get(batch.number)

    async with FaultServer(faults=decide) as server:
        server.create_table(TABLE)
        writer = Writer(server, workers=1, **hooks(*observers))
        async with writer:
            acks = [await writer.put({"id": f"k{number}", "v": 1}) for number in range(100)]
            bad = [await writer.put({"id": f"bad{number}", "v": float("nan")}) for number in range(REJECTED)]
            for ack in acks:
                await ack
            for ack in bad:
                with pytest.raises(Exception, match="nan"):
                    await ack
        return writer.stats()


async def test_metrics_of_opentelemetry_agree_with_the_writer() -> None:
    reader = InMemoryMetricReader()
    stats = await observed(OtelMetrics(MeterProvider([reader])))
    data: Any = reader.get_metrics_data()
    found: dict[str, Metric] = {
        metric.name: metric
        for each in data.resource_metrics
        for scope in each.scope_metrics
        for metric in scope.metrics
    }

    def points(name: str) -> list[Any]:
        return list(found[name].data.data_points)

    def total(name: str) -> float:
        return float(sum(point.value for point in points(name)))

    assert total("asyncloader.items.written") == stats.written == 100
    assert total("asyncloader.items.rejected") == stats.rejected == REJECTED
    assert total("asyncloader.items.retried") == stats.retried > 0
    assert total("aws.dynamodb.consumed_capacity") == stats.consumed_wcu > 0
    assert sum(point.count for point in points("db.client.operation.duration")) == stats.requests
    assert found["db.client.operation.duration"].unit == "s"
    (refused,) = [each for each in points("db.client.operation.duration") if "error.type" in each.attributes]
    assert refused.attributes == {
        "db.system.name": "aws.dynamodb",
        "db.operation.name": "BatchWriteItem",
        "db.collection.name": TABLE,
        "error.type": "ProvisionedThroughputExceededException",
    }
    assert {point.attributes["error.type"] for point in points("asyncloader.items.retried")} == {
        "ProvisionedThroughputExceededException",
        "UnprocessedItems",
    }


def test_the_names_are_those_of_the_semantic_conventions() -> None:
    assert conventions.DURATION == db_metrics.DB_CLIENT_OPERATION_DURATION
    assert conventions.SYSTEM == db_attributes.DB_SYSTEM_NAME
    assert conventions.OPERATION == db_attributes.DB_OPERATION_NAME
    assert conventions.COLLECTION == db_attributes.DB_COLLECTION_NAME
    assert conventions.ERROR == error_attributes.ERROR_TYPE


async def test_metrics_of_prometheus_agree_with_the_writer() -> None:
    registry = CollectorRegistry()
    stats = await observed(PrometheusMetrics(registry))
    common = {
        "db_system_name": "aws.dynamodb",
        "db_operation_name": "BatchWriteItem",
        "db_collection_name": TABLE,
    }

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, common | labels) or 0.0

    throttled = {"error_type": "ProvisionedThroughputExceededException"}
    assert value("asyncloader_items_written_total") == stats.written == 100
    assert value("asyncloader_items_rejected_total") == REJECTED
    assert value("aws_dynamodb_consumed_capacity_total") == stats.consumed_wcu
    handed_back = value("asyncloader_items_retried_total", error_type="UnprocessedItems")
    assert handed_back == stats.unprocessed > 0
    assert value("asyncloader_items_retried_total", **throttled) + handed_back == stats.retried
    answered = value("db_client_operation_duration_seconds_count", error_type="")
    assert value("db_client_operation_duration_seconds_count", **throttled) == stats.throttled == 1
    assert answered + 1 == stats.requests


async def test_log_records_carry_their_fields_as_extra(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "asyncloader.events"):
        stats = await observed(LogEvents())
    records = [vars(record) for record in caplog.records if record.name == "asyncloader.events"]
    sent = [record for record in records if record["message"] == "batch sent"]
    assert sum(record["written"] for record in sent) == stats.written
    assert [record["code"] for record in sent if record["code"]] == ["ProvisionedThroughputExceededException"]
    rejected = [record for record in records if record["message"] == "item rejected"]
    assert [(record["levelname"], record["table"], record["reason"]) for record in rejected] == [
        ("WARNING", TABLE, REASON)
    ] * REJECTED
    assert "bad0" not in str(rejected), "keys may be personal data"
    retried = [record for record in records if record["message"] == "items retried"]
    assert {record["code"] for record in retried} == {"ProvisionedThroughputExceededException", "UnprocessedItems"}
    assert all(record["delay_s"] >= 0 and record["tries"] >= 1 for record in retried)


def test_structlog_renders_the_fields() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    log = logging.Logger("events")
    log.addHandler(handler)
    observer = LogEvents(log, keys=True)
    observer.on_reject(Rejection("t", "the key is empty", {"id": ""}, source="a.csv", line=7))
    observer.on_retry(Retry("t", 3, "ThrottlingException", 0.25, 2))
    observer.on_batch(BatchSent("t", 25, 25, 25.0, 0.004))
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {
            "event": "item rejected",
            "level": "warning",
            "table": "t",
            "reason": "the key is empty",
            "source": "a.csv",
            "line": 7,
            "key": {"id": ""},
        },
        {
            "event": "items retried",
            "level": "info",
            "table": "t",
            "items": 3,
            "code": "ThrottlingException",
            "delay_s": 0.25,
            "tries": 2,
        },
        {
            "event": "batch sent",
            "level": "debug",
            "table": "t",
            "items": 25,
            "written": 25,
            "consumed_wcu": 25.0,
            "elapsed_s": 0.004,
            "code": None,
        },
    ]


class Heard:
    """Remembers rejections, and may fail afterwards."""

    def __init__(self, error: Exception | None = None) -> None:
        self.reasons: list[str] = []
        self._error = error

    def on_reject(self, rejection: Rejection, /) -> None:
        self.reasons.append(rejection.reason)
        if self._error is not None:
            raise self._error

    def on_retry(self, retry: Retry, /) -> None:
        """Not of interest."""

    def on_batch(self, batch: BatchSent, /) -> None:
        """Not of interest."""


async def test_several_observers_are_all_called_even_if_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    failing, other = Heard(ZeroDivisionError("its own fault")), Heard()
    stats = await observed(failing, other)
    assert failing.reasons == other.reasons == [REASON] * REJECTED
    assert stats.written == 100
    assert "its own fault" in caplog.text
