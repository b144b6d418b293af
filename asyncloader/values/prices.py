"""The price list: what a million write request units cost on demand, by region. Only prices that are known, with their date.

A file of its own, since a load with a budget looks a price up and has no use for the rest of a survey.
"""

from __future__ import annotations

from dataclasses import dataclass


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
