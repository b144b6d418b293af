"""Several producers, repeated keys, any faults: the last put wins, and every ack tells the truth, once."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncloader import Ack, ItemRejected
from asyncloader.batching.put_batch import PutBatch
from tests.engine.strategies import scripts
from tests.engine.writers import TABLE, Writer, contents
from tests.faultserver import FaultServer, RandomFaults, RefuseItem
from tests.faultserver.batch import Batch
from tests.faultserver.faults import Fault
from tests.faultserver.values import Item

THOROUGH = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
RULE = RefuseItem(lambda item: "bad" in item)


@dataclass(frozen=True)
class Step:
    """What a producer does next with one of its keys: put a version, a bad one, delete, or wait a little."""

    what: str
    key: int


@dataclass
class Told:
    """The truth about the puts of one key, in the order in which they were made."""

    puts: list[tuple[Ack, dict[str, Any] | None, bool]] = field(default_factory=list)


class Validating:
    """The service looks at the items before anything else can go wrong with the request."""

    def __init__(self, script: RandomFaults) -> None:
        self._script = script

    def __call__(self, batch: Batch) -> Fault | None:
        fault = self._script(batch)
        return RULE if any("bad" in item for item in batch.items) else fault


steps = st.builds(
    Step, st.sampled_from(["put", "put", "put", "put", "delete", "bad", "nokey", "pause", "flush"]), st.integers(0, 8)
)


async def _produce(writer: Writer, number: int, todo: list[Step], told: dict[str, Told], broken: list[Ack]) -> None:
    """Every producer has keys of its own, since the order between producers is nobody's promise."""
    for version, step in enumerate(todo):
        key = f"p{number}-{step.key}"
        match step.what:
            case "put" | "bad":
                item: dict[str, Any] = {"id": key, "version": version}
                if step.what == "bad":
                    item["bad"] = True
                ack = await writer.put(item)
                told.setdefault(key, Told()).puts.append((ack, item, step.what == "bad"))
            case "delete":
                ack = await writer.delete({"id": key})
                told.setdefault(key, Told()).puts.append((ack, None, False))
            case "nokey":
                broken.append(await writer.put({"version": version}))
            case "pause":
                await asyncio.sleep(0.001 * (step.key % 3))
            case "flush":
                # What was rejected surfaces here or at an ack; both are looked at below.
                with contextlib.suppress(ExceptionGroup):
                    await writer.flush()


def _version(item: Item | None) -> str | None:
    return None if item is None else item["version"]["N"]


def _check(server: FaultServer, told: dict[str, Told], outcomes: dict[Ack, BaseException | None]) -> None:
    """The table holds for each key the last put that was not rejected, and no ack has lied."""
    table = contents(server)
    for key, each in told.items():
        applied = [_version(one.item) for one in server.log if one.key == server.key(TABLE, key) and one.acknowledged]
        last: str | None = None
        for number, (ack, item, is_bad) in enumerate(each.puts):
            outcome = outcomes[ack]
            version = None if item is None else str(item["version"])
            later = each.puts[number + 1 :]
            if outcome is None:
                last = version
                # Stored itself, or replaced by a later one that was.
                behind = [str(one["version"]) if one else None for _, one, _ in later]
                assert any(one in applied for one in [version, *behind])
            else:
                assert isinstance(outcome, ItemRejected)
                assert is_bad or any(bad for *_, bad in later), (
                    "only a bad one, or what a bad one replaced, is rejected"
                )
        assert _version(table.get(key)) == last


@THOROUGH
@given(
    st.lists(st.lists(steps, max_size=40), min_size=1, max_size=4),
    scripts(),
    st.sampled_from([1, 3, 8]),
    st.sampled_from([1, 4, 30, 10_000]),
    st.sampled_from([0.0, 0.001, 0.02]),
)
async def test_the_last_put_of_every_key_wins_and_every_ack_is_true(
    producers: list[list[Step]], script: RandomFaults, workers: int, room: int, linger: float
) -> None:
    server = FaultServer(faults=Validating(script))
    server.create_table(TABLE)
    told: dict[str, Told] = {}
    broken: list[Ack] = []
    resolved: list[Ack] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("stored", "refused"):
            _count(patch, name, resolved)
        async with server:
            writer = Writer(server, workers=workers, linger=linger, max_pending_items=room)
            async with writer:
                async with asyncio.TaskGroup() as tasks:
                    for number, todo in enumerate(producers):
                        tasks.create_task(_produce(writer, number, todo, told, broken))
                acks = [ack for each in told.values() for ack, *_ in each.puts]
                outcomes = await asyncio.gather(*acks, return_exceptions=True)
                assert all(
                    isinstance(each, ItemRejected) for each in await asyncio.gather(*broken, return_exceptions=True)
                )
            assert server.overlaps == 0
            _check(server, told, dict(zip(acks, outcomes, strict=True)))
    assert sorted(map(id, resolved)) == sorted(map(id, [*acks, *broken])), "each ack was resolved exactly once"
    stats = writer.stats()
    assert stats.put == stats.written + stats.rejected + stats.replaced == len(acks) + len(broken)
    assert (stats.pending_items, stats.pending_bytes, stats.in_flight, stats.waiting_puts) == (0, 0, 0, 0)


def _count(patch: pytest.MonkeyPatch, name: str, resolved: list[Ack]) -> None:
    original = getattr(Ack, name)

    def counting(ack: Ack, *args: object) -> None:
        resolved.append(ack)
        original(ack, *args)

    patch.setattr(Ack, name, counting)


@THOROUGH
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), scripts(), st.integers(1, 4))
async def test_put_batches_forget_what_is_settled(keys: list[int], script: RandomFaults, workers: int) -> None:
    """Nothing of what was put is kept once it is stored, however long a writer lives."""
    async with FaultServer(faults=script) as server:
        server.create_table(TABLE)
        async with Writer(server, workers=workers, linger=0.0) as writer:
            for version, key in enumerate(keys):
                await writer.put({"id": str(key), "version": version})
                if version % 7 == 0:
                    await asyncio.sleep(0)
            await writer.flush()
            accumulator = writer._accumulator
            assert accumulator is not None
            assert not accumulator._batches.newest
            assert not accumulator._unsettled
            assert accumulator._batches.open is None or isinstance(accumulator._batches.open, PutBatch)
        last = {str(key): version for version, key in enumerate(keys)}
        assert {key: int(item["version"]["N"]) for key, item in contents(server).items()} == last
        assert server.overlaps == 0
