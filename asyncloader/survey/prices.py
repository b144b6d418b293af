"""The price list: what a million write request units cost on demand, by region. Only prices that are known, with their date.

A file of its own, since a load with a budget looks a price up and has no use for the rest of a survey.
"""

from __future__ import annotations

from dataclasses import dataclass


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
