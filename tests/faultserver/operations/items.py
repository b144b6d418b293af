"""Single items and reads: GetItem, PutItem, DeleteItem, Scan, Query."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..errors import invalid, unreadable
from ..store import Store
from ..table import Key, Table, partition_hash
from ..values import Item, checked, checked_item

Payload = dict[str, Any]

MAX_PAGE_BYTES = 1024 * 1024
_EQUALITY = re.compile(
    r"\(?\s*([#\w]+)\s*=\s*(:\w+)\s*\)?(?:\s+AND\s+\(?\s*([#\w]+)\s*=\s*(:\w+)\s*\)?)?", re.IGNORECASE
)
_READS = frozenset(
    {
        "TableName",
        "ConsistentRead",
        "ReturnConsumedCapacity",
        "ProjectionExpression",
        "ExpressionAttributeNames",
    }
)
_WRITES = frozenset({"TableName", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValues"})
_PAGES = _READS | {"Limit", "ExclusiveStartKey", "Select"}


def get_item(store: Store, request: Payload) -> Payload:
    """The item of a key; no item is an answer without one."""
    _only(request, _READS | {"Key"})
    table = store.usable(request["TableName"])
    stored = table.contents.get(_key(table, request.get("Key")))
    return {"Item": _projected(stored.item, request)} if stored else {}


def put_item(store: Store, request: Payload) -> Payload:
    """Store one item."""
    _only(request, _WRITES | {"Item"})
    item, size = checked_item(request.get("Item"))
    table = store.usable(request["TableName"])
    key = table.key_of(item, precise=True)
    table.check_indexes(item)
    return _write(table, key, item, size, request)


def delete_item(store: Store, request: Payload) -> Payload:
    """Forget one item."""
    _only(request, _WRITES | {"Key"})
    table = store.usable(request["TableName"])
    return _write(table, _key(table, request.get("Key")), None, 0, request)


def scan(store: Store, request: Payload) -> Payload:
    """A page of the whole table or of one segment."""
    _only(request, _PAGES | {"Segment", "TotalSegments"})
    table = store.usable(request["TableName"])
    keys: Iterable[Key] = table.after(_start(table, request))
    segments = request.get("TotalSegments", 1)
    if segments > 1:
        keys = (key for key in keys if partition_hash(key) % segments == request["Segment"])
    return _page(table, keys, request)


def query(store: Store, request: Payload) -> Payload:
    """A page of one partition, by equality of the key's attributes alone."""
    _only(request, _PAGES | {"KeyConditionExpression", "ExpressionAttributeValues", "ScanIndexForward"})
    table = store.usable(request["TableName"])
    match = _EQUALITY.fullmatch(request.get("KeyConditionExpression", "").strip())
    if match is None:
        raise invalid("the fault server understands KeyConditionExpression only as equality of key attributes")
    names, values = request.get("ExpressionAttributeNames") or {}, request["ExpressionAttributeValues"]
    parts: list[str] = [part for part in match.groups() if part is not None]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    wanted = {names.get(name, name): checked(values[value])[0] for name, value in pairs}
    if table.hash.name not in wanted or not set(wanted) <= {key.name for key in table.key_attributes}:
        raise invalid("Query condition missed key schema element")
    found = [
        key for key in table.after(None) if all(table.key_item(key)[name] == value for name, value in wanted.items())
    ]
    if table.range is not None:
        numeric = table.range.kind == "N"
        found.sort(key=lambda key: (float(key[2]) if numeric else 0.0, key[2]))
    if not request.get("ScanIndexForward", True):
        found.reverse()
    start = _start(table, request)
    return _page(table, found if start is None else found[found.index(start) + 1 :], request)


def _page(table: Table, keys: Iterable[Key], request: Payload) -> Payload:
    limit, size = request.get("Limit"), 0
    items: list[Item] = []
    last: Key | None = None
    remaining = iter(keys)
    for key in remaining:
        stored = table.contents[key]
        items.append(_projected(stored.item, request))
        size += stored.size
        if len(items) == limit or size >= MAX_PAGE_BYTES:
            last = key
            break
    answer: Payload = {"Count": len(items), "ScannedCount": len(items)}
    if request.get("Select") != "COUNT":
        answer["Items"] = items
    if last is not None:
        answer["LastEvaluatedKey"] = table.key_item(last)
    return answer


def _write(table: Table, key: Key, item: Item | None, size: int, request: Payload) -> Payload:
    cost, old = table.cost(key, item, size), table.contents.get(key)
    if item is None:
        table.delete(key)
    else:
        table.put(key, item, size)
    answer: Payload = {}
    if request.get("ReturnValues", "NONE") == "ALL_OLD" and old is not None:
        answer["Attributes"] = old.item
    if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
        answer["ConsumedCapacity"] = {"TableName": table.name, "CapacityUnits": float(cost.total)}
    return answer


def _key(table: Table, attributes: Any) -> Key:
    return table.key_of(checked_item(attributes)[0], alone=True)


def _start(table: Table, request: Payload) -> Key | None:
    start = request.get("ExclusiveStartKey")
    return None if start is None else _key(table, start)


def _projected(item: Item, request: Payload) -> Item:
    expression = request.get("ProjectionExpression")
    if expression is None:
        return item
    names = request.get("ExpressionAttributeNames") or {}
    wanted = [names.get(name.strip(), name.strip()) for name in expression.split(",")]
    return {name: item[name] for name in wanted if name in item}


def _only(request: Payload, known: frozenset[str]) -> None:
    """Refuse what this server would otherwise ignore in silence."""
    if unknown := set(request) - known:
        raise unreadable(f"the fault server does not know the members {sorted(unknown)}")
