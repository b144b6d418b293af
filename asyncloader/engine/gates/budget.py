"""The budget gate: nothing is sent that might exceed what the load may use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asyncloader.batching.batch import Batch, ItemRange
from asyncloader.engine.stop import StopEngine
from asyncloader.pacing.budget import BudgetMeter
from asyncloader.values.budget import Budget, BudgetLimit
from asyncloader.values.dynamodb import MIN_ITEM_WCU
from asyncloader.values.errors import BudgetSpent, ServiceError, ServiceUnavailable, UsageError
from asyncloader.values.prices import PRICES
from asyncloader.values.schema import Table
from asyncloader.wire.response import BatchWriteResult


class BudgetGate:
    """Lets requests out while the lowest of the limits allows; `before_wcu` was used before this run."""

    def __init__(self, limits: Sequence[BudgetLimit], before_wcu: float) -> None:
        self._limit = min(limits, key=lambda limit: limit.wcu)
        self._before_wcu = before_wcu
        self._meter = BudgetMeter(self._limit.wcu, before_wcu)
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def is_spent(self) -> bool:
        """Whether nothing can be written any more."""
        return self._meter.room_wcu < MIN_ITEM_WCU and not self._meter.reserved

    def spent(self) -> BudgetSpent:
        """Why the load stops, and which limit allows it to go on."""
        limit, used = self._limit, self._meter.used_wcu
        return BudgetSpent(
            f"stopped by {limit.named}: {used:,.10g} WCU have been used since the load's first start",
            larger=(limit.option, limit.larger(used, self._before_wcu)),
        )

    def try_acquire(self, batch: Batch) -> bool:
        """Never: whether the batch fits has to be counted first."""
        return False

    async def acquire(self, batch: Batch) -> list[ItemRange]:
        """Wait until the batch fits; returns the items that were cut off because they did not. Raises `StopEngine`."""
        meter = self._meter
        while not self._is_closed:
            room = meter.room_wcu
            if batch.first_wcu <= room:
                others = batch.keep_within(room) if batch.wcu > room else []
                meter.reserve(batch.wcu)
                return others
            if not meter.reserved:
                raise StopEngine(self.spent())
            # What is reserved may be handed back, and then there is room again.
            self._changed.clear()
            await self._changed.wait()
        return []

    def on_response(self, batch: Batch, result: BatchWriteResult, sent_at: float) -> None:
        """Count what was accepted; of a mixture by share, since what came back is known only by its keys."""
        predicted = batch.wcu
        accepted = predicted * (1.0 - len(result.unprocessed) / len(batch))
        self._settle(predicted, accepted, result.consumed_wcu)

    def on_error(self, batch: Batch, error: ServiceError, sent_at: float) -> None:
        """Count a request without a response as written, which it may be; a refused one costs nothing."""
        predicted = batch.wcu
        self._settle(predicted, predicted if isinstance(error, ServiceUnavailable) else 0.0, 0.0)

    def close(self) -> None:
        """Nothing more will be sent: whoever waits is let go."""
        self._is_closed = True
        self._changed.set()

    def _settle(self, predicted: float, accepted: float, consumed: float) -> None:
        self._meter.settle(predicted, accepted, consumed)
        self._changed.set()


def budget_gate(budget: Budget, before_wcu: float, table: Table, region: str | None) -> BudgetGate | None:
    """The gate of a budget, if it limits what is used; raises `UsageError` for a cost that has no certain price."""
    limits = budget.limits(None if budget.cost is None else _price(budget, table, region))
    return BudgetGate(limits, before_wcu) if limits else None


def _price(budget: Budget, table: Table, region: str | None) -> float:
    """Of a million write request units. A limit of money wants a price that is certain, not an estimate."""
    if budget.price is not None:
        return budget.price
    if table.throughput is not None and table.throughput.provisioned is not None:
        raise UsageError(
            f"table {table.name} is provisioned and paid by the hour, not by the write; limit the load by "
            "--stop-after-wcu or --stop-after, or say --price X to count at that price all the same"
        )
    if region not in PRICES:
        raise UsageError(
            f"--stop-after-cost needs --price X: what a million write request units cost in "
            f"{region or 'this region'} is not known here"
        )
    return PRICES[region].usd
