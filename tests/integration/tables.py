"""Tables in the servers, made and read back with plain boto3, and what Python's csv module says should stand there."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Item = dict[str, Any]
"""An item in DynamoDB JSON."""
Contents = dict[tuple[Any, ...], Item]
"""Items by key."""


def create(client: Any, name: str, key: str = "id", sort_key: str | None = None, *, index: str | None = None) -> None:
    """A table on demand; keys are written "name" or "name:N", `index` is the key of a global index."""
    keys = [_split(each) for each in (key, sort_key) if each is not None]
    attributes = dict(keys)
    extra: dict[str, Any] = {}
    if index is not None:
        indexed, kind = _split(index)
        attributes[indexed] = kind
        extra["GlobalSecondaryIndexes"] = [
            {
                "IndexName": f"by-{indexed}",
                "KeySchema": [{"AttributeName": indexed, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ]
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": kind} for each, kind in attributes.items()],
        KeySchema=[
            {"AttributeName": each, "KeyType": role} for (each, _), role in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        BillingMode="PAY_PER_REQUEST",
        **extra,
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})


def contents(client: Any, name: str, *key: str) -> Contents:
    """Everything in a table, by the values of its key."""
    items: Contents = {}
    for page in client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in page["Items"]:
            place = tuple(next(iter(item[each].values())) for each in key)
            assert place not in items, f"{place} stands twice in {name}"
            items[place] = item
    return items


def texts(rows: Iterable[Mapping[str, str]], *key: str) -> Contents:
    """Rows as items of strings without their empty cells; the last row of a key wins."""
    items = [{name: {"S": value} for name, value in row.items() if value != ""} for row in rows]
    return {tuple(item[each]["S"] for each in key): item for item in items}


def rows_of(path: Path, *, encoding: str = "utf-8-sig", **dialect: Any) -> list[dict[str, str]]:
    """The rows of a file as Python's csv module reads them."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, **dialect))


def _split(key: str) -> tuple[str, str]:
    name, _, kind = key.partition(":")
    return name, kind or "S"
