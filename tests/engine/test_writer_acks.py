"""The writer's acknowledgements and rejections: when they come, and who is told of them."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from asyncloader import (
    ItemRejected,
    LoadFailed,
)
from tests.engine.writers import FOR_EVER, Writer, contents, gone_idle, is_bad, made
from tests.faultserver import Hang, RefuseItem, Unprocessed

# Acknowledgements


async def test_an_ack_is_done_when_the_item_is_stored() -> None:
    async with made() as server, Writer(server) as writer:
        ack = await writer.put({"id": "7", "price": Decimal("9.50")})
        assert not ack.done()
        await ack
        assert ack.done()
        assert contents(server) == {"7": {"id": {"S": "7"}, "price": {"N": "9.5"}}}


async def test_a_delete_is_acknowledged_when_the_item_is_gone() -> None:
    async with made() as server, Writer(server) as writer:
        await (await writer.put({"id": "7"}))
        await (await writer.delete({"id": "7"}))
        assert contents(server) == {}


async def test_an_ack_may_be_awaited_again_and_by_many() -> None:
    async with made() as server, Writer(server) as writer:
        ack = await writer.put({"id": "7"})
        await asyncio.gather(ack, ack, ack)
        await ack


async def test_a_cancelled_await_of_an_ack_cancels_nothing_else() -> None:
    async with made(latency_s=0.05) as server, Writer(server) as writer:
        ack = await writer.put({"id": "7"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ack, 0.001)
        assert not ack.done()
        await ack
        assert "7" in contents(server)


async def test_an_item_that_was_handed_back_is_not_acknowledged_before_its_turn_comes() -> None:
    server = made(faults=[Unprocessed(indices=(1,)), Hang()])
    async with server:
        writer = Writer(server, linger=0.01)
        async with writer:
            one, other = [await writer.put({"id": key}) for key in "ab"]
            await one
            assert not other.done()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other, 0.05)
            await writer.abort()
            with pytest.raises(LoadFailed, match="aborted; what was pending may be stored or not"):
                await other


async def test_the_last_put_of_a_key_wins_and_replaced_ones_share_its_outcome() -> None:
    async with made() as server, Writer(server, linger=FOR_EVER) as writer:
        acks = [await writer.put({"id": "7", "version": version}) for version in range(5)]
        await writer.flush()
        assert all(ack.done() for ack in acks)
        assert contents(server)["7"]["version"] == {"N": "4"}
        assert len(server.log) == 1
        assert (writer.stats().put, writer.stats().written, writer.stats().replaced) == (5, 1, 4)


async def test_a_put_behind_one_of_its_key_that_is_under_way_waits_for_it() -> None:
    async with made(latency_s=0.02) as server, Writer(server, linger=0) as writer:
        first = await writer.put({"id": "7", "version": 1})
        while not server.ledger.in_flight:
            await asyncio.sleep(0.001)
        later = [await writer.put({"id": "7", "version": version}) for version in (2, 3)]
        await first
        assert not later[0].done()
        await asyncio.gather(*later)
        assert [applied.item and applied.item["version"] for applied in server.log] == [{"N": "1"}, {"N": "3"}]
        assert server.overlaps == 0


# Rejections


async def test_a_bad_item_is_told_by_its_ack_and_costs_the_others_nothing() -> None:
    async with made() as server, Writer(server) as writer:
        good = await writer.put({"id": "1"})
        bad = await writer.put({"id": "2", "f": float("nan")})
        await good
        with pytest.raises(ItemRejected, match="f: is nan") as rejected:
            await bad
        assert rejected.value.key == {"id": "2"}
        await writer.flush()
        assert list(contents(server)) == ["1"]


async def test_what_only_the_service_refuses_is_found_by_bisection() -> None:
    async with made(rules=[RefuseItem(is_bad)]) as server, Writer(server) as writer:
        acks = [await writer.put({"id": str(number), **({"bad": 1} if number == 13 else {})}) for number in range(25)]
        told = await asyncio.gather(*acks, return_exceptions=True)
        assert [number for number, each in enumerate(told) if each is not None] == [13]
        assert isinstance(told[13], ItemRejected)
        assert "refused by a rule of the service" in told[13].reason
        assert len(contents(server)) == 24


async def test_a_rejection_that_nobody_heard_of_surfaces_at_flush_once() -> None:
    async with made() as server, Writer(server) as writer:
        await writer.put({})
        with pytest.raises(ExceptionGroup, match="1 item was rejected") as rejected:
            await writer.flush()
        assert [type(each) for each in rejected.value.exceptions] == [ItemRejected]
        await writer.flush()


async def test_a_rejection_that_nobody_heard_of_surfaces_at_the_end_of_the_block() -> None:
    async with made(rules=[RefuseItem(is_bad)]) as server:
        with pytest.raises(ExceptionGroup, match="2 items were rejected"):  # noqa: PT012 -- the block is what is tested
            async with Writer(server) as writer:
                for key in "abc":
                    await writer.put({"id": key, **({} if key == "a" else {"bad": 1})})
        assert list(contents(server)) == ["a"]


async def test_whoever_waits_for_an_ack_is_told_of_the_rejection_alone() -> None:
    async with made(rules=[RefuseItem(is_bad)]) as server, Writer(server) as writer:
        waiting = asyncio.ensure_future(await writer.put({"id": "a", "bad": 1}))
        await gone_idle()
        await writer.flush()
        with pytest.raises(ItemRejected):
            await waiting


async def test_of_very_many_rejections_the_first_thousand_are_named() -> None:
    async with made() as server, Writer(server) as writer:
        for _ in range(3000):
            await writer.put({})
        with pytest.raises(ExceptionGroup, match=r"3,000 items were rejected; the first 1,000 of them") as rejected:
            await writer.flush()
        assert len(rejected.value.exceptions) == 1000
