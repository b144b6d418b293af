"""What refused the items is named with the setting that changes it."""

from __future__ import annotations

import pytest

from asyncloader.pacing.throttle_causes import ACCOUNT, HOT_KEYS, ThrottleCauses, is_key_range
from asyncloader.values.report import CapacityLimit
from asyncloader.values.schema import Index, KeyAttribute, Table, Throughput

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/people"
TABLE = Table(
    "people",
    ARN,
    KeyAttribute("id"),
    indexes=(Index("by-city", KeyAttribute("city"), throughput=Throughput(provisioned=200)),),
    throughput=Throughput(provisioned=1_000),
)


@pytest.mark.parametrize(
    ("reason", "resource", "words"),
    [
        (
            "TableWriteProvisionedThroughputExceeded",
            ARN,
            "table, provisioned with 1,000 WCU/s; raise its WriteCapacityUnits",
        ),
        (
            "IndexWriteProvisionedThroughputExceeded",
            f"{ARN}/index/by-city",
            "index by-city, provisioned with 200 WCU/s; raise its WriteCapacityUnits",
        ),
        (
            "TableWriteMaxOnDemandThroughputExceeded",
            ARN,
            "on-demand maximum; raise OnDemandThroughput.MaxWriteRequestUnits",
        ),
        (
            "IndexWriteMaxOnDemandThroughputExceeded",
            f"{ARN}/index/by-city",
            "on-demand maximum of index by-city; raise OnDemandThroughput.MaxWriteRequestUnits",
        ),
        ("TableWriteAccountLimitExceeded", ARN, str(ACCOUNT)),
        ("TableWriteKeyRangeThroughputExceeded", ARN, str(HOT_KEYS)),
        (
            "IndexWriteProvisionedThroughputExceeded",
            f"{ARN}/index/unheard-of",
            "index unheard-of, on demand; it grows with use, or at once by WarmThroughput",
        ),
    ],
)
def test_a_reason_is_named_with_the_setting_that_changes_it(reason: str, resource: str, words: str) -> None:
    assert str(ThrottleCauses(TABLE).named(reason, resource)) == words


def test_items_handed_back_without_a_reason_are_put_down_to_the_last_one_told() -> None:
    refusals = ThrottleCauses(TABLE)
    assert refusals.inferred(None).what == "table"
    refusals.named("IndexWriteProvisionedThroughputExceeded", f"{ARN}/index/by-city")
    refusals.named("TableWriteKeyRangeThroughputExceeded", ARN)
    assert refusals.inferred(None).what == "index by-city"


def test_the_limit_that_refused_most_is_the_one() -> None:
    refusals = ThrottleCauses(TABLE)
    assert refusals.top is None
    assert refusals.note(ACCOUNT, 5)
    assert not refusals.note(ACCOUNT, 5)
    assert refusals.note(HOT_KEYS, 9)
    assert refusals.top == ACCOUNT


def test_a_refusal_is_for_its_key_range_only_if_every_reason_says_so() -> None:
    key_range, table = "TableWriteKeyRangeThroughputExceeded", "TableWriteProvisionedThroughputExceeded"
    assert is_key_range([key_range, key_range])
    assert not is_key_range([key_range, table])
    assert not is_key_range([])


def test_a_limit_that_has_changed_meanwhile_is_named_as_it_is_described_now() -> None:
    """Most was refused by the old size, but what people can change is the size that the table has now."""
    causes = ThrottleCauses(TABLE)
    before, now = (
        CapacityLimit("table", "provisioned with 1,000 WCU/s"),
        CapacityLimit("table", "provisioned with 200 WCU/s"),
    )
    causes.note(before, 500)
    causes.note(now, 5)
    assert causes.limited_by(now, 10.0) == now
    assert causes.limited_by(None, 10.0) == before
    assert causes.limited_by(CapacityLimit("index by-city"), 10.0) == before
