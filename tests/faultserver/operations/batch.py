"""BatchWriteItem: the strict reading of a request, and carrying out its plan."""

from __future__ import annotations

import re
from typing import Any

from ..batch import Batch, Plan, Write
from ..capacity import TABLE_REASON, Capacity, Shortage
from ..errors import THROTTLES, constraint, invalid, throttled, unreadable
from ..ledger import Ledger, Ticket
from ..store import Store
from ..table import Cost, Table
from ..values import SEVERAL, Item, checked_item

Payload = dict[str, Any]

MAX_WRITES = 25
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_MEMBERS = frozenset({"RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"})
_CAPACITY_CHOICES = ("INDEXES", "TOTAL", "NONE")
_KEY_CONSTRAINT = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
    "Member must have length greater than or equal to 3, "
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
)
_VALUE_CONSTRAINT = (
    "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
    "Member must have length greater than or equal to 1]"
)


def read(store: Store, request: Payload, number: int) -> Batch:
    """The checked request, or the refusal of the whole call.

    The order is the service's: limits of the model, then every value of every item, then the tables, and for
    each table its keys and indexes.
    """
    _check_model(request)
    operations = [
        (name, operation, *_operation(operation))
        for name, requests in request["RequestItems"].items()
        for operation in requests
    ]
    if len(operations) > MAX_WRITES:
        raise invalid("Too many items requested for the BatchWriteItem call")
    writes = []
    seen = set()
    for name, operation, is_put, attributes, size in operations:
        table = store.usable(name)
        key = table.key_of(attributes, alone=not is_put)
        if is_put and table.indexes:
            table.check_indexes(attributes)
        if key in seen:
            raise invalid("Provided list of item keys contains duplicates")
        seen.add(key)
        writes.append(Write(table, key, attributes if is_put else None, size if is_put else 0, operation))
    return Batch(number, tuple(writes), request.get("ReturnConsumedCapacity") or "NONE")


def carry_out(plan: Plan, store: Store, capacity: Capacity, ledger: Ledger, ticket: Ticket) -> Payload:
    """Apply what the plan lets pass and say what was left; raises the refusal of the call."""
    if plan.drops_tables:
        for table in plan.batch.tables:
            store.tables.pop(table.name, None)
    elif plan.refusal is not None or plan.silent or plan.body is not None:
        for index in plan.share(plan.written):
            _apply(plan.batch.writes[index], ledger, ticket)
    if plan.refusal is not None:
        ledger.throttled_requests += plan.refusal.code in THROTTLES
        raise plan.refusal
    if plan.silent or plan.body is not None:
        return {}
    left, costs = _write(plan, capacity, ledger, ticket)
    ledger.unprocessed_items += len(left)
    ledger.consumed_wcu += sum(cost.total for _, cost in costs)
    answer: Payload = {"UnprocessedItems": _unprocessed(plan, left)}
    if plan.batch.consumed_capacity != "NONE":
        answer["ConsumedCapacity"] = _consumed(plan.batch, costs)
    return answer


def _write(
    plan: Plan, capacity: Capacity, ledger: Ledger, ticket: Ticket
) -> tuple[list[int], list[tuple[Table, Cost]]]:
    """Apply each write that neither the plan nor the capacity holds back; refuse a call that writes none."""
    left = sorted(plan.left)
    costs: list[tuple[Table, Cost]] = []
    shortages: list[Shortage] = []
    limited = capacity.limited
    for index, write in enumerate(plan.batch.writes):
        if index in plan.left:
            continue
        cost = write.table.cost(write.key, write.item, write.size)
        shortage = capacity.admit(write.table, write.key, cost) if limited else None
        if shortage is None:
            _apply(write, ledger, ticket)
            costs.append((write.table, cost))
        else:
            shortages.append(shortage)
            left.append(index)
    if not costs:
        ledger.throttled_requests += 1
        if not shortages:
            shortages = [Shortage(TABLE_REASON, table.arn) for table in plan.batch.tables]
        reasons = dict.fromkeys((shortage.reason, shortage.arn) for shortage in shortages)
        raise throttled("ProvisionedThroughputExceededException", list(reasons))
    return left, costs


