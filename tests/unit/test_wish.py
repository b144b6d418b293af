"""ConsumedCapacity is asked for in less detail once a server refuses it."""

from __future__ import annotations

from asyncloader.values.errors import BatchRefused, ServiceError, Throttled
from asyncloader.wire.transport import Envelope, Wish

REFUSED = BatchRefused("ValidationException", "ReturnConsumedCapacity=INDEXES is not supported")


def detail(wish: Wish) -> str:
    return wish.detail


def test_less_is_asked_for_step_by_step() -> None:
    wish = Wish()
    wish.detail = "INDEXES"
    assert wish.was_too_much(REFUSED, "INDEXES")
    assert detail(wish) == "TOTAL"
    assert wish.was_too_much(REFUSED, "TOTAL")
    assert detail(wish) == "NONE"
    assert not wish.was_too_much(REFUSED, "NONE")


def test_requests_that_were_under_way_take_no_second_step() -> None:
    wish = Wish()
    wish.detail = "INDEXES"
    assert wish.was_too_much(REFUSED, "INDEXES")
    assert wish.was_too_much(REFUSED, "INDEXES")
    assert detail(wish) == "TOTAL"


def test_other_refusals_are_not_about_the_wish() -> None:
    wish = Wish()
    others: tuple[ServiceError, ...] = (
        BatchRefused("ValidationException", "an item is too large"),
        Throttled("ThrottlingException", "ReturnConsumedCapacity"),
    )
    assert not any(wish.was_too_much(error, "TOTAL") for error in others)
    assert detail(wish) == "TOTAL"


def test_the_envelope_says_what_is_wished() -> None:
    envelope = Envelope("people")
    assert envelope.wrap([b"{}"]).endswith(b'"ReturnConsumedCapacity":"TOTAL"}')
    envelope.wish.detail = "NONE"
    assert envelope.wrap([b"{}", b"{}"]).endswith(b'"ReturnConsumedCapacity":"NONE"}')
