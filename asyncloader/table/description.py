"""What DescribeTable answers → the table as the rest of the package knows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from asyncloader.values.errors import TableError
from asyncloader.values.schema import Index, KeyAttribute, KeyType, Projection, Table, Throughput

Told = Mapping[str, Any]


def read_description(told: Told) -> Table:
    """The member `Table` of the answer; raises `TableError` where it names no partition key."""
    types = {each["AttributeName"]: each["AttributeType"] for each in told["AttributeDefinitions"]}
    partition_key, sort_key = _key(told, types, f"table {told['TableName']!r}")
    own = {each["AttributeName"] for each in told["KeySchema"]}
    on_demand = _is_on_demand(told)
    indexes = tuple(
        _index(each, types, is_global=member == "GlobalSecondaryIndexes", on_demand=on_demand)
        for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for each in told.get(member) or ()
    )
    names = dict.fromkeys(key.name for index in indexes for key in index.key if key.name not in own)
    return Table(
        name=told["TableName"],
        arn=told.get("TableArn", ""),
        partition_key=partition_key,
        sort_key=sort_key,
        index_keys=tuple(KeyAttribute(name, types[name]) for name in names),
        index_sort_keys=frozenset(index.sort_key.name for index in indexes if index.sort_key is not None),
        indexes=indexes,
        throughput=_throughput(told, on_demand=on_demand),
        item_count=told.get("ItemCount") or 0,
    )


def _key(told: Told, types: Mapping[str, KeyType], what: str) -> tuple[KeyAttribute, KeyAttribute | None]:
    by_kind = {each["KeyType"]: each["AttributeName"] for each in told["KeySchema"]}
    if "HASH" not in by_kind:
        raise TableError(f"{what} has no partition key in its description")
    keys = [KeyAttribute(by_kind[kind], types[by_kind[kind]]) for kind in ("HASH", "RANGE") if kind in by_kind]
    return keys[0], keys[1] if len(keys) > 1 else None


def _index(told: Told, types: Mapping[str, KeyType], *, is_global: bool, on_demand: bool) -> Index:
    partition_key, sort_key = _key(told, types, f"index {told['IndexName']!r}")
    projection = told.get("Projection") or {}
    return Index(
        name=told["IndexName"],
        partition_key=partition_key,
        sort_key=sort_key,
        projection=cast(Projection, projection.get("ProjectionType", "ALL")),
        included=frozenset(projection.get("NonKeyAttributes") or ()),
        is_global=is_global,
        throughput=_throughput(told, on_demand=on_demand) if is_global else None,
    )


def _is_on_demand(told: Told) -> bool:
    """The summary is missing in tables that never were on demand; some servers leave it out and tell 0 units."""
    mode = (told.get("BillingModeSummary") or {}).get("BillingMode")
    return bool(mode == "PAY_PER_REQUEST" or (mode is None and not _provisioned(told)))


def _provisioned(told: Told) -> int:
    return int((told.get("ProvisionedThroughput") or {}).get("WriteCapacityUnits") or 0)


def _throughput(told: Told, *, on_demand: bool) -> Throughput:
    warm = (told.get("WarmThroughput") or {}).get("WriteUnitsPerSecond")
    most = (told.get("OnDemandThroughput") or {}).get("MaxWriteRequestUnits")
    return Throughput(
        provisioned=None if on_demand else _provisioned(told),
        warm=int(warm) if warm else None,
        most=int(most) if on_demand and most and int(most) > 0 else None,
    )
