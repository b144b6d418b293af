"""Putting all items of an iterable, with one receipt for them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any

from asyncloader.engine.writing.accumulator import Accumulator
from asyncloader.engine.writing.ack import Receipt
from asyncloader.values.errors import ItemRejected


async def put_all(accumulator: Accumulator, items: Iterable[Any] | AsyncIterable[Any]) -> Receipt:
    """Queue all items; whatever ends it early has a note that says how many were taken before."""
    receipt = Receipt()
    try:
        if isinstance(items, AsyncIterable):
            async for item in items:
                await _put(accumulator, item, receipt)
        else:
            for item in items:
                await _put(accumulator, item, receipt)
    except BaseException as error:
        error.add_note(f"asyncloader: {receipt.items:,} items of this put_many were taken before")
        raise
    finally:
        receipt.complete()
    return receipt


async def _put(accumulator: Accumulator, item: Any, receipt: Receipt) -> None:
    if accumulator.is_closed:
        accumulator.check_open()
    try:
        encoded = accumulator.encode(item)
    except ItemRejected as error:
        receipt.expect()
        accumulator.reject(error, receipt, item)
        return
    if not accumulator.pending.try_acquire(len(encoded[0])):
        await accumulator.until_pending(encoded)
    receipt.expect()
    accumulator.add(encoded, receipt, item)
