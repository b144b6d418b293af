"""UpdateTable on the fault server: what it refuses as the service does, and when a change holds."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.clients import FakeClock, client_of
from tests.faultserver import FaultServer


def units(writes: int, reads: int = 5) -> dict[str, int]:
    return {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}


def refusal(client: Any, **changes: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        client.update_table(TableName="people", **changes)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def index_update(**changes: Any) -> list[dict[str, Any]]:
    return [{"Update": {"IndexName": "by-name", **changes}}]


def test_a_change_holds_when_the_table_is_active_again() -> None:
    clock = FakeClock()
    with FaultServer(clock=clock, check_signatures=False, update_s=30.0).in_thread() as server:
        server.create_table("people", wcu=5, indexes={"by-name": "name"})
        with client_of(server) as client:
            changes = index_update(ProvisionedThroughput=units(50))
            client.update_table(
                TableName="people", ProvisionedThroughput=units(100), GlobalSecondaryIndexUpdates=changes
            )
            told = client.describe_table(TableName="people")["Table"]
            assert told["TableStatus"] == told["GlobalSecondaryIndexes"][0]["IndexStatus"] == "UPDATING"
            assert told["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
            code, message = refusal(client, ProvisionedThroughput=units(7))
            assert code == "ResourceInUseException"
            assert "Table is being updated" in message
            clock.now += 30.0
            told = client.describe_table(TableName="people")["Table"]
            assert told["TableStatus"] == "ACTIVE"
            assert told["ProvisionedThroughput"]["WriteCapacityUnits"] == 100
            assert told["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"] == 50
            assert server.store.described("people").write_units == 100


def test_what_would_change_nothing_is_refused() -> None:
    with FaultServer().in_thread() as server:
        server.create_table("people", wcu=5, indexes={"by-name": "name"})
        with client_of(server) as client:
            code, message = refusal(client, ProvisionedThroughput=units(5))
            assert (code, message[:52]) == (
                "ValidationException",
                "The provisioned throughput for the table will not ch",
            )
            changes = index_update(ProvisionedThroughput=units(5))
            assert "for the index by-name" in refusal(client, GlobalSecondaryIndexUpdates=changes)[1]
            assert "At least one of" in refusal(client)[1]


def test_no_units_on_demand_none_below_1_none_above_the_quota_and_no_index_that_is_not_there() -> None:
    with FaultServer().in_thread() as server:
        server.create_table("people")
        with client_of(server) as client:
            assert "PAY_PER_REQUEST" in refusal(client, ProvisionedThroughput=units(5))[1]
            assert (
                refusal(client, GlobalSecondaryIndexUpdates=index_update(ProvisionedThroughput=units(9)))[0]
                == "ResourceNotFoundException"
            )
            server.create_table("paid", wcu=5)
            with pytest.raises(ClientError, match="limited to 40000"):
                client.update_table(TableName="paid", ProvisionedThroughput=units(40_001))
            client.update_table(TableName="paid", BillingMode="PAY_PER_REQUEST")
            assert server.store.described("paid").write_units is None


def test_after_four_decreases_a_day_the_next_is_refused() -> None:
    with FaultServer().in_thread() as server:
        table = server.create_table("people", wcu=50)
        with client_of(server) as client:
            for writes in (40, 30, 20, 10):
                client.update_table(TableName="people", ProvisionedThroughput=units(writes, 50))
                client.describe_table(TableName="people")
            assert table.decreases_today == 4
            code, message = refusal(client, ProvisionedThroughput=units(5, 50))
            assert code == "LimitExceededException"
            assert "Number of decreases today: 4" in message
            client.update_table(TableName="people", ProvisionedThroughput=units(60, 50))


def test_warm_throughput_is_raised_and_never_lowered() -> None:
    with FaultServer().in_thread() as server:
        server.create_table("people", indexes={"by-name": "name"}, warm_wcu=4000)
        with client_of(server) as client:
            client.update_table(
                TableName="people",
                WarmThroughput={"WriteUnitsPerSecond": 9000},
                GlobalSecondaryIndexUpdates=index_update(WarmThroughput={"WriteUnitsPerSecond": 8000}),
            )
            told = client.describe_table(TableName="people")["Table"]
            assert told["WarmThroughput"]["WriteUnitsPerSecond"] == 9000
            assert told["GlobalSecondaryIndexes"][0]["WarmThroughput"]["WriteUnitsPerSecond"] == 8000
            code, message = refusal(client, WarmThroughput={"WriteUnitsPerSecond": 8999})
            assert code == "ValidationException"
            assert "decreasing WarmThroughput is not supported" in message


def test_a_denied_operation_is_refused() -> None:
    with FaultServer().in_thread() as server:
        server.create_table("people", wcu=5)
        server.denied.add("UpdateTable")
        with client_of(server) as client:
            assert refusal(client, ProvisionedThroughput=units(6))[0] == "AccessDeniedException"
