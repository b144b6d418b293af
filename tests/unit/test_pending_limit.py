"""Room for pending items: bounds, turns, and what becomes of those who leave the queue."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncloader.engine.writing.pending_limit import TURN, PendingLimit
from asyncloader.values.errors import WriterClosed
from tests.properties.effort import usual


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_room_is_bounded_by_items_and_by_bytes() -> None:
    room = PendingLimit(2, 100)
    assert room.try_acquire(60)
    assert not room.try_acquire(41)
    assert room.try_acquire(40)
    assert not room.try_acquire(0)
    room.release(1, 60)
    assert room.try_acquire(60)


def test_an_item_that_is_too_large_for_the_room_is_let_in_alone() -> None:
    room = PendingLimit(2, 100)
    assert room.try_acquire(1000)
    assert not room.try_acquire(1)
    room.release(1, 1000)
    assert room.try_acquire(1)
    assert not room.try_acquire(1000)


def test_a_turn_ends_for_those_who_are_polite() -> None:
    room = PendingLimit(10_000, 10_000)
    assert [room.try_acquire(1) for _ in range(TURN + 1)] == [True] * TURN + [False]
    assert room.try_acquire(1, politely=False)


async def test_nobody_passes_those_who_wait() -> None:
    room = PendingLimit(1, 100)
    room.try_acquire(1)
    waiting = asyncio.create_task(room.acquire(90))
    await _settle()
    assert not room.try_acquire(1, politely=False)
    room.release(1, 1)
    assert not room.try_acquire(1, politely=False), (
        "it is taken for the one who waited, though that one has not run yet"
    )
    await waiting
    assert (room.items, room.bytes, room.waiting) == (1, 90, 0)


async def test_an_end_is_told_to_everybody_who_waits() -> None:
    room = PendingLimit(1, 100)
    room.try_acquire(1)
    waiting = [asyncio.create_task(room.acquire(1)) for _ in range(3)]
    await _settle()
    room.fail(WriterClosed("closed"))
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in told] == [WriterClosed] * 3
    assert (room.items, room.waiting) == (1, 0)


@usual
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.integers(0, 4)), min_size=1, max_size=20),
)
async def test_whoever_is_cancelled_takes_nothing_and_the_others_come_in_their_order(
    limit: int, producers: list[tuple[int, bool, int]]
) -> None:
    room = PendingLimit(limit, 100)
    order: list[int] = []

    async def produce(number: int, size_bytes: int) -> None:
        if not room.try_acquire(size_bytes):
            await room.acquire(size_bytes)
        order.append(number)
        try:
            assert room.items <= limit
            assert room.bytes <= 100 or room.items == 1
            await asyncio.sleep(0)
        finally:
            room.release(1, size_bytes)

    tasks = [asyncio.create_task(produce(number, size)) for number, (size, _, _) in enumerate(producers)]
    for task, (_, is_cancelled, steps) in zip(tasks, producers, strict=True):
        if is_cancelled:
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
    async with asyncio.timeout(60):
        told = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(each is None or isinstance(each, asyncio.CancelledError) for each in told)
    assert (room.items, room.bytes, room.waiting) == (0, 0, 0)
    assert order == sorted(order)


async def test_a_place_that_was_granted_to_a_cancelled_one_goes_to_the_next() -> None:
    room = PendingLimit(1, 100)
    room.try_acquire(1)
    first, second = asyncio.create_task(room.acquire(1)), asyncio.create_task(room.acquire(1))
    await _settle()
    room.release(1, 1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert room.items == 1
