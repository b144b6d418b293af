"""How a writer starts and ends, what can be watched of it, and its way through aioboto3."""

from __future__ import annotations

import asyncio
import gc
import logging
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
)
from asyncloader.values.errors import TableMissing
from tests.engine.loads import QUICK
from tests.engine.writers import FOR_EVER, TABLE, Writer, contents, gone_idle, is_bad, made
from tests.faultserver import AccessDenied, DeleteTable, FaultServer, RefuseItem, Slow, Throttle, Unprocessed

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


async def test_the_hooks_are_told_of_requests_retries_and_rejections() -> None:
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


@pytest.mark.parametrize("transport", ["native", "aioboto3"])
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
    for transport in ("native", "aioboto3"):
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
        ({"transport": "pigeon"}, "takes one of auto, native, aioboto3"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        BatchWriter(TABLE, **options)
