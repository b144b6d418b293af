"""The price of a million on-demand write request units, by region, with the date of the price list. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from asyncloader.values.plan import Cost


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million write request units of a table of the Standard class, by the price list of `date`."""

    usd: float
    date: str
    source: str


_SOURCE = "the public AWS price list (AmazonDynamoDB, WriteRequestUnits)"
PRICES: dict[str, Price] = {
    "us-east-1": Price(0.625, "2026-08-15", _SOURCE),
    "us-east-2": Price(0.625, "2026-09-11", _SOURCE),
    "eu-west-1": Price(0.705, "2026-08-15", _SOURCE),
    "eu-central-1": Price(0.7625, "2026-08-15", _SOURCE),
    "ap-northeast-1": Price(0.715, "2026-09-16", _SOURCE),
    "ap-northeast-2": Price(0.68, "2026-06-12", _SOURCE),
    "ap-south-1": Price(0.71, "2026-09-11", _SOURCE),
}
"""By region. Others differ by up to a half; a price that is not certain is not here."""
REFERENCE = "us-east-1"


def cost_of(wcu: int, region: str | None, given_usd: float | None) -> Cost:
    """What so many units cost: at the price given, else at the region's, else, as an estimate, at us-east-1's."""
    if given_usd is not None:
        return Cost(wcu * given_usd / 1e6, given_usd, region, None, "--price", estimated=False)
    name = region if region in PRICES else REFERENCE
    assert name is not None
    price = PRICES[name]
    return Cost(wcu * price.usd / 1e6, price.usd, name, price.date, price.source, estimated=name != region)
