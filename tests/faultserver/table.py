"""One table: its key, its items, and what it says of itself."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .errors import invalid, invalid_parameter
from .index import MAX_HASH_BYTES, MAX_RANGE_BYTES, Index, KeyAttribute, empty_key, indexes, wcu
from .values import Item

Key = tuple[str, ...]
"""The table's name, then the key's values as texts: strings, numbers in their stored form, base64."""

_NO_MATCH = "The provided key element does not match the schema"
WRITABLE = frozenset({"ACTIVE", "UPDATING"})


class Stored(NamedTuple):
    """An item and its size in bytes."""

    item: Item
    size: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Write capacity units of one write, in the table and in each index that it changes."""

    table: int
    indexes: Mapping[str, int]

    @property
    def total(self) -> int:
        """All units of the write."""
        return self.table + sum(self.indexes.values())


@dataclass(slots=True, eq=False)
class Table:
    """A table with its items by key."""

    name: str
    arn: str
    hash: KeyAttribute
    range: KeyAttribute | None
    indexes: tuple[Index, ...]
    request: Mapping[str, Any]
    created_at: float
    status: str = "ACTIVE"
    creating_describes: int = 0
    warm_wcu: int | None = None
    warm_index_wcu: dict[str, int] = field(default_factory=dict)
    decreases_today: int = 0
    contents: dict[Key, Stored] = field(default_factory=dict)
    _order: list[tuple[int, Key]] | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], arn: str, created_at: float) -> Table:
        """The table that a checked CreateTable request describes."""
        kinds = {one["AttributeName"]: one["AttributeType"] for one in request["AttributeDefinitions"]}
        keys = [KeyAttribute(key["AttributeName"], kinds[key["AttributeName"]]) for key in request["KeySchema"]]
        names = tuple(key.name for key in keys)
        return cls(
            name=request["TableName"],
            arn=arn,
            hash=keys[0],
            range=keys[1] if len(keys) > 1 else None,
            indexes=tuple(indexes(request, arn, kinds, names)),
            request=request,
            created_at=created_at,
        )

    @property
    def key_attributes(self) -> tuple[KeyAttribute, ...]:
        """The partition key, then the sort key if there is one."""
        return (self.hash,) if self.range is None else (self.hash, self.range)

    @property
    def write_units(self) -> int | None:
        """The provisioned write capacity, None on demand."""
        if self.request.get("BillingMode") == "PAY_PER_REQUEST":
            return None
        return int(self.request["ProvisionedThroughput"]["WriteCapacityUnits"])

    # What UpdateTable changes; an index by its name, the table by none.

    def provision(self, index: str, reads: int, writes: int) -> None:
        """Set the provisioned capacity of the table or of one index."""
        units = {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}
        if index:
            self._describe_index(index, {"ProvisionedThroughput": units})
        else:
            self.request = {**self.request, "ProvisionedThroughput": units}

    def go_on_demand(self) -> None:
        """Change the billing mode; there is no provisioned capacity any more."""
        kept = {name: value for name, value in self.request.items() if name != "ProvisionedThroughput"}
        self.request = {**kept, "BillingMode": "PAY_PER_REQUEST"}
        for index in self.indexes:
            self._describe_index(index.name, {"ProvisionedThroughput": None})

    def count_decrease(self) -> None:
        """One more decrease of the capacity today."""
        self.decreases_today += 1

    def warm_of(self, index: str) -> int | None:
        """The warm throughput in writes a second; None where the server tells of none."""
        return self.warm_index_wcu.get(index, self.warm_wcu) if index else self.warm_wcu

    def warm(self, index: str, writes: int) -> None:
        """Raise the warm throughput of the table or of one index."""
        if index:
            self.warm_index_wcu[index] = writes
        else:
            self.warm_index_wcu = {each.name: self.warm_of(each.name) or 0 for each in self.indexes if each.is_global}
            self.warm_wcu = writes

    def _describe_index(self, name: str, changes: Mapping[str, Any]) -> None:
        self.indexes = tuple(
            replace(index, description={**index.description, **changes}) if index.name == name else index
            for index in self.indexes
        )

    def key_of(self, attributes: Item, *, alone: bool = False, precise: bool = False) -> Key:
        """The key within checked attributes, refusing a missing, empty, mistyped or too long one.

        `alone` says that the attributes must be the key and nothing else; `precise` names the attribute as
        PutItem does, where BatchWriteItem only says that it does not match.
        """
        if alone and len(attributes) != len(self.key_attributes):
            raise invalid(_NO_MATCH)
        parts = [self.name]
        for position, attribute in enumerate(self.key_attributes):
            value = attributes.get(attribute.name)
            if value is None:
                raise (
                    invalid_parameter(f"Missing the key {attribute.name} in the item")
                    if precise
                    else invalid(_NO_MATCH)
                )
            text = value.get(attribute.kind)
            if text is None:
                (actual,) = value
                raise (
                    invalid_parameter(
                        f"Type mismatch for key {attribute.name} expected: {attribute.kind} actual: {actual}"
                    )
                    if precise
                    else invalid(_NO_MATCH)
                )
            if (noun := empty_key(attribute, text)) is not None:
                raise invalid(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute "
                    f"cannot contain an empty {noun} value. Key: {attribute.name}"
                )
            if position == 0 and attribute.bytes_of(text) > MAX_HASH_BYTES:
                raise invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
            if position == 1 and attribute.bytes_of(text) > MAX_RANGE_BYTES:
                raise invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
            parts.append(text)
        return tuple(parts)

    def check_indexes(self, item: Item) -> None:
        """Refuse an item that an index cannot take."""
        for index in self.indexes:
            index.check(item)

    def key_item(self, key: Key) -> Item:
        """A key as typed attributes."""
        return {
            attribute.name: {attribute.kind: text} for attribute, text in zip(self.key_attributes, key[1:], strict=True)
        }

    def cost(self, key: Key, item: Item | None, size: int) -> Cost:
        """What writing the item now would cost; the larger of the old and the new item counts."""
        old = self.contents.get(key)
        units = wcu(max(size, old.size if old else 0))
        if not self.indexes:
            return Cost(units, {})
        old_item = old.item if old else None
        priced = {index.name: index.cost(old_item, item) for index in self.indexes}
        return Cost(units, {name: cost for name, cost in priced.items() if cost})

    def put(self, key: Key, item: Item, size: int) -> None:
        """Store an item in place of the one of the same key."""
        if key not in self.contents:
            self._order = None
        self.contents[key] = Stored(item, size)

    def delete(self, key: Key) -> None:
        """Forget the item of a key, if there is one."""
        if self.contents.pop(key, None) is not None:
            self._order = None

    def after(self, start: Key | None) -> list[Key]:
        """All keys behind `start` in the order of a scan, which is by hash and not by key."""
        if self._order is None:
            self._order = sorted((partition_hash(key), key) for key in self.contents)
        first = 0 if start is None else bisect_right(self._order, (partition_hash(start), start))
        return [key for _, key in self._order[first:]]

    def description(self) -> dict[str, Any]:
        """What DescribeTable answers."""
        request = self.request
        provisioned = request.get("ProvisionedThroughput") or {
            "ReadCapacityUnits": 0,
            "WriteCapacityUnits": 0,
        }
        described: dict[str, Any] = {
            "TableName": self.name,
            "TableArn": self.arn,
            "TableId": f"00000000-0000-4000-8000-{zlib.crc32(self.name.encode()):012x}",
            "TableStatus": self.status,
            "CreationDateTime": self.created_at,
            "KeySchema": request["KeySchema"],
            "AttributeDefinitions": request["AttributeDefinitions"],
            "ItemCount": len(self.contents),
            "TableSizeBytes": sum(stored.size for stored in self.contents.values()),
            "ProvisionedThroughput": {**provisioned, "NumberOfDecreasesToday": self.decreases_today},
        }
        if self.write_units is None:
            described["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST"}
        if "OnDemandThroughput" in request:
            described["OnDemandThroughput"] = request["OnDemandThroughput"]
        if self.warm_wcu is not None:
            described["WarmThroughput"] = self._warm_description("")
        for index in self.indexes:
            member = "GlobalSecondaryIndexes" if index.is_global else "LocalSecondaryIndexes"
            described.setdefault(member, []).append(self._index_description(index))
        return described

    def _warm_description(self, index: str) -> dict[str, Any]:
        writes = self.warm_of(index) or 0
        return {"ReadUnitsPerSecond": 3 * writes, "WriteUnitsPerSecond": writes, "Status": self.status}

    def _index_description(self, index: Index) -> dict[str, Any]:
        entries = [stored for stored in self.contents.values() if index.entry(stored.item) is not None]
        described = {
            "IndexName": index.name,
            "IndexArn": index.arn,
            "KeySchema": index.description["KeySchema"],
            "Projection": index.description.get("Projection") or {"ProjectionType": "ALL"},
            "ItemCount": len(entries),
            "IndexSizeBytes": sum(stored.size for stored in entries),
        }
        if index.is_global:
            throughput = index.description.get("ProvisionedThroughput") or {
                "ReadCapacityUnits": 0,
                "WriteCapacityUnits": 0,
            }
            described["IndexStatus"] = self.status
            if self.warm_wcu is not None:
                described["WarmThroughput"] = self._warm_description(index.name)
            described["ProvisionedThroughput"] = {**throughput, "NumberOfDecreasesToday": 0}
        return described


def partition_hash(key: Key) -> int:
    """A number that spreads partition keys, the same in every run."""
    return zlib.crc32(key[1].encode())
