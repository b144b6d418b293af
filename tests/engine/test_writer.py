"""The writer: what each call promises, in good weather and in bad."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

import asyncloader
from asyncloader import (
    BatchSent,
    BatchWriter,
    ItemRejected,
    LoadFailed,
    Rejection,
    Retry,
    UsageError,
    WriterClosed,
    WriterFull,
)
from asyncloader.values.errors import TableMissing
from tests.engine.loads import QUICK
from tests.engine.writers import TABLE, Writer, contents
from tests.faultserver import AccessDenied, DeleteTable, FaultServer, Hang, RefuseItem, Slow, Throttle, Unprocessed
from tests.faultserver.values import Item

FOR_EVER = 3600.0


def made(**options: Any) -> FaultServer:
    """A server with the table."""
    server = FaultServer(**options)
    server.create_table(TABLE)
    return server


def is_bad(item: Item) -> bool:
    return "bad" in item


async def gone_idle(turns: int = 20) -> None:
    """Let everybody in the loop come so far that they wait."""
    for _ in range(turns):
        await asyncio.sleep(0)


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


async def test_the_last_put_of_a_key_wins_and_replaced_ones_share_its_fate() -> None:
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


async def test_whoever_waits_for_an_ack_hears_of_the_rejection_alone() -> None:
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


# Ends


async def test_leaving_the_block_stores_everything() -> None:
    async with made() as server:
        async with Writer(server, linger=FOR_EVER) as writer:
            acks = [await writer.put({"id": str(number)}) for number in range(40)]
        assert all(ack.done() for ack in acks)
        assert len(contents(server)) == 40
        assert not writer.stats().is_open


async def test_leaving_the_block_by_an_exception_aborts() -> None:
    async with made(latency_s=FOR_EVER) as server:
        with pytest.raises(RuntimeError, match="the producer failed"):  # noqa: PT012 -- the block is what is tested
            async with Writer(server) as writer:
                ack = await writer.put({"id": "a"})
                raise RuntimeError("the producer failed")
        with pytest.raises(LoadFailed, match="the writer was aborted"):
            await ack
        with pytest.raises(LoadFailed):
            await writer.put({"id": "b"})


async def test_rejections_that_nobody_heard_of_are_told_beside_the_error_that_ended_the_block() -> None:
    async with made() as server:
        with pytest.raises(RuntimeError) as failed:  # noqa: PT012 -- the block is what is tested
            async with Writer(server) as writer:
                await writer.put({"no": "key"})
                raise RuntimeError("the producer failed")
    assert failed.value.__notes__ == ["asyncloader: besides, 1 item was rejected; the first: id: the key is missing"]


async def test_a_closed_writer_says_so() -> None:
    async with made() as server:
        writer = Writer(server)
        with pytest.raises(WriterClosed, match="is not open; use it inside of 'async with"):
            await writer.put({"id": "a"})
        with pytest.raises(WriterClosed, match="is not open"):
            await writer.flush()
        async with writer:
            pass
        for call in (writer.put({"id": "a"}), writer.delete({"id": "a"}), writer.put_many([]), writer.flush()):
            with pytest.raises(WriterClosed, match="is closed"):
                await call
        await writer.close()
        await writer.abort()
        with pytest.raises(WriterClosed, match="opened once"):
            await writer.__aenter__()


async def test_a_put_that_waits_when_the_writer_is_closed_is_not_queued() -> None:
    async with made(latency_s=0.05) as server:
        async with Writer(server, linger=FOR_EVER, max_pending_items=1) as writer:
            await writer.put({"id": "a"})
            waiting = asyncio.create_task(writer.put({"id": "b"}))
            await gone_idle()
        with pytest.raises(WriterClosed, match="its item was not queued"):
            await waiting
        assert list(contents(server)) == ["a"]


def test_a_writer_belongs_to_one_event_loop() -> None:
    with made().in_thread() as server:
        writer = Writer(server)
        with asyncio.Runner() as one, asyncio.Runner() as other:
            one.run(writer.__aenter__())
            for call in (writer.put({"id": "a"}), writer.flush(), writer.close()):
                with pytest.raises(UsageError, match="belongs to another event loop"):
                    other.run(call)
            one.run(writer.close())


async def test_a_writer_that_was_forgotten_is_a_resource_warning_and_its_acks_fail() -> None:
    async with made(latency_s=FOR_EVER) as server:
        before = asyncio.all_tasks()
        writer = await Writer(server).__aenter__()
        ack = await writer.put({"id": "a"})
        with pytest.warns(ResourceWarning, match="BatchWriter for table 'events' was never closed"):  # noqa: PT031
            del writer
            gc.collect()
        with pytest.raises(LoadFailed, match="aborted"):
            await ack
        await gone_idle()
        assert not {task for task in asyncio.all_tasks() - before if "asyncloader" in repr(task.get_coro())}


async def test_a_dying_writer_wakes_everybody() -> None:
    async with made(faults=[Slow(0.02), DeleteTable()]) as server:
        with pytest.raises(LoadFailed, match="the table is gone"):  # noqa: PT012 -- the block is what is tested
            async with Writer(server, max_pending_items=3, linger=0.001, workers=1) as writer:
                acks = [await writer.put({"id": key}) for key in "abc"]
                waiting = [asyncio.create_task(writer.put({"id": key})) for key in "def"]
                flushing = asyncio.create_task(writer.flush())
                told = await asyncio.gather(*acks, flushing, return_exceptions=True)
                puts = await asyncio.gather(*waiting, return_exceptions=True)
                later = [put for put in puts if isinstance(put, asyncloader.Ack)]
                told += await asyncio.gather(*later, return_exceptions=True)
                assert any(isinstance(each, LoadFailed) for each in [*told, *puts])
                with pytest.raises(LoadFailed, match="the table is gone"):
                    await writer.put({"id": "g"})
        assert writer.stats().is_open is False


async def test_access_denied_at_the_first_write_is_a_failure_too() -> None:
    async with made(rules=[AccessDenied()]) as server:
        with pytest.raises(LoadFailed, match="writing is not allowed"):
            async with Writer(server) as writer:
                ack = await writer.put({"id": "a"})
        with pytest.raises(LoadFailed):
            await ack


# Watching


async def test_stats_count_what_happened() -> None:
    async with made(faults=[Throttle(), Unprocessed(indices=(0,))]) as server:
        async with Writer(server) as writer:
            await (await writer.put_many([{"id": "a"}, {"id": "b"}]))
            await (await writer.put({"id": "c"}))
            with pytest.raises(ItemRejected):
                await (await writer.put({}))
            stats = writer.stats()
        assert (stats.put, stats.written, stats.rejected, stats.pending_items) == (4, 3, 1, 0)
        assert (stats.throttled, stats.unprocessed, stats.retried) == (1, 1, 3)
        assert stats.requests == 4
        assert stats.p50_s is not None
        assert stats.p99_s is not None
        assert 0 < stats.p50_s <= stats.p99_s
        assert stats.as_dict()["table"] == TABLE


async def test_the_hooks_hear_of_requests_retries_and_rejections() -> None:
    rejections: list[Rejection] = []
    retries: list[Retry] = []
    batches: list[BatchSent] = []
    server = made(faults=[Throttle(), Unprocessed(indices=(0,)), None, RefuseItem(is_bad)])
    async with server:
        hooks = {"on_reject": rejections.append, "on_retry": retries.append, "on_batch": batches.append}
        async with Writer(server, **hooks) as writer:
            await (await writer.put_many([{"id": "a"}, {"id": "b"}]))
            bad = {"id": "c", "bad": 1}
            with pytest.raises(ItemRejected):
                await (await writer.put(bad))
            with pytest.raises(ItemRejected):
                await (await writer.put({"no": "key"}))
        assert [(each.key, each.item) for each in rejections] == [({"id": "c"}, bad), (None, {"no": "key"})]
        assert [(each.items, each.code) for each in retries] == [
            (2, "ProvisionedThroughputExceededException"),
            (1, "UnprocessedItems"),
        ]
        assert [(each.items, each.written, each.code) for each in batches] == [
            (2, 0, "ProvisionedThroughputExceededException"),
            (2, 1, None),
            (1, 1, None),
            (1, 0, "ValidationException"),
        ]


async def test_an_error_in_a_hook_is_logged_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the hook is broken")

    async with made(faults=[Throttle(), Unprocessed(indices=(0,))], rules=[RefuseItem(is_bad)]) as server:
        with caplog.at_level(logging.ERROR, "asyncloader"):
            async with Writer(server, on_reject=broken, on_retry=broken, on_batch=broken) as writer:
                await (await writer.put_many({"id": str(number)} for number in range(60)))
                with pytest.raises(ItemRejected):
                    await (await writer.put({"id": "x", "bad": 1}))
        assert len(contents(server)) == 60
        for hook in ("on_reject", "on_retry", "on_batch"):
            assert f"the hook {hook} failed" in caplog.text


# Through aioboto3


@pytest.mark.parametrize("transport", ["lean", "aioboto3"])
async def test_a_writer_finds_its_table_by_itself(transport: Any) -> None:
    server = FaultServer(check_signatures=False, faults=[Unprocessed(fraction=0.5)])
    server.create_table(TABLE, "id:N", "at:B")
    async with server:
        async with BatchWriter(TABLE, endpoint_url=server.url, transport=transport, retry=QUICK) as writer:
            await (await writer.put_many({"id": number, "at": b"\0\xff", "text": "é"} for number in range(5)))
            await (await writer.put_many(_with_deletes(writer)))
        assert sorted(item["id"]["N"] for item in server.items(TABLE)) == ["0", "1", "2", "3", "4"]


def _with_deletes(writer: BatchWriter) -> list[dict[str, Any]]:
    return [{"id": 1.0, "at": b"\0\xff", "text": "again"}]


async def test_deletes_that_come_back_are_sent_again_over_either_transport() -> None:
    for transport in ("lean", "aioboto3"):
        server = FaultServer(check_signatures=False, faults=[None, Unprocessed(fraction=0.5), Throttle()])
        server.create_table(TABLE, "id:N", "at:B")
        async with server:
            writer = BatchWriter(TABLE, endpoint_url=server.url, transport=transport, retry=QUICK)
            async with writer:
                await (await writer.put_many({"id": number, "at": b"\1"} for number in range(6)))
                acks = [await writer.delete({"id": number, "at": b"\1"}) for number in range(5)]
                await asyncio.gather(*acks)
            assert [item["id"]["N"] for item in server.items(TABLE)] == ["5"]
            assert server.unprocessed_items == 3


async def test_a_missing_table_is_told_when_the_writer_is_opened() -> None:
    async with FaultServer(check_signatures=False) as server:
        with pytest.raises(TableMissing, match="there is no table 'nowhere'"):
            async with BatchWriter("nowhere", endpoint_url=server.url):
                pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "workers must be 1 to 1024"),
        ({"linger": -1}, "linger must be 0 to 3600 seconds"),
        ({"max_pending_items": 0}, "max_pending_items must be 1 or more"),
        ({"max_pending_bytes": 0}, "max_pending_bytes must be 1 or more"),
        ({"max_wcu": 0.5}, "--max-wcu takes 1 or more WCU"),
        ({"transport": "pigeon"}, "takes one of auto, lean, aioboto3"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        BatchWriter(TABLE, **options)
