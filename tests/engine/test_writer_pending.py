"""What the writer takes: how much has room, many items at once, in which forms and batches."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asyncloader import (
    ItemRejected,
    WriterFull,
)
from tests.engine.writers import FOR_EVER, Writer, contents, gone_idle, is_bad, made
from tests.faultserver import RefuseItem

# Room


async def test_put_waits_while_there_is_no_room_and_producers_are_let_in_by_turns() -> None:
    async with made(latency_s=0.05) as server, Writer(server, linger=FOR_EVER, max_pending_items=2) as writer:
        await writer.put({"id": "a"})
        await writer.put({"id": "b"})
        came: list[int] = []

        async def produce(number: int) -> None:
            await writer.put({"id": f"p{number}"})
            came.append(number)

        producers = [asyncio.create_task(produce(number)) for number in range(6)]
        await gone_idle()
        assert came == []
        assert writer.stats().waiting_puts == 6
        with pytest.raises(WriterFull, match=r"2 items with .* bytes are pending, and 6 puts wait"):
            writer.put_nowait({"id": "c"})
        while len(came) < 6:
            await writer.flush()
        assert came == [0, 1, 2, 3, 4, 5]
        await asyncio.gather(*producers)


async def test_a_batch_does_not_linger_while_somebody_waits_for_room() -> None:
    async with made() as server, Writer(server, linger=FOR_EVER, max_pending_items=2) as writer:
        for number in range(10):
            await writer.put({"id": str(number)})
        assert len(contents(server)) >= 8


async def test_bytes_are_bounded_too_but_one_large_item_is_let_in() -> None:
    async with made() as server, Writer(server, linger=FOR_EVER, max_pending_bytes=1000) as writer:
        await writer.put({"id": "a", "text": "x" * 5000})
        with pytest.raises(WriterFull):
            writer.put_nowait({"id": "b"})
        await writer.flush()
        writer.put_nowait({"id": "b"})
        assert writer.stats().pending_bytes < 100


async def test_a_put_that_is_cancelled_while_it_waits_is_not_queued_and_says_so() -> None:
    async with made(latency_s=0.05) as server:
        async with Writer(server, linger=FOR_EVER, max_pending_items=1) as writer:
            await writer.put({"id": "a"})
            waiting = asyncio.create_task(writer.put({"id": "b"}))
            behind = asyncio.create_task(writer.put({"id": "c"}))
            await gone_idle()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await waiting
            assert "was cancelled before its item was queued" in cancelled.value.__notes__[0]
            await writer.flush()
            await behind
        assert sorted(contents(server)) == ["a", "c"]


async def test_a_put_that_is_cancelled_when_its_turn_has_come_gives_its_room_to_the_next() -> None:
    async with made(latency_s=0.05) as server, Writer(server, linger=FOR_EVER, max_pending_items=1) as writer:
        ack = await writer.put({"id": "a"})
        waiting = asyncio.create_task(writer.put({"id": "b"}))
        behind = asyncio.create_task(writer.put({"id": "c"}))
        await gone_idle()
        flushing = asyncio.create_task(writer.flush())
        while not ack.done():
            await asyncio.sleep(0)
        waiting.cancel()
        await behind
        assert waiting.cancelled()
        await flushing
        assert writer.stats().pending_items == 1


async def test_a_producer_that_never_waits_leaves_others_their_turn() -> None:
    async with made() as server, Writer(server) as writer:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        task = asyncio.create_task(other())
        for number in range(2000):
            await writer.put({"id": str(number)})
        assert turns >= 5
        task.cancel()


# Many at once


async def _stream(count: int) -> AsyncIterator[dict[str, Any]]:
    for number in range(count):
        await asyncio.sleep(0)
        yield {"id": str(number)}


async def test_put_many_takes_sync_and_async_iterables_and_gives_one_receipt() -> None:
    async with made() as server, Writer(server) as writer:
        receipt = await writer.put_many({"id": f"s{number}"} for number in range(60))
        assert receipt.items == 60
        assert not receipt.done()
        await receipt
        await (await writer.put_many(_stream(60)))
        assert len(contents(server)) == 120


async def test_the_receipt_of_nothing_is_done() -> None:
    async with made() as server, Writer(server) as writer:
        await (await writer.put_many([]))


async def test_a_receipt_tells_how_many_were_rejected_and_why() -> None:
    async with made(rules=[RefuseItem(is_bad)]) as server, Writer(server) as writer:
        receipt = await writer.put_many([{"id": "a"}, {"id": "b", "bad": 1}, {"nokey": 1}])
        with pytest.raises(ExceptionGroup, match="2 of 3 items were rejected") as rejected:
            await receipt
        assert [type(each) for each in rejected.value.exceptions] == [ItemRejected, ItemRejected]
        assert receipt.rejected == 2
        await writer.flush()


async def test_put_many_says_how_far_it_came_when_its_iterable_fails() -> None:
    def broken() -> Any:
        yield {"id": "a"}
        yield {"id": "b"}
        raise RuntimeError("no more")

    async with made() as server:
        async with Writer(server) as writer:
            with pytest.raises(RuntimeError, match="no more") as failed:
                await writer.put_many(broken())
            assert failed.value.__notes__ == ["asyncloader: 2 items of this put_many were taken before"]
        assert sorted(contents(server)) == ["a", "b"]


# Forms of items


@dataclasses.dataclass
class Event:
    id: str
    count: int


async def test_a_serializer_takes_what_is_not_a_dict() -> None:
    async with made() as server, Writer(server, serializer=dataclasses.asdict) as writer:
        await (await writer.put(Event("7", 3)))
        assert contents(server) == {"7": {"id": {"S": "7"}, "count": {"N": "3"}}}
        with pytest.raises(ItemRejected, match="the serializer failed: TypeError"):
            await (await writer.put({"id": "8"}))
        await (await writer.delete({"id": "7"}))


async def test_dynamodb_json_is_taken_as_it_stands() -> None:
    async with made() as server, Writer(server, raw=True) as writer:
        await (await writer.put({"id": {"S": "7"}, "n": {"N": "1.50"}}))
        assert contents(server) == {"7": {"id": {"S": "7"}, "n": {"N": "1.5"}}}
        await (await writer.delete({"id": {"S": "7"}}))
        assert contents(server) == {}


async def test_an_item_may_be_changed_once_it_is_put() -> None:
    async with made() as server, Writer(server) as writer:
        item = {"id": "7", "tags": ["a"]}
        ack = await writer.put(item)
        item["tags"] = "gone"
        await ack
        assert contents(server)["7"]["tags"] == {"L": [{"S": "a"}]}


# Batches


async def test_a_full_batch_does_not_linger() -> None:
    async with made() as server, Writer(server, linger=FOR_EVER) as writer:
        acks = [await writer.put({"id": str(number)}) for number in range(30)]
        await asyncio.gather(*acks[:25])
        assert not acks[25].done()
        assert server.requests["BatchWriteItem"] == 1


async def test_a_batch_takes_no_more_than_the_bytes_of_a_request() -> None:
    """400 KB of control characters are 2.4 MB of JSON, and 25 of them no request."""
    async with made() as server, Writer(server, linger=0.2) as writer:
        for number in range(12):
            await writer.put({"id": str(number), "text": "\x01" * 400_000})
        await writer.flush()
        assert len(contents(server)) == 12
        assert server.requests["BatchWriteItem"] == 2


async def test_a_capped_writer_keeps_to_its_capacity() -> None:
    async with made() as server, Writer(server, max_wcu=1000) as writer:
        await (await writer.put_many({"id": str(number)} for number in range(50)))
        assert len(contents(server)) == 50
