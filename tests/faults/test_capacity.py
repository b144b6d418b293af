"""Capacity on the fault server: what it reports, and the token buckets that throttle."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.clients import (
    FakeClock,
    code_of,
    delete,
    numbered,
    people,
    put,
    running,
)


def throttle_reasons(error: pytest.ExceptionInfo[ClientError]) -> list[dict[str, str]]:
    response = error.value.response
    return list(response.get("ThrottlingReasons") or response.get("throttlingReasons") or [])


# Capacity that is reported


def test_consumed_capacity_counts_begun_kilobytes_of_the_larger_item() -> None:
    with running() as (server, client):

        def units(*requests: dict[str, Any]) -> float:
            answer = client.batch_write_item(**people(*requests), ReturnConsumedCapacity="TOTAL")
            return float(answer["ConsumedCapacity"][0]["CapacityUnits"])

        assert units(put(id="1", a="x" * 1020), put(id="2", a="x" * 1021), put(id="3")) == 4
        assert units(put(id="2")) == 2
        assert units(delete(id="1"), delete(id="missing")) == 2
        assert server.consumed_wcu == 8


def test_consumed_capacity_names_the_index_that_a_write_changes() -> None:
    with running() as (server, client):
        server.create_table("indexed", indexes={"by_mail": "mail"})

        def consumed(request: dict[str, Any]) -> tuple[float, float]:
            answer = client.batch_write_item(RequestItems={"indexed": [request]}, ReturnConsumedCapacity="INDEXES")
            (table,) = answer["ConsumedCapacity"]
            index = table.get("GlobalSecondaryIndexes", {}).get("by_mail", {"CapacityUnits": 0.0})
            assert table["CapacityUnits"] == table["Table"]["CapacityUnits"] + index["CapacityUnits"]
            return table["Table"]["CapacityUnits"], index["CapacityUnits"]

        assert consumed(put(id="1")) == (1, 0)
        assert consumed(put(id="1", mail="a")) == (1, 1)
        assert consumed(put(id="1", mail="a")) == (1, 0)
        assert consumed(put(id="1", mail="b")) == (1, 2)
        assert consumed(delete(id="1")) == (1, 1)


@pytest.mark.parametrize(("refused", "choices"), [("INDEXES", ["INDEXES"]), ("TOTAL", ["INDEXES", "TOTAL"])])
def test_consumed_capacity_can_be_refused(refused: Any, choices: list[str]) -> None:
    with running(refuse_consumed_capacity=refused) as (_, client):
        for choice in ("NONE", "TOTAL", "INDEXES"):
            if choice in choices:
                with pytest.raises(ClientError) as error:
                    client.batch_write_item(**numbered(1), ReturnConsumedCapacity=choice)
                assert code_of(error) == "ValidationException"
            else:
                client.batch_write_item(**numbered(1), ReturnConsumedCapacity=choice)


# Token buckets


def test_a_table_takes_its_burst_and_then_its_rate() -> None:
    clock = FakeClock()
    with running(table_wcu=10, burst_s=2, clock=clock, check_signatures=False) as (server, client):
        assert client.batch_write_item(**numbered(20))["UnprocessedItems"] == {}
        with pytest.raises(ClientError) as error:
            client.batch_write_item(**numbered(1))
        assert code_of(error) == "ProvisionedThroughputExceededException"
        arn = client.describe_table(TableName="people")["Table"]["TableArn"]
        reason = {"reason": "TableWriteProvisionedThroughputExceeded", "resource": arn}
        assert throttle_reasons(error) == [reason]
        clock.now += 0.5
        assert len(client.batch_write_item(**numbered(8))["UnprocessedItems"]["people"]) == 3
        server.capacity.table_wcu = 1000
        clock.now += 1
        assert client.batch_write_item(**numbered(25))["UnprocessedItems"] == {}
        assert server.consumed_wcu == 20 + 5 + 25


def test_an_item_larger_than_the_bucket_passes_when_the_bucket_is_full() -> None:
    clock = FakeClock()
    with running(table_wcu=5, clock=clock, check_signatures=False) as (_, client):
        client.batch_write_item(**people(put(id="1", a="x" * 20_000)))
        clock.now += 3
        with pytest.raises(ClientError):
            client.batch_write_item(**people(put(id="2")))
        clock.now += 0.2
        client.batch_write_item(**people(put(id="2")))


def test_a_hot_partition_is_throttled_alone() -> None:
    clock = FakeClock()
    with running(table_wcu=1000, partition_wcu=2, clock=clock, check_signatures=False) as (server, client):
        table = server.create_table("ranged", "id", "sort")
        rows = [put(id="hot", sort=str(n)) for n in range(4)] + [put(id="cold", sort="0")]
        left = client.batch_write_item(RequestItems={"ranged": rows})["UnprocessedItems"]["ranged"]
        assert left == rows[2:4]
        with pytest.raises(ClientError) as error:
            client.batch_write_item(RequestItems={"ranged": left})
        assert throttle_reasons(error) == [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": table.arn}]


def test_an_index_throttles_the_items_that_stand_in_it() -> None:
    with running(index_wcu=1, clock=FakeClock(), check_signatures=False) as (server, client):
        table = server.create_table("indexed", indexes={"by_mail": "mail"})
        rows = [put(id="1", mail="a"), put(id="2", mail="b"), put(id="3")]
        left = client.batch_write_item(RequestItems={"indexed": rows})["UnprocessedItems"]
        assert left == {"indexed": rows[1:2]}
        with pytest.raises(ClientError) as error:
            client.batch_write_item(RequestItems=left)
        assert throttle_reasons(error) == [
            {"reason": "IndexWriteProvisionedThroughputExceeded", "resource": f"{table.arn}/index/by_mail"}
        ]


def test_provisioned_throughput_is_enforced_if_asked() -> None:
    with running(enforce_provisioned=True, clock=FakeClock(), check_signatures=False) as (server, client):
        server.create_table("small", wcu=3)
        left = client.batch_write_item(RequestItems={"small": [put(id=str(n)) for n in range(5)]})
        assert len(left["UnprocessedItems"]["small"]) == 2
        assert client.batch_write_item(**numbered(25))["UnprocessedItems"] == {}
