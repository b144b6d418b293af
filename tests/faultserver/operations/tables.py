"""The control plane: CreateTable, DescribeTable, DeleteTable, ListTables."""

from __future__ import annotations

from typing import Any

from ..store import Store

Payload = dict[str, Any]


def create_table(store: Store, request: Payload) -> Payload:
    """Answers CREATING; the table is ACTIVE for whoever asks next."""
    table = store.create(request)
    return {"TableDescription": {**table.description(), "TableStatus": "CREATING"}}


def describe_table(store: Store, request: Payload) -> Payload:
    """A table that was told to stay in creation for some descriptions comes nearer to its end with each."""
    table = store.described(request["TableName"])
    described = table.description()
    if table.creating_describes > 0:
        table.creating_describes -= 1
        if table.creating_describes == 0:
            table.status = "ACTIVE"
    return {"Table": described}


def delete_table(store: Store, request: Payload) -> Payload:
    """The table is gone at once."""
    return {"TableDescription": store.drop(request["TableName"]).description()}


def list_tables(store: Store, request: Payload) -> Payload:
    """Names in alphabetical order, in pages."""
    start = request.get("ExclusiveStartTableName", "")
    limit = request.get("Limit", 100)
    names = sorted(name for name in store.tables if name > start)
    page = {"TableNames": names[:limit]}
    return {**page, "LastEvaluatedTableName": names[limit - 1]} if len(names) > limit else page
