"""What DescribeTable answers → the table as the rest of the package knows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from asyncloader.values.errors import TableError
from asyncloader.values.schema import Index, KeyAttribute, KeyType, Projection, Table, Throughput

Description = Mapping[str, Any]


def read_description(description: Description) -> Table:
    """The member `Table` of the answer; raises `TableError` where it names no partition key."""
    types = {
        attribute["AttributeName"]: attribute["AttributeType"] for attribute in description["AttributeDefinitions"]
    }
    partition_key, sort_key = _key(description, types, f"table {description['TableName']!r}")
    own = {element["AttributeName"] for element in description["KeySchema"]}
    on_demand = _is_on_demand(description)
    indexes = tuple(
        _index(index, types, is_global=member == "GlobalSecondaryIndexes", on_demand=on_demand)
        for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for index in description.get(member) or ()
    )
    names = dict.fromkeys(key.name for index in indexes for key in index.key if key.name not in own)
    return Table(
        name=description["TableName"],
        arn=description.get("TableArn", ""),
        partition_key=partition_key,
        sort_key=sort_key,
        index_keys=tuple(KeyAttribute(name, types[name]) for name in names),
        index_sort_keys=frozenset(index.sort_key.name for index in indexes if index.sort_key is not None),
        indexes=indexes,
        throughput=_throughput(description, on_demand=on_demand),
        item_count=description.get("ItemCount") or 0,
    )


def _key(description: Description, types: Mapping[str, KeyType], what: str) -> tuple[KeyAttribute, KeyAttribute | None]:
    by_kind = {element["KeyType"]: element["AttributeName"] for element in description["KeySchema"]}
    if "HASH" not in by_kind:
        raise TableError(f"{what} has no partition key in its description")
    keys = [KeyAttribute(by_kind[kind], types[by_kind[kind]]) for kind in ("HASH", "RANGE") if kind in by_kind]
    return keys[0], keys[1] if len(keys) > 1 else None


def _index(description: Description, types: Mapping[str, KeyType], *, is_global: bool, on_demand: bool) -> Index:
    partition_key, sort_key = _key(description, types, f"index {description['IndexName']!r}")
    projection = description.get("Projection") or {}
    return Index(
        name=description["IndexName"],
        partition_key=partition_key,
        sort_key=sort_key,
        projection=cast(Projection, projection.get("ProjectionType", "ALL")),
        included=frozenset(projection.get("NonKeyAttributes") or ()),
        is_global=is_global,
        throughput=_throughput(description, on_demand=on_demand) if is_global else None,
    )


def _is_on_demand(description: Description) -> bool:
    """The summary is missing in tables that never were on demand; some servers leave it out and answer 0 units."""
    mode = (description.get("BillingModeSummary") or {}).get("BillingMode")
    return bool(mode == "PAY_PER_REQUEST" or (mode is None and not _provisioned(description)))


def _provisioned(description: Description) -> int:
    return int((description.get("ProvisionedThroughput") or {}).get("WriteCapacityUnits") or 0)


def _throughput(description: Description, *, on_demand: bool) -> Throughput:
    warm = (description.get("WarmThroughput") or {}).get("WriteUnitsPerSecond")
    most = (description.get("OnDemandThroughput") or {}).get("MaxWriteRequestUnits")
    return Throughput(
        provisioned=None if on_demand else _provisioned(description),
        warm=int(warm) if warm else None,
        most=int(most) if on_demand and most and int(most) > 0 else None,
    )
