"""Tables and reads on the fault server, and its other forms: over TLS and as a program."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import trustme
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from tests.faults.clients import (
    client_of,
    code_of,
    numbered,
    people,
    post,
    put,
    running,
)
from tests.faultserver import (
    FaultServer,
    ResetAfterWrite,
)

# Tables and reads


def test_a_table_is_made_described_and_dropped() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        client.create_table(
            TableName="people",
            KeySchema=[
                {"AttributeName": "id", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind} for name, kind in (("id", "S"), ("at", "N"), ("m", "S"))
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_m",
                    "KeySchema": [{"AttributeName": "m", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
                }
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "local",
                    "KeySchema": [
                        {"AttributeName": "id", "KeyType": "HASH"},
                        {"AttributeName": "m", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 7},
        )
        client.get_waiter("table_exists").wait(TableName="people", WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        client.put_item(TableName="people", Item={"id": {"S": "1"}, "at": {"N": "2"}, "m": {"S": "x"}})
        table = client.describe_table(TableName="people")["Table"]
        assert table["TableArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/people"
        assert (table["TableStatus"], table["ItemCount"]) == ("ACTIVE", 1)
        assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 7
        assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
        assert table["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
        assert table["LocalSecondaryIndexes"][0]["IndexName"] == "local"
        assert client.list_tables()["TableNames"] == ["people"]
        server.create_table("other")
        with pytest.raises(ClientError) as error:
            client.create_table(
                TableName="other",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        assert code_of(error) == "ResourceInUseException"
        client.delete_table(TableName="people")
        with pytest.raises(ClientError) as error:
            client.describe_table(TableName="people")
        assert code_of(error) == "ResourceNotFoundException"


def test_a_table_may_take_its_time_to_become_active() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        server.create_table("people", creating_describes=2)
        statuses = [client.describe_table(TableName="people")["Table"]["TableStatus"] for _ in range(3)]
        assert statuses == ["CREATING", "CREATING", "ACTIVE"]


def test_an_on_demand_table_says_so() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        server.create_table("people", warm_wcu=4000)
        table = client.describe_table(TableName="people")["Table"]
        assert table["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
        assert table["WarmThroughput"]["WriteUnitsPerSecond"] == 4000


def test_a_scan_pages_through_everything_once() -> None:
    with running() as (server, client):
        for start in range(0, 100, 25):
            client.batch_write_item(**people(*(put(id=str(start + n)) for n in range(25))))
        paginator = client.get_paginator("scan")
        pages = [page["Items"] for page in paginator.paginate(TableName="people", PaginationConfig={"PageSize": 7})]
        assert len(pages) > 10
        assert sorted(int(item["id"]["S"]) for page in pages for item in page) == list(range(100))
        segments = [client.scan(TableName="people", Segment=n, TotalSegments=3)["Items"] for n in range(3)]
        assert sum(len(segment) for segment in segments) == 100
        assert all(segments)
        assert client.scan(TableName="people", Select="COUNT")["Count"] == 100
        assert len(server.items("people")) == 100


def test_a_scan_s_page_ends_at_a_megabyte() -> None:
    with running() as (_, client):
        client.batch_write_item(**numbered(5, a="x" * 300_000))
        page = client.scan(TableName="people")
        assert page["Count"] == 4
        assert "LastEvaluatedKey" in page


def test_single_items_are_put_read_and_deleted() -> None:
    with running() as (_, client):
        key = {"id": {"S": "1"}}
        client.put_item(TableName="people", Item=key | {"a": {"N": "1.0"}, "b": {"S": "x"}})
        assert client.get_item(TableName="people", Key=key)["Item"] == key | {
            "a": {"N": "1"},
            "b": {"S": "x"},
        }
        assert client.get_item(TableName="people", Key=key, ProjectionExpression="b")["Item"] == {"b": {"S": "x"}}
        with pytest.raises(ClientError, match="Missing the key id in the item"):
            client.put_item(TableName="people", Item={"a": {"S": "1"}})
        with pytest.raises(ClientError, match="Type mismatch for key id expected: S actual: N"):
            client.put_item(TableName="people", Item={"id": {"N": "1"}})
        client.delete_item(TableName="people", Key=key)
        assert "Item" not in client.get_item(TableName="people", Key=key)


def test_a_query_finds_a_partition_in_the_order_of_its_sort_key() -> None:
    with FaultServer().in_thread() as server, client_of(server) as client:
        server.create_table("readings", "sensor", "at:N")
        rows = [put(sensor=sensor, at=at) for sensor in "ab" for at in (10, 9, 100)]
        client.batch_write_item(RequestItems={"readings": rows})
        paginator = client.get_paginator("query").paginate(
            TableName="readings",
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "sensor"},
            ExpressionAttributeValues={":s": {"S": "a"}},
            PaginationConfig={"PageSize": 2},
        )
        assert [item["at"]["N"] for page in paginator for item in page["Items"]] == ["9", "10", "100"]
        assert server.item("readings", ("b", "10.0")) == {"sensor": {"S": "b"}, "at": {"N": "10"}}


# Other forms


def test_the_server_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FaultServer(tls=context, faults=[None, ResetAfterWrite()]).in_thread() as server:
        server.create_table("people")
        assert server.url.startswith("https://")
        with client_of(server, verify=str(tmp_path / "ca.pem")) as client:
            client.batch_write_item(**numbered(1))
            with pytest.raises((ConnectionClosedError, HTTPClientError)):
                client.batch_write_item(**numbered(2))
        assert len(server.items("people")) == 2


def test_the_server_runs_as_a_program() -> None:
    command = [
        sys.executable,
        "-m",
        "tests.faultserver",
        "--table",
        "counted:id:N",
        "--wcu",
        "10",
        "--no-signatures",
    ]
    root = Path(__file__).resolve().parent.parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        server = FaultServer()
        server.url = url
        left = json.loads(post(server, {"RequestItems": {"counted": [put(id=n) for n in range(12)]}})[2])
        assert len(left["UnprocessedItems"]["counted"]) == 2
        with urllib.request.urlopen(f"{url}/counters", timeout=5) as answer:
            assert json.load(answer)["accepted"] == 10
        program.terminate()
        assert program.wait(timeout=5) == 0
