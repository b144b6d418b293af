"""All tables of the server, and the rules for making and dropping them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import ServiceError, constraint, invalid, invalid_parameter, table_missing
from .number import canonical
from .table import WRITABLE, Key, Table
from .values import Item

_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_MAX_KEY_NAME_BYTES = 255
_INDEX_MEMBERS = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")


class Store:
    """Tables by name."""

    def __init__(self, *, region: str, account: str, clock: Callable[[], float]) -> None:
        self.region = region
        self.account = account
        self.tables: dict[str, Table] = {}
        self.update_s = 0.0
        self._clock = clock
        self._updates: dict[str, tuple[float, Sequence[Callable[[], None]]]] = {}

    def begin_update(self, table: Table, changes: Sequence[Callable[[], None]]) -> None:
        """The table is UPDATING for `update_s` seconds; then the changes hold."""
        table.status = "UPDATING"
        self._updates[table.name] = (self._clock() + self.update_s, changes)

    def _end_update(self, table: Table) -> None:
        due, changes = self._updates[table.name]
        if self._clock() < due:
            return
        del self._updates[table.name]
        for change in changes:
            change()
        if table.status == "UPDATING":
            table.status = "ACTIVE"

    def create(self, request: Mapping[str, Any]) -> Table:
        """Make the table of a CreateTable request; it is there at once."""
        name = request.get("TableName")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid("TableName must be at least 3 characters long and at most 255 characters long")
        _check_schema(request)
        if name in self.tables:
            raise ServiceError("ResourceInUseException", f"Table already exists: {name}")
        arn = f"arn:aws:dynamodb:{self.region}:{self.account}:table/{name}"
        table = self.tables[name] = Table.of(request, arn, self._clock())
        return table

    def described(self, name: str) -> Table:
        """A table in any status, as the control plane sees it."""
        table = self.tables.get(name)
        if table is None:
            raise table_missing(name)
        if name in self._updates:
            self._end_update(table)
        return table

    def usable(self, name: str) -> Table:
        """A table that takes reads and writes; one that is being made or dropped is not there."""
        table = self.tables.get(name)
        if table is None or table.status not in WRITABLE:
            raise table_missing()
        if name in self._updates:
            self._end_update(table)
        return table

    def drop(self, name: str) -> Table:
        """Forget a table."""
        table = self.described(name)
        if table.status == "CREATING":
            raise ServiceError(
                "ResourceInUseException",
                f"Attempt to change a resource which is still in use: Table is being created: {name}",
            )
        del self.tables[name]
        self._updates.pop(name, None)
        table.status = "DELETING"
        return table

    def key(self, name: str, key: str | tuple[str, ...] | Item) -> Key:
        """The key of a table from a text, a tuple of texts, or typed attributes."""
        table = self.described(name)
        if isinstance(key, dict):
            texts: tuple[str, ...] = tuple(key[one.name][one.kind] for one in table.key_attributes)
        else:
            texts = (key,) if isinstance(key, str) else key
        kinds = [one.kind for one in table.key_attributes]
        return (
            name,
            *(canonical(text)[0] if kind == "N" else text for text, kind in zip(texts, kinds, strict=True)),
        )


def _check_schema(request: Mapping[str, Any]) -> None:
    """Refuse key schemas, definitions and billing modes that do not fit each other."""
    for member in ("AttributeDefinitions", "KeySchema"):
        if not request.get(member):
            raise constraint(f"Value null at '{member}' failed to satisfy constraint: Member must not be null")
    defined = {one["AttributeName"]: one["AttributeType"] for one in request["AttributeDefinitions"]}
    schemas = [request["KeySchema"]]
    schemas += [index["KeySchema"] for member in _INDEX_MEMBERS for index in request.get(member) or ()]
    used = [key["AttributeName"] for schema in schemas for key in schema]
    if any(kind not in {"S", "N", "B"} for kind in defined.values()):
        raise constraint("Member must satisfy enum value set: [B, N, S]")
    if any(not name or len(name.encode()) > _MAX_KEY_NAME_BYTES for name in used):
        raise constraint("Member must have length less than or equal to 255")
    if any([key["KeyType"] for key in schema] not in (["HASH"], ["HASH", "RANGE"]) for schema in schemas):
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if missing := set(used) - set(defined):
        raise invalid_parameter(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(sorted(missing))}], AttributeDefinitions: [{', '.join(defined)}]"
        )
    if set(defined) - set(used):
        raise invalid_parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in AttributeDefinitions"
        )
    if request.get("BillingMode", "PROVISIONED") == "PROVISIONED":
        if "ProvisionedThroughput" not in request:
            raise invalid_parameter(
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
            )
    elif "ProvisionedThroughput" in request:
        raise invalid_parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )


def create_request(
    name: str, keys: Sequence[str], indexes: Mapping[str, str | tuple[str, str]], wcu: int | None
) -> dict[str, Any]:
    """A CreateTable request from keys written "name" or "name:TYPE"; on demand without `wcu`."""
    pairs = {index: (spec,) if isinstance(spec, str) else spec for index, spec in indexes.items()}
    specs = [spec.partition(":") for schema in (keys, *pairs.values()) for spec in schema]
    kinds = {attribute: kind or "S" for attribute, _, kind in specs}
    throughput: dict[str, Any] = {}
    if wcu is not None:
        throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": wcu, "WriteCapacityUnits": wcu}}
    request: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in kinds.items()
        ],
        "KeySchema": _key_schema(keys),
        **(throughput or {"BillingMode": "PAY_PER_REQUEST"}),
    }
    if pairs:
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _key_schema(schema),
                "Projection": {"ProjectionType": "ALL"},
                **throughput,
            }
            for index, schema in pairs.items()
        ]
    return request


def _key_schema(specs: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": spec.partition(":")[0], "KeyType": role}
        for spec, role in zip(specs, ("HASH", "RANGE"), strict=False)
    ]
