"""ConsumedCapacity is asked for in less detail once a server refuses it."""

from __future__ import annotations

from asyncloader.values.errors import BatchRefused, ServiceError, Throttled
from asyncloader.wire.transport import ConsumedCapacityMode, Envelope

REFUSED = BatchRefused("ValidationException", "ReturnConsumedCapacity=INDEXES is not supported")


def detail(capacity_mode: ConsumedCapacityMode) -> str:
    return capacity_mode.mode


def test_less_is_asked_for_step_by_step() -> None:
    capacity_mode = ConsumedCapacityMode()
    capacity_mode.mode = "INDEXES"
    assert capacity_mode.step_down(REFUSED, "INDEXES")
    assert detail(capacity_mode) == "TOTAL"
    assert capacity_mode.step_down(REFUSED, "TOTAL")
    assert detail(capacity_mode) == "NONE"
    assert not capacity_mode.step_down(REFUSED, "NONE")


def test_requests_that_were_under_way_take_no_second_step() -> None:
    capacity_mode = ConsumedCapacityMode()
    capacity_mode.mode = "INDEXES"
    assert capacity_mode.step_down(REFUSED, "INDEXES")
    assert capacity_mode.step_down(REFUSED, "INDEXES")
    assert detail(capacity_mode) == "TOTAL"


def test_other_refusals_are_not_about_the_mode() -> None:
    capacity_mode = ConsumedCapacityMode()
    others: tuple[ServiceError, ...] = (
        BatchRefused("ValidationException", "an item is too large"),
        Throttled("ThrottlingException", "ReturnConsumedCapacity"),
    )
    assert not any(capacity_mode.step_down(error, "TOTAL") for error in others)
    assert detail(capacity_mode) == "TOTAL"


def test_the_envelope_asks_for_the_mode() -> None:
    envelope = Envelope("people")
    assert envelope.wrap([b"{}"]).endswith(b'"ReturnConsumedCapacity":"TOTAL"}')
    envelope.capacity_mode.mode = "NONE"
    assert envelope.wrap([b"{}", b"{}"]).endswith(b'"ReturnConsumedCapacity":"NONE"}')
