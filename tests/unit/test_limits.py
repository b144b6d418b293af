"""A table's description becomes the limits that a load is paced to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from asyncloader.pacing.limits import CapacityPart, IndexLimits, Limits, describe_pace, limits_of
from asyncloader.pacing.pacer import Pacer, pacer_for
from asyncloader.table.description import read_description
from asyncloader.values.dynamodb import NEW_TABLE_WCU
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import KeyAttribute, Table, Throughput
from asyncloader.values.settings import PacingSettings

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/people"
USUAL = PacingSettings()


KEY = [{"AttributeName": "id", "KeyType": "HASH"}]


def table(told: dict[str, Any]) -> Table:
    return read_description(
        {
            "TableName": "people",
            "TableArn": ARN,
            "KeySchema": KEY,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            **told,
        }
    )


def provisioned(wcu: int, **indexes: int) -> dict[str, Any]:
    """DescribeTable's `Table` for a provisioned table, without a billing mode, as for those that never had another."""
    return {
        "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": wcu},
        "GlobalSecondaryIndexes": [
            {
                "IndexName": name,
                "KeySchema": KEY,
                "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": each},
            }
            for name, each in indexes.items()
        ],
    }


def on_demand(**members: Any) -> dict[str, Any]:
    return {
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        **members,
    }


def limits(told: dict[str, Any], pacing: PacingSettings = USUAL) -> Limits:
    found = limits_of(table(told), pacing)
    assert found is not None
    return found


def test_a_provisioned_table_is_paced_to_its_capacity_from_the_start() -> None:
    found = limits(provisioned(1_000))
    assert (found.start_wcu, found.cap_wcu, found.parts) == (950, 950, ())
    assert str(found.limit) == "table, provisioned with 1,000 WCU/s; raise its WriteCapacityUnits"
    assert limits(provisioned(1_000), PacingSettings(utilization=0.5)).cap_wcu == 500


def test_the_lower_of_the_cap_and_the_described_capacity_holds() -> None:
    lower, higher = (limits(provisioned(1_000), PacingSettings(cap)) for cap in (300.0, 3_000.0))
    assert (lower.start_wcu, lower.cap_wcu) == (300, 300)
    assert lower.limit is not None
    assert lower.limit.what == "--max-wcu"
    assert (higher.start_wcu, higher.cap_wcu) == (950, 950)


def test_an_index_with_less_capacity_is_the_limit_and_is_named() -> None:
    told = provisioned(1_000, by_city=200, by_name=1_000)
    pacer = Pacer(limits(told), 0.0)
    assert pacer.rate == pytest.approx(190)
    assert pacer.limit is not None
    assert str(pacer.limit) == "index by_city, provisioned with 200 WCU/s; raise its WriteCapacityUnits"
    assert "index by_city" in describe_pace(table(told), USUAL)


def test_an_index_is_held_to_what_it_uses_itself() -> None:
    """An item of 10 WCU that costs its index 1: the table is the limit, and the rate counts both."""
    pacer = Pacer(limits(provisioned(1_000, by_city=200)), 0.0)
    pacer.learn_cost(100.0, 110.0, {"by_city": 10.0})
    assert pacer.rate == pytest.approx(950 * 1.1)
    assert pacer.limit is not None
    assert pacer.limit.what == "table"


def test_an_index_that_costs_twice_is_held_to_that() -> None:
    """A changed index key is two writes for the index."""
    pacer = Pacer(limits(provisioned(1_000, by_city=200)), 0.0)
    pacer.learn_cost(100.0, 300.0, {"by_city": 200.0})
    assert pacer.rate == pytest.approx(190 * 300 / 200)


def test_where_the_share_of_an_index_is_not_told_it_is_taken_to_cost_what_the_item_does() -> None:
    pacer = Pacer(limits(provisioned(1_000, by_city=200)), 0.0)
    pacer.learn_cost(100.0, 200.0)
    assert pacer.rate == pytest.approx(190 * 2)


def test_a_refused_rate_does_not_jump_back_to_the_limit() -> None:
    pacer = Pacer(limits(provisioned(1_000, by_city=200)), 0.0)
    for number in range(1, 60):
        pacer.judge(number * 0.05, 20.0, 15.0, number * 0.05)
    rate = pacer.rate
    assert rate < 100
    pacer.learn_cost(100.0, 200.0, {"by_city": 50.0})
    assert pacer.rate == rate


