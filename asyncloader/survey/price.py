"""What a write request unit costs on demand, by region: only prices that are known, with their date. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.values.plan import Cost


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million write request units of a table of the Standard class, since `date`."""

    usd: float
    date: str
    source: str


PRICES: dict[str, Price] = {
    "us-east-1": Price(0.625, "2024-11-01", "DynamoDB's price list after the cut of November 2024"),
}
"""By region. Others differ by up to some ten percent and more; a price that is not certain is not here."""
REFERENCE = "us-east-1"


def cost_of(wcu: int, region: str | None, given_usd: float | None) -> Cost:
    """What so many units cost: at the price given, else at the region's, else, as an estimate, at us-east-1's."""
    if given_usd is not None:
        return Cost(wcu * given_usd / 1e6, given_usd, region, None, "--price", estimated=False)
    name = region if region in PRICES else REFERENCE
    assert name is not None
    price = PRICES[name]
    return Cost(wcu * price.usd / 1e6, price.usd, name, price.date, price.source, estimated=name != region)
