"""The turnstile tells hot keys, a short table and a service that limits nothing from one another."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from asyncloader.batching.batch import Batch
from asyncloader.engine.gates.pacing import PacingGate
from asyncloader.pacing.limits import Limits
from asyncloader.pacing.pacer import Pacer
from asyncloader.values.errors import ConnectionFailed, Throttled
from asyncloader.values.schema import KeyAttribute, Table, Throughput
from asyncloader.wire.response import BatchWriteResult
from tests.unit.test_sidings import run

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/people"
TABLE = Table("people", ARN, KeyAttribute("id"), KeyAttribute("no"), throughput=Throughput(provisioned=1_000))
KEY_RANGE = "TableWriteKeyRangeThroughputExceeded"


class World:
    """A turnstile under a clock that is set by hand."""

    def __init__(self, start_wcu: float = 4_000.0, cap_wcu: float | None = None) -> None:
        self.now = 0.0
        self.pacer = Pacer(Limits(start_wcu, cap_wcu), 0.0, workers=32)
        self.turnstile = PacingGate(self.pacer, TABLE, lambda: self.now)

    def answer(self, keys: Sequence[str], refused: Sequence[int] = (), after_s: float = 0.005) -> None:
        """A request of these partition keys is answered; the items at these places came back."""
        sent_at, self.now = self.now, self.now + after_s
        back = tuple({"id": {"S": keys[place]}, "no": {"S": str(place)}} for place in refused)
        self.turnstile.answered(batch(*keys), BatchWriteResult(float(len(keys) - len(refused)), back), sent_at)

    def open(self) -> None:
        """Many requests at once, and always time left: nothing limits the load."""
        while not self.turnstile.is_open:
            for _ in range(20):
                self.pacer.reserve(25.0, self.now)
                self.turnstile.answered(batch(*"a" * 25), BatchWriteResult(25.0), self.now - 0.005)
            self.now += 0.01
            assert self.now < 10, "it never opens"


def batch(*keys: str) -> Batch:
    return Batch([run(*keys)])


def cold(number: int, start: int = 0) -> list[str]:
    return [f"k{start + each}" for each in range(number)]


def test_a_service_that_limits_nothing_costs_no_pacing() -> None:
    world = World()
    world.open()
    assert world.now < 1
    rate = world.pacer.rate
    for _ in range(100):
        world.answer(cold(25))
    assert world.turnstile.is_open
    assert world.pacer.rate == rate


def test_an_open_turnstile_shuts_at_the_first_refusal_and_begins_with_what_passed() -> None:
    world = World()
    world.open()
    for _ in range(1_000):
        world.answer(cold(25), after_s=0.001)
    world.answer(cold(25), refused=range(12))
    assert not world.turnstile.is_open
    assert 1_000 < world.pacer.rate < 25_000


def test_a_capped_load_is_never_let_go() -> None:
    world = World(cap_wcu=1e6)
    with pytest.raises(AssertionError, match="it never opens"):
        world.open()


def test_a_hot_key_slows_nobody_else() -> None:
    world = World(950.0, 950.0)
    for number in range(20):
        world.answer([*["hot"] * 4, *cold(21, number * 21)], refused=range(4))
    assert world.turnstile.heat.hot == {"hot"}
    assert world.pacer.rate == 950
    limit = world.turnstile.limited_by
    assert limit is not None
    assert limit.what == "hot keys"


def test_what_a_key_cost_before_it_was_known_to_be_hot_is_given_back() -> None:
    """One item in each request is no evidence at first, so the first refusal cuts; the fourth gives it back."""
    world = World()
    rates: list[float] = []
    for number in range(12):
        world.answer(["hot", *cold(24, number * 24)], refused=[0])
        rates.append(world.pacer.rate)
    assert min(rates) < 1_000
    assert rates[-1] >= 4_000


def test_a_short_table_slows_everything() -> None:
    world = World()
    for number in range(20):
        world.answer([*["often"] * 4, *cold(21)], refused=[number % 25, (number * 7) % 25, (number * 11) % 25])
    assert world.turnstile.heat.hot == set()
    assert world.pacer.rate < 4_000


def test_a_request_refused_for_its_key_range_slows_only_its_keys() -> None:
    world = World(950.0, 950.0)
    world.answer(cold(25))
    for _ in range(3):
        error = Throttled("ProvisionedThroughputExceededException", reasons=(KEY_RANGE,), resources=(ARN,))
        world.turnstile.failed(batch(*["hot"] * 5), error, world.now)
    assert world.pacer.rate == 950
    assert world.turnstile.sidings


def test_where_every_key_is_refused_for_its_range_the_load_slows_down() -> None:
    world = World()
    for number in range(8):
        error = Throttled("ThrottlingException", reasons=(KEY_RANGE,), resources=(ARN,))
        world.turnstile.failed(batch(*cold(25, 25 * number)), error, world.now)
    assert world.pacer.rate < 4_000


def test_other_failures_say_nothing_about_the_pace() -> None:
    world = World(950.0, 950.0)
    world.turnstile.failed(batch("a"), ConnectionFailed("ConnectFailed"), 0.0)
    assert world.pacer.rate == 950
    assert world.turnstile.limited_by is None


async def test_hot_items_step_aside_and_the_others_are_sent() -> None:
    world = World(950.0, 950.0)
    world.turnstile.sidings.open(["hot"], 0.0)
    mixed = batch("a", "hot", "b")
    others = await world.turnstile.wait(mixed)
    assert [(each.first, each.stop) for each in others] == [(1, 2)]
    assert len(mixed) == 2
    only_hot = batch("hot", "hot")
    assert len(await world.turnstile.wait(only_hot)) == 2
    assert not only_hot.runs


def test_limits_of_which_people_should_know_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for _ in range(3):
        error = Throttled("ThrottlingException", reasons=("TableWriteMaxOnDemandThroughputExceeded",), resources=(ARN,))
        world.turnstile.failed(batch(*cold(25)), error, world.now)
    assert [record.getMessage() for record in caplog.records] == [
        "writes are limited by on-demand maximum; raise OnDemandThroughput.MaxWriteRequestUnits"
    ]


def test_a_result_names_its_hot_keys() -> None:
    world = World()
    for number in range(12):
        world.answer([*["hot"] * 4, *cold(21, number * 21)], refused=range(4))
    (key,) = world.turnstile.heat.top()
    assert json.loads(json.dumps(key.as_dict())) == {"key": "hot", "refused": 48, "share": 1.0}
