"""UpdateTable: provisioned throughput and warm throughput, of a table and of its global indexes.

What is asked for is checked at once and holds when the table is ACTIVE again; until then DescribeTable tells the old
values, and nothing else can be changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ServiceError, constraint, invalid, invalid_parameter, unreadable
from ..store import Store
from ..table import Table

Payload = dict[str, Any]
Change = Callable[[], None]

DECREASES_A_DAY = 4
TABLE_LIMIT = 40_000
_MEMBERS = frozenset(
    {"TableName", "BillingMode", "ProvisionedThroughput", "WarmThroughput", "GlobalSecondaryIndexUpdates"}
)


def update_table(store: Store, request: Payload) -> Payload:
    """Answers UPDATING; the table is ACTIVE after `store.update_s` seconds."""
    if unknown := set(request) - _MEMBERS:
        raise unreadable(f"the fault server does not know the members {sorted(unknown)}")
    table = store.described(request["TableName"])
    if table.status != "ACTIVE":
        raise ServiceError(
            "ResourceInUseException",
            f"Attempt to change a resource which is still in use: Table is being updated: {table.name}",
        )
    changes = _changes(table, request)
    if not changes:
        raise invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    store.begin_update(table, changes)
    return {"TableDescription": table.description()}


def _changes(table: Table, request: Payload) -> list[Change]:
    """All of it is checked before any of it is done."""
    changes: list[Change] = []
    lowers = False
    if "BillingMode" in request:
        changes.append(_billing(table, request))
    elif "ProvisionedThroughput" in request:
        change, lower = _provisioned(table, table.request, request["ProvisionedThroughput"], "table", "")
        changes.append(change)
        lowers |= lower
    if "WarmThroughput" in request:
        changes.append(_warm(table, "", request["WarmThroughput"]))
    for each in request.get("GlobalSecondaryIndexUpdates") or ():
        update = each.get("Update") or {}
        name = update.get("IndexName")
        index = next((index for index in table.indexes if index.is_global and index.name == name), None)
        if index is None:
            raise ServiceError("ResourceNotFoundException", "Requested resource not found")
        if "ProvisionedThroughput" in update:
            change, lower = _provisioned(table, index.description, update["ProvisionedThroughput"], "index", index.name)
            changes.append(change)
            lowers |= lower
        if "WarmThroughput" in update:
            changes.append(_warm(table, index.name, update["WarmThroughput"]))
    if lowers:
        if table.decreases_today >= DECREASES_A_DAY:
            raise ServiceError(
                "LimitExceededException",
                "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After "
                f"the first {DECREASES_A_DAY} decreases, each subsequent decrease in the same UTC day can be performed "
                f"at most once every 3600 seconds. Number of decreases today: {table.decreases_today}.",
            )
        changes.append(table.count_decrease)
    return changes


def _billing(table: Table, request: Payload) -> Change:
    mode = request["BillingMode"]
    if mode != "PAY_PER_REQUEST":
        raise unreadable("the fault server changes tables to PAY_PER_REQUEST only")
    if "ProvisionedThroughput" in request:
        raise _no_units_on_demand()
    return table.go_on_demand


def _no_units_on_demand() -> ServiceError:
    return invalid_parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
    )


def _provisioned(table: Table, owner: Any, wanted: Payload, noun: str, name: str) -> tuple[Change, bool]:
    """The change, and whether it lowers anything."""
    if table.write_units is None:
        raise _no_units_on_demand()
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if not isinstance(wanted.get(member), int) or wanted[member] < 1:
            raise constraint(
                f"Value '{wanted.get(member)}' at 'provisionedThroughput.{member[0].lower()}{member[1:]}' failed to "
                "satisfy constraint: Member must have value greater than or equal to 1"
            )
    reads, writes = wanted["ReadCapacityUnits"], wanted["WriteCapacityUnits"]
    current = owner["ProvisionedThroughput"]
    old_reads, old_writes = current["ReadCapacityUnits"], current["WriteCapacityUnits"]
    if (reads, writes) == (old_reads, old_writes):
        what = f"the {noun}" if noun == "table" else f"the index {name}"
        raise invalid(
            f"The provisioned throughput for {what} will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for {what}: {old_reads}. Requested ReadCapacityUnits: {reads}. "
            f"Current WriteCapacityUnits provisioned for {what}: {old_writes}. "
            f"Requested WriteCapacityUnits: {writes}. "
        )
    if max(reads, writes) > TABLE_LIMIT:
        raise ServiceError(
            "LimitExceededException",
            f"Subscriber limit exceeded: Provisioned throughput for a {noun} is limited to {TABLE_LIMIT} units",
        )
    lowers = reads < old_reads or writes < old_writes
    return (lambda: table.provision(name, reads, writes)), lowers


def _warm(table: Table, name: str, wanted: Payload) -> Change:
    writes = wanted.get("WriteUnitsPerSecond")
    if not isinstance(writes, int) or writes < 1:
        raise constraint(
            f"Value '{writes}' at 'warmThroughput.writeUnitsPerSecond' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
    if writes < (table.warm_of(name) or 0):
        what = "table" if not name else f"index {name}"
        raise invalid_parameter(
            f"Requested WriteUnitsPerSecond for WarmThroughput for {what} is lower than current WarmThroughput, "
            "decreasing WarmThroughput is not supported"
        )
    return lambda: table.warm(name, writes)
