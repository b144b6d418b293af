"""Scripts: which request meets which fault."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.faults.clients import (
    code_of,
    numbered,
    people,
    put,
    running,
)
from tests.faultserver import (
    Batch,
    CloseAfterAnswer,
    Fault,
    RandomFaults,
    ResetAfterWrite,
    ServerError,
    Slow,
    Throttle,
    Unprocessed,
)


def test_a_script_may_be_a_function_of_the_request() -> None:
    def decide(batch: Batch) -> Fault | None:
        return ServerError() if batch.number % 2 else None

    with running(faults=decide) as (_, client):
        client.batch_write_item(**numbered(1))
        with pytest.raises(ClientError):
            client.batch_write_item(**numbered(1))


def test_several_faults_may_meet_one_request() -> None:
    faults = [(Slow(0.001), Unprocessed(indices=(0,)), CloseAfterAnswer(announced=True)), None]
    with running(faults=faults) as (server, client):
        answer = client.batch_write_item(**numbered(2))
        assert answer["UnprocessedItems"] == {"people": [put(id="0")]}
        client.batch_write_item(**numbered(2))
        assert server.connections == 2


def test_an_invalid_request_uses_up_no_fault() -> None:
    with running(faults=iter([Throttle()])) as (_, client):
        for code, request in [
            ("ValidationException", people(put(id=""))),
            ("ProvisionedThroughputExceededException", numbered(1)),
        ]:
            with pytest.raises(ClientError) as error:
                client.batch_write_item(**request)
            assert code_of(error) == code


def test_random_faults_are_the_same_for_the_same_seed_and_come_to_an_end() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        faults = RandomFaults(seed, {None: 1, Throttle(): 1, ResetAfterWrite(): 1}, at_most=10)
        batch = Batch(0, ())
        return [faults(batch) for _ in range(100)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert sum(fault is not None for fault in drawn(1)) == 10
