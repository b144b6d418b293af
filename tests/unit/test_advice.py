"""What is advised, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from asyncloader.planning.advice import AdviceContext, advise
from asyncloader.planning.duration import duration_of
from asyncloader.values.plan import Advice, Cell, ColumnPlan, HeavyKey, IndexPlan, Location, Partitions, Reason
from asyncloader.values.plan_settings import PlanSettings
from asyncloader.values.schema import Index, KeyAttribute, Table, Throughput
from asyncloader.values.settings import LoadSettings, PacingSettings

TENANT, AT = KeyAttribute("tenant"), KeyAttribute("at", "N")
BY_CITY = Index("by-city", KeyAttribute("city"))
MILLION = 1_000_000


def partitions(wcu: int, heaviest: int, in_order: int, owner: str = "", key: str = "tenant") -> Partitions:
    hot = (HeavyKey("t0", heaviest, heaviest, heaviest / wcu),)
    return Partitions(owner, key, 50, wcu, hot, in_order)


def column(name: str, kind: str = "text", *, stored_as: str = "S", **changes: Any) -> ColumnPlan:
    spot = Location("a.csv", 7)
    made: dict[str, Any] = {
        "name": name,
        "type": stored_as,
        "cells": 1_000,
        "empty": 0,
        "kinds": {kind: 1_000},
        "first": {kind: Cell("n/a", spot), "text": Cell("n/a", spot)},
        "leading_zeros": 0,
        "beyond_38_digits": 0,
        "longest_bytes": 3,
        "longest": None,
    }
    return ColumnPlan(**{**made, **changes})


def advice(
    wcu: int,
    *found: Partitions,
    throughput: Throughput | None = None,
    sort_key: KeyAttribute | None = AT,
    settings: PlanSettings | None = None,
    index_wcu: int | None = None,
    columns: tuple[ColumnPlan, ...] = (),
    reasons: tuple[Reason, ...] = (),
    repeats: bool = False,
    spreadable: bool = True,
) -> tuple[Advice, ...]:
    table = Table("events", "", TENANT, sort_key, throughput=throughput)
    indexes: tuple[IndexPlan, ...] = ()
    if index_wcu is not None:
        table = Table("events", "", TENANT, sort_key, indexes=(BY_CITY,), throughput=throughput)
        indexes = (IndexPlan("by-city", index_wcu, index_wcu),)
    settings = settings or PlanSettings(key=TENANT)
    duration = duration_of(table, settings, wcu, indexes, found)
    return advise(AdviceContext(table, settings, duration, wcu, indexes, found, columns, reasons, repeats, spreadable))


def options(told: tuple[Advice, ...]) -> list[str | None]:
    return [each.option for each in told]


def test_a_quick_load_needs_no_advice() -> None:
    assert advice(400_000, partitions(400_000, 10, 100)) == ()


def test_a_new_table_is_pre_warmed() -> None:
    (told,) = advice(100 * MILLION, partitions(100 * MILLION, 10, 100))
    assert told.option == "--prewarm 40000"
    assert told.seconds == pytest.approx(2_500)


def test_a_provisioned_table_is_raised() -> None:
    (told,) = advice(MILLION, partitions(MILLION, 10, 100), throughput=Throughput(100))
    assert told.option == "--raise-wcu 1000"
    assert told.seconds == pytest.approx(MILLION / 950)


def test_a_limit_that_its_owner_has_set_is_named() -> None:
    (told,) = advice(MILLION, partitions(MILLION, 10, 100), throughput=Throughput(most=100))
    assert "MaxWriteRequestUnits of 100" in told.text
    assert told.option is None


def test_a_cap_of_the_command_is_named() -> None:
    settings = PlanSettings(load=LoadSettings(pacing=PacingSettings(max_wcu=100)), key=TENANT)
    (told, *_) = advice(MILLION, partitions(MILLION, 10, 100), settings=settings)
    assert told.option == "--max-wcu 1000"


def test_sorted_rows_are_read_in_several_places() -> None:
    (told,) = advice(400_000, partitions(400_000, 8_000, 400_000))
    assert told.option == "--spread 8"
    assert told.seconds == pytest.approx(100)


@pytest.mark.parametrize(("repeats", "spreadable"), [(True, True), (False, False)])
def test_where_spread_cannot_help_it_is_not_named_as_an_option(repeats: bool, spreadable: bool) -> None:
    (told,) = advice(400_000, partitions(400_000, 8_000, 400_000), repeats=repeats, spreadable=spreadable)
    assert told.option is None
    assert "let rows of different tenant alternate in the source" in told.text
    assert ("the order of their rows must stay" in told.text) == repeats


def test_one_hot_key_is_split() -> None:
    """Not spread: however the rows are read, they are its rows."""
    (told,) = advice(400_000, partitions(400_000, 390_000, 392_000))
    assert told.option == "--shard-key tenant=8"
    assert told.seconds == pytest.approx(100)


def test_a_hot_item_cannot_be_split() -> None:
    assert options(advice(400_000, partitions(400_000, 390_000, 392_000), sort_key=None)) == []


def test_a_hot_index_is_made_after_the_load() -> None:
    (told,) = advice(
        400_000,
        partitions(400_000, 10, 100),
        partitions(400_000, 200_000, 210_000, "by-city", "city"),
        index_wcu=400_000,
    )
    assert "make index by-city only after the load" in told.text
    assert "'t0' takes 50% of its writes" in told.text
    assert told.seconds == pytest.approx(100)


def test_what_holds_the_load_up_longest_comes_first_and_each_builds_on_the_ones_before() -> None:
    """An hour in order, forty minutes of one key, half an hour of the table's capacity."""
    wcu = 4_000 * 1_800
    told = advice(wcu, partitions(wcu, 2_400_000, 3_600_000))
    assert [(each.option or "").split()[0] for each in told] == ["--spread", "--shard-key", "--prewarm"]
    seconds = [each.seconds or 0.0 for each in told]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] == pytest.approx(2_400)
    assert seconds[1] == pytest.approx(1_800)
    assert seconds[2] == pytest.approx(1_200)


def test_rejects_come_before_time_and_types_after_it() -> None:
    reason = Reason("born: 'x' is not a number", 3, (Location("a.csv", 9),))
    told = advice(MILLION, partitions(MILLION, 10, 100), reasons=(reason,), columns=(column("price", "number"),))
    assert "a.csv:9" in told[0].text
    assert (told[1].option or "").startswith("--prewarm")
    assert told[2].option == "--type price=N"


def test_types_are_advised_only_where_nothing_would_be_lost() -> None:
    told = advice(
        1,
        columns=(
            column("tenant", "number"),
            column("zip", "number", leading_zeros=3),
            column("is open", "boolean"),
            column("note"),
            column("iban", "too long a number", beyond_38_digits=5),
            column("age", kinds={"number": 999, "text": 1}),
        ),
    )
    assert options(told) == ["--type 'is open=BOOL'", None]
    assert "age: numbers but for 1 values, the first 'n/a' (a.csv:7)" in told[1].text


def test_a_number_that_loses_its_zeros_is_warned_of() -> None:
    (told,) = advice(1, columns=(column("zip", "number", stored_as="N", leading_zeros=3),))
    assert "zip: 3 values begin with zeros" in told.text