def _check_model(request: Payload) -> None:
    if unknown := set(request) - _MEMBERS:
        raise unreadable(f"the fault server does not know the members {sorted(unknown)}")
    failures = []
    choice = request.get("ReturnConsumedCapacity")
    if choice is not None and choice not in _CAPACITY_CHOICES:
        failures.append(
            f"Value '{choice}' at 'returnConsumedCapacity' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(_CAPACITY_CHOICES)}]"
        )
    tables = request.get("RequestItems")
    if tables is None:
        failures.append("Value null at 'requestItems' failed to satisfy constraint: Member must not be null")
    elif type(tables) is not dict or any(type(requests) is not list for requests in tables.values()):
        raise unreadable("Unexpected field type")
    elif not tables:
        failures.append(
            "Value '{}' at 'requestItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    else:
        shown = "Value '{" + ", ".join(tables) + "}' at 'requestItems' failed to satisfy constraint: "
        if not all(_TABLE_NAME.fullmatch(name) for name in tables):
            failures.append(shown + _KEY_CONSTRAINT)
        if not all(1 <= len(requests) <= MAX_WRITES for requests in tables.values()):
            failures.append(shown + _VALUE_CONSTRAINT)
    if failures:
        raise constraint(*failures)


def _operation(operation: Any) -> tuple[bool, Item, int]:
    """Whether it puts, the checked attributes, and their size."""
    if type(operation) is not dict:
        raise unreadable("Unexpected value type in payload")
    if len(operation) != 1:
        raise invalid(SEVERAL)
    ((verb, body),) = operation.items()
    is_put = verb == "PutRequest"
    if not is_put and verb != "DeleteRequest":
        raise unreadable(f"the fault server does not know the request {verb}")
    member = "Item" if is_put else "Key"
    if type(body) is not dict or not set(body) <= {member}:
        raise unreadable("Unexpected field type")
    if body.get(member) is None:
        path = f"{verb[0].lower()}{verb[1:]}.{member.lower()}"
        raise constraint(
            f"Value null at 'requestItems.member.{path}' failed to satisfy constraint: Member must not be null"
        )
    return is_put, *checked_item(body[member])


def _apply(write: Write, ledger: Ledger, ticket: Ticket) -> None:
    if write.item is None:
        write.table.delete(write.key)
    else:
        write.table.put(write.key, write.item, write.size)
    ledger.record(ticket, write.key, write.item)


def _unprocessed(plan: Plan, left: list[int]) -> dict[str, list[Payload]]:
    if plan.shuffle is not None:
        plan.shuffle.shuffle(left)
    returned: dict[str, list[Payload]] = {}
    for index in left:
        write = plan.batch.writes[index]
        returned.setdefault(write.table.name, []).append(write.normalised if plan.normalised else write.request)
    return returned


def _consumed(batch: Batch, costs: list[tuple[Table, Cost]]) -> list[Payload]:
    """ConsumedCapacity of each table, split up by index for INDEXES."""
    answer = []
    for table in batch.tables:
        own = [cost for priced, cost in costs if priced is table]
        if not own:
            continue
        consumed: Payload = {"TableName": table.name, "CapacityUnits": float(sum(cost.total for cost in own))}
        if batch.consumed_capacity == "INDEXES":
            consumed["Table"] = {"CapacityUnits": float(sum(cost.table for cost in own))}
            for index in table.indexes:
                if units := sum(cost.indexes.get(index.name, 0) for cost in own):
                    member = "GlobalSecondaryIndexes" if index.is_global else "LocalSecondaryIndexes"
                    consumed.setdefault(member, {})[index.name] = {"CapacityUnits": float(units)}
        answer.append(consumed)
    return answer
