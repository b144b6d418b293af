"""What write request units cost on demand. Pure."""

from __future__ import annotations

from asyncloader.values.plan import Cost
from asyncloader.values.prices import PRICES, REFERENCE


def cost_of(wcu: int, region: str | None, given_usd: float | None) -> Cost:
    """What so many units cost: at the price given, else at the region's, else, as an estimate, at us-east-1's."""
    if given_usd is not None:
        return Cost(wcu * given_usd / 1e6, given_usd, region, None, "--price", estimated=False)
    name = region if region in PRICES else REFERENCE
    assert name is not None
    price = PRICES[name]
    return Cost(wcu * price.usd / 1e6, price.usd, name, price.date, price.source, estimated=name != region)
