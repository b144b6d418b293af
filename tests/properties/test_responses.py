"""Answers: whatever comes back is an answer or one of our errors."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from asyncloader.values.errors import ServiceError, ServiceUnavailable
from asyncloader.wire.response import BatchWriteResult, read_error, read_success
from asyncloader.wire.transport import Envelope
from tests.properties import boto3_oracle, strategies
from tests.properties.effort import thorough, usual
from tests.properties.encoded import block_of_keys

_json: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
_members = ["__type", "message", "Message", "ThrottlingReasons", "UnprocessedItems", "ConsumedCapacity", "code"]
bodies = st.one_of(
    st.binary(max_size=30),
    _json.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({}, optional=dict.fromkeys(_members, _json)).map(json.dumps).map(str.encode),
)


@thorough
@given(bodies)
def test_any_body_of_a_200_is_an_answer_or_broken(body: bytes) -> None:
    with suppress(ServiceUnavailable):
        assert isinstance(read_success(body), BatchWriteResult)


@thorough
@given(st.integers(100, 599), bodies, st.text(max_size=30), st.text(max_size=30))
def test_any_other_answer_is_a_service_error(status: int, body: bytes, date: str, request_id: str) -> None:
    error = read_error(status, body, date=date, request_id=request_id)
    assert isinstance(error, ServiceError)
    assert error.code
    assert error.request_id == request_id


def _request(item: dict[str, dict[str, str]]) -> dict[str, Any]:
    """A put, or where the key is odd a delete: both come back in the same list."""
    odd = int(item["id"]["S"]) % 2
    return {"DeleteRequest": {"Key": item}} if odd else {"PutRequest": {"Item": item}}


half_units = st.integers(0, 2 * 10**6).map(lambda halves: halves / 2)
"""Exact in any order: from Python 3.12 on, `sum` corrects the rounding of other floats, which additions one by one do not."""


@usual
@given(st.lists(half_units, max_size=3), st.lists(st.integers(0, 10**6).map(str), max_size=3))
def test_an_accepted_request_tells_its_cost_and_what_it_hands_back(costs: list[float], keys: list[str]) -> None:
    items = [{"id": {"S": key}} for key in keys]
    told = {
        "ConsumedCapacity": [{"TableName": "t", "CapacityUnits": cost} for cost in costs],
        "UnprocessedItems": {"t": [_request(item) for item in items]} if items else {},
    }
    assert read_success(json.dumps(told).encode()) == BatchWriteResult(sum(costs), tuple(items))


@usual
@given(
    strategies.column_names, st.lists(st.integers(0, 10**6).map(str), min_size=1, max_size=9, unique=True), st.data()
)
def test_the_body_is_the_one_that_boto3_would_send(table: str, keys: list[str], data: st.DataObject) -> None:
    block = block_of_keys(keys)
    cut = data.draw(st.integers(0, len(keys) - 1))
    payload = [block.payload(0, cut), block.payload(cut, len(keys))] if cut else [block.payload(0, len(keys))]
    expected = boto3_oracle.request_body(
        table, [{"id": key, "row": str(row)} for row, key in enumerate(keys)], ReturnConsumedCapacity="TOTAL"
    )
    assert json.loads(Envelope(table).wrap(payload)) == expected