@pytest.mark.parametrize(
    ("told", "start"),
    [
        (on_demand(), NEW_TABLE_WCU),
        (on_demand(WarmThroughput={"WriteUnitsPerSecond": 24_000, "Status": "ACTIVE"}), 24_000),
        (
            on_demand(
                WarmThroughput={"WriteUnitsPerSecond": 24_000},
                GlobalSecondaryIndexes=[
                    {"IndexName": "i", "KeySchema": KEY, "WarmThroughput": {"WriteUnitsPerSecond": 8_000}}
                ],
            ),
            8_000,
        ),
    ],
    ids=["nothing told", "warm", "a colder index"],
)
def test_an_on_demand_table_starts_with_what_it_takes_at_once(told: dict[str, Any], start: float) -> None:
    found = limits(told)
    assert (found.start_wcu, found.cap_wcu, found.parts) == (start, None, ())


def test_an_on_demand_maximum_is_a_cap_and_is_named_with_its_setting() -> None:
    found = limits(on_demand(OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 2_000}))
    assert found.cap_wcu == 1_900
    assert "raise OnDemandThroughput.MaxWriteRequestUnits" in str(found.limit)
    assert limits(on_demand(OnDemandThroughput={"MaxWriteRequestUnits": -1})).cap_wcu is None


@pytest.mark.parametrize(
    "arn",
    ["arn:aws:dynamodb:ddblocal:000000000000:table/people", "arn:aws:dynamodb:us-east-1:000000000000:table/people"],
)
def test_a_server_that_enforces_nothing_is_not_believed(arn: str) -> None:
    """5 WCU/s in DynamoDB Local are a word that means nothing; nobody shall wait hours for it."""
    told = provisioned(5) | {"TableArn": arn}
    assert limits_of(table(told), USUAL) is None
    assert describe_pace(table(told), USUAL) == ""


def test_a_description_is_not_followed_where_the_user_says_so() -> None:
    off = PacingSettings(utilization=None)
    assert limits_of(table(provisioned(5, by_city=5)), off) is None
    assert limits(provisioned(5), PacingSettings(300.0, None)).cap_wcu == 300
    assert describe_pace(table(provisioned(5)), off) == ""


def test_people_are_told_of_a_pace_that_the_description_sets_and_how_to_change_it() -> None:
    line = describe_pace(table(provisioned(5)), USUAL)
    assert line.startswith(
        "paced to 4.75 WCU/s, 95% of what is described (table, provisioned with 5 WCU/s); --utilization"
    )
    assert describe_pace(table(provisioned(5)), PacingSettings(2.0)) == ""
    assert describe_pace(table(on_demand()), USUAL) == ""


def test_nothing_is_paced_where_nothing_is_known() -> None:
    unknown = Table("people", ARN, KeyAttribute("id"))
    assert pacer_for(unknown, USUAL, workers=1, now=0.0) is None
    capped = pacer_for(unknown, PacingSettings(500.0), workers=1, now=0.0)
    assert capped is not None
    assert capped.rate == 500
    assert limits_of(replace(unknown, throughput=Throughput()), USUAL) == Limits(NEW_TABLE_WCU)


def test_index_limits_without_parts_is_none() -> None:
    assert IndexLimits(()).wcu(1.0) == float("inf")
    assert IndexLimits(()).limit is None
    assert IndexLimits((CapacityPart(100.0), CapacityPart(50.0, "i"))).wcu(2.0) == 100


@pytest.mark.parametrize("text", ["0", "1.5", "-1", "much", "nan"])
def test_a_utilization_is_a_part(text: str) -> None:
    with pytest.raises(UsageError, match="--utilization takes a part of the described capacity"):
        PacingSettings.parse(None, text)


def test_a_cap_is_at_least_one() -> None:
    assert PacingSettings.parse(1.0, "off") == PacingSettings(1.0, None)
    with pytest.raises(UsageError, match="--max-wcu takes 1 or more"):
        PacingSettings(0.5)
