"""The pacing gate tells hot keys, a short table and a service that limits nothing from one another."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from asyncloader.batching.batch import Batch
from asyncloader.batching.hot_key_queues import HotKeyQueues
from asyncloader.engine.gates.pacing import PacingGate, PacingState
from asyncloader.pacing.limits import Limits
from asyncloader.pacing.pacer import Pacer
from asyncloader.values.errors import ConnectionFailed, Throttled
from asyncloader.values.schema import KeyAttribute, Table, Throughput
from asyncloader.wire.response import BatchWriteResult
from tests.unit.test_hot_key_queues import item_range

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/people"
TABLE = Table("people", ARN, KeyAttribute("id"), KeyAttribute("no"), throughput=Throughput(provisioned=1_000))
KEY_RANGE = "TableWriteKeyRangeThroughputExceeded"


class World:
    """A pacing gate under a clock that is set by hand."""

    def __init__(self, start_wcu: float = 4_000.0, cap_wcu: float | None = None) -> None:
        self.now = 0.0
        self.pacer = Pacer(Limits(start_wcu, cap_wcu), 0.0, workers=32)
        self.hot_keys = HotKeyQueues(0.0)
        self.gate = PacingGate(self.pacer, TABLE, self.hot_keys, lambda: self.now)

    def answer(self, keys: Sequence[str], refused: Sequence[int] = (), after_s: float = 0.005) -> None:
        """A request of these partition keys is answered; the items at these places came back."""
        sent_at, self.now = self.now, self.now + after_s
        back = tuple({"id": {"S": keys[place]}, "no": {"S": str(place)}} for place in refused)
        self.gate.on_response(batch(*keys), BatchWriteResult(float(len(keys) - len(refused)), back), sent_at)

    def unpace(self) -> None:
        """Many requests at once, and always time left: nothing limits the load."""
        while self.gate.state is not PacingState.UNPACED:
            for _ in range(20):
                self.pacer.reserve(25.0, self.now)
                self.gate.on_response(batch(*"a" * 25), BatchWriteResult(25.0), self.now - 0.005)
            self.now += 0.01
            assert self.now < 10, "it is always paced"


def batch(*keys: str) -> Batch:
    return Batch([item_range(*keys)])


def cold(number: int, start: int = 0) -> list[str]:
    return [f"k{start + each}" for each in range(number)]


def test_a_service_that_limits_nothing_costs_no_pacing() -> None:
    world = World()
    world.unpace()
    assert world.now < 1
    rate = world.pacer.rate
    for _ in range(100):
        world.answer(cold(25))
    assert world.gate.state is PacingState.UNPACED
    assert world.pacer.rate == rate


def test_an_unpaced_gate_is_paced_from_the_first_refusal_on_at_the_rate_that_passed() -> None:
    world = World()
    world.unpace()
    for _ in range(1_000):
        world.answer(cold(25), after_s=0.001)
    world.answer(cold(25), refused=range(12))
    assert world.gate.state is PacingState.PACED
    assert 1_000 < world.pacer.rate < 25_000


def test_a_capped_load_is_always_paced() -> None:
    world = World(cap_wcu=1e6)
    with pytest.raises(AssertionError, match="it is always paced"):
        world.unpace()


def test_a_hot_key_slows_nobody_else() -> None:
    world = World(950.0, 950.0)
    for number in range(20):
        world.answer([*["hot"] * 4, *cold(21, number * 21)], refused=range(4))
    assert world.hot_keys.detector.hot == {"hot"}
    assert world.pacer.rate == 950
    limit = world.gate.limited_by
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
    assert world.hot_keys.detector.hot == set()
    assert world.pacer.rate < 4_000


def test_a_request_refused_for_its_key_range_slows_only_its_keys() -> None:
    world = World(950.0, 950.0)
    world.answer(cold(25))
    for _ in range(3):
        error = Throttled("ProvisionedThroughputExceededException", reasons=(KEY_RANGE,), resources=(ARN,))
        world.gate.on_error(batch(*["hot"] * 5), error, world.now)
    assert world.pacer.rate == 950
    assert world.hot_keys


def test_where_every_key_is_refused_for_its_range_the_load_slows_down() -> None:
    world = World()
    for number in range(8):
        error = Throttled("ThrottlingException", reasons=(KEY_RANGE,), resources=(ARN,))
        world.gate.on_error(batch(*cold(25, 25 * number)), error, world.now)
    assert world.pacer.rate < 4_000


def test_other_failures_say_nothing_about_the_pace() -> None:
    world = World(950.0, 950.0)
    world.gate.on_error(batch("a"), ConnectionFailed("ConnectFailed"), 0.0)
    assert world.pacer.rate == 950
    assert world.gate.limited_by is None


async def test_a_closed_gate_is_neither_paced_nor_unpaced() -> None:
    """The three states exclude each other: once closed a gate lets nothing through at once, whatever is answered."""
    world = World()
    world.unpace()
    world.gate.close()
    assert world.gate.state is PacingState.CLOSED
    assert not world.gate.try_acquire(batch("a"))
    assert await world.gate.acquire(batch("a", "b")) == []
    world.answer(cold(25), refused=range(12))
    assert world.gate.state is PacingState.CLOSED


def test_limits_of_which_people_should_know_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for _ in range(3):
        error = Throttled("ThrottlingException", reasons=("TableWriteMaxOnDemandThroughputExceeded",), resources=(ARN,))
        world.gate.on_error(batch(*cold(25)), error, world.now)
    assert [record.getMessage() for record in caplog.records] == [
        "writes are limited by on-demand maximum; raise OnDemandThroughput.MaxWriteRequestUnits"
    ]


def test_a_result_names_its_hot_keys() -> None:
    world = World()
    for number in range(12):
        world.answer([*["hot"] * 4, *cold(21, number * 21)], refused=range(4))
    (key,) = world.hot_keys.top()
    assert json.loads(json.dumps(key.as_dict())) == {"key": "hot", "refused": 48, "share": 1.0}
