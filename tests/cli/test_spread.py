"""--spread and --shard-key through the command: what it says, what it refuses, what the result tells."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from tests.cli.conftest import numbered, write
from tests.cli.one_line import complaint
from tests.command import Done, run
from tests.faultserver import FaultServer


def load(server: FaultServer, table: str, folder: Path, *arguments: str) -> Done:
    return run("load", table, *arguments, "--no-progress", "--endpoint-url", server.url, cwd=folder)


def test_spread_says_that_no_order_is_kept(dynamodb: FaultServer, work_folder: Path) -> None:
    """In one line before the table of results; the load is complete."""
    numbered(work_folder / "rows.csv", 2000)
    done = load(dynamodb, "people", work_folder, "rows.csv", "--spread", "4")
    assert (done.code, done.out) == (0, "")
    first, *others = done.err.splitlines()
    assert first.startswith("--spread 4: 4 places of the sources are read at once, and no order is kept between them;")
    assert others[0] == "people: complete"
    assert "rows read        2,000" in others


def test_a_key_in_two_places_is_one_line_and_nothing_is_written(dynamodb: FaultServer, work_folder: Path) -> None:
    """With both lines, and what to do."""
    numbered(work_folder / "rows.csv", 2000)
    with (work_folder / "rows.csv").open("a") as file:
        file.write("17,again\n")
    before = dynamodb.requests["BatchWriteItem"]
    done = load(dynamodb, "people", work_folder, "rows.csv", "--spread", "4", "--quiet")
    said = complaint(
        done, 2, "the key 17 stands in two of the 4 places that --spread reads at once", "rows.csv:19 and rows.csv:2002"
    )
    assert said.endswith("load without --spread")
    assert dynamodb.requests["BatchWriteItem"] == before
    assert [path.name for path in work_folder.iterdir()] == ["rows.csv"]


def test_the_result_says_how_to_query_sharded_keys(dynamodb: FaultServer, work_folder: Path) -> None:
    """In the JSON and in the table; the items are where the hash says."""
    if "orders" not in dynamodb.store.tables:
        dynamodb.create_table("orders", "tenant", "order")
    write(work_folder / "orders.csv", "tenant,order\n" + "".join(f"a,o{number}\n" for number in range(60)))
    done = load(dynamodb, "orders", work_folder, "orders.csv", "--shard-key", "tenant=4", "--json")
    assert done.code == 0
    told = json.loads(done.out)["shard_key"]
    assert (told["column"], told["shards"]) == ("tenant", 4)
    assert told["query"].startswith("query tenant = VALUE#0 to VALUE#3, all 4 of them; ")
    assert f"shard key        {told['query']}" in done.err.splitlines()
    stored = {item["order"]["S"]: item["tenant"]["S"] for item in dynamodb.items("orders")}
    assert stored == {f"o{number}": f"a#{zlib.crc32(b'o%d' % number) % 4}" for number in range(60)}


def test_a_table_without_sort_key_has_nothing_to_split(dynamodb: FaultServer, people: Path) -> None:
    """One line that says why."""
    done = load(dynamodb, "people", people.parent, people.name, "--shard-key", "id=4")
    complaint(done, 2, "--shard-key id: table people has no sort key to choose the shard by")
