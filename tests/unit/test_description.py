"""What DescribeTable answers, read into a table: keys, indexes, capacity."""

from __future__ import annotations

from typing import Any

import pytest

from asyncloader.table.description import read_description
from asyncloader.values.errors import TableError
from asyncloader.values.schema import Index, KeyAttribute, Throughput


def described(**members: Any) -> dict[str, Any]:
    """A table with one key, and what a test adds."""
    told = {
        "TableName": "people",
        "TableArn": "arn:people",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("id", "S"), ("born", "N"), ("city", "S"), ("note", "S"))
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 7},
    }
    return {**told, **members}


ON_DEMAND = {
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
}
BY_CITY = {
    "IndexName": "by-city",
    "KeySchema": [{"AttributeName": "born", "KeyType": "RANGE"}, {"AttributeName": "city", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 3},
}


def test_a_provisioned_table_and_its_index_have_their_units() -> None:
    table = read_description(described(GlobalSecondaryIndexes=[BY_CITY], ItemCount=12))
    assert table.throughput == Throughput(provisioned=7)
    assert table.item_count == 12
    city, born = KeyAttribute("city"), KeyAttribute("born", "N")
    assert table.indexes == (
        Index("by-city", city, born, "INCLUDE", frozenset({"note"}), is_global=True, throughput=Throughput(3)),
    )
    assert table.index_keys == (city, born)
    assert table.index_sort_keys == {"born"}


def test_on_demand_there_are_no_units_but_warmth_and_a_limit() -> None:
    limits = {"WarmThroughput": {"WriteUnitsPerSecond": 9000}, "OnDemandThroughput": {"MaxWriteRequestUnits": 500}}
    assert read_description(described(**ON_DEMAND, **limits)).throughput == Throughput(None, warm=9000, most=500)


def test_minus_one_is_no_limit() -> None:
    told = described(**ON_DEMAND, OnDemandThroughput={"MaxWriteRequestUnits": -1})
    assert read_description(told).throughput == Throughput()


def test_no_units_and_no_mode_mean_on_demand() -> None:
    """Some servers leave the summary out."""
    told = described(ProvisionedThroughput={"WriteCapacityUnits": 0})
    assert read_description(told).throughput == Throughput()


def test_a_local_index_has_no_capacity_of_its_own() -> None:
    local = {**BY_CITY, "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    (index,) = read_description(described(LocalSecondaryIndexes=[local])).indexes
    assert (index.is_global, index.throughput, index.sort_key) == (False, None, None)


def test_a_description_without_a_partition_key_is_an_error() -> None:
    with pytest.raises(TableError, match="no partition key"):
        read_description(described(KeySchema=[]))
