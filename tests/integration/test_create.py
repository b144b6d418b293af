"""`--create`: a table on demand with the key that was asked for, made where it is missing, taken as it is where it is not."""

from __future__ import annotations

from pathlib import Path

import asyncloader
from tests.command import run
from tests.integration.tables import contents, create
from tests.servers import Server


async def test_a_missing_table_is_made_with_typed_keys(server: Server, table_name: str, work_folder: Path) -> None:
    """On demand, so that nothing has to be said of capacity; the key columns then have those types."""
    (work_folder / "rows.csv").write_text("device,at,value\nA,1,x\nA,2,y\nB,1,z\n,3,lost\nA,late,lost\n")
    report = await asyncloader.load(
        table_name, "rows.csv", endpoint_url=server.url, create=True, key="device", sort_key="at:N"
    )
    with server.client() as client:
        told = client.describe_table(TableName=table_name)["Table"]
        stored = contents(client, table_name, "device", "at")
    assert told["KeySchema"] == [
        {"AttributeName": "device", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    types = {each["AttributeName"]: each["AttributeType"] for each in told["AttributeDefinitions"]}
    assert types == {"device": "S", "at": "N"}
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert sorted(stored) == [("A", "1"), ("A", "2"), ("B", "1")]
    assert report.counts.rows_rejected == 2


async def test_a_table_that_exists_is_taken_as_it_is(server: Server, table_name: str, work_folder: Path) -> None:
    """The key it has is the key, whatever was said; its items stay."""
    (work_folder / "rows.csv").write_text("id,name\n1,Ana\n2,Ben\n")
    with server.client() as client:
        create(client, table_name)
        client.put_item(TableName=table_name, Item={"id": {"S": "0"}, "name": {"S": "before"}})
        await asyncloader.load(table_name, "rows.csv", endpoint_url=server.url, create=True, key="name")
        stored = contents(client, table_name, "id")
    assert {key: item["name"]["S"] for (key,), item in stored.items()} == {"0": "before", "1": "Ana", "2": "Ben"}


def test_a_name_with_a_colon_may_be_a_key(ministack: Server, table_name: str, work_folder: Path) -> None:
    """Only a known type behind the last colon is a type."""
    (work_folder / "rows.csv").write_text("urn:id,name\n7,Ana\n")
    options = ("--create", "--key", "urn:id:N", "--endpoint-url", ministack.url, "--quiet")
    done = run("load", table_name, "rows.csv", *options, cwd=work_folder)
    with ministack.client() as client:
        assert (done.code, done.err) == (0, "")
        assert contents(client, table_name, "urn:id") == {("7",): {"urn:id": {"N": "7"}, "name": {"S": "Ana"}}}
