"""The items that every writer writes: eight attributes, as a service has them in its hands."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

CITIES = ("Lisbon", "Kraków", "Nairobi", "Osaka", "Bogotá", "Malmö", "Perth", "Hà Nội")


def events(count: int) -> Iterator[dict[str, Any]]:
    """`count` items with keys of their own: five strings, an integer, a decimal, a boolean."""
    for number in range(count):
        yield {
            "id": f"event-{number:09d}",
            "kind": "order.placed",
            "user": f"user-{number % 9973}",
            "email": f"user{number % 9973}@example.org",
            "city": CITIES[number & 7],
            "quantity": number % 17,
            "price": PRICES[number % 500],
            "express": number % 3 == 0,
        }


PRICES = tuple(Decimal(cents) / 100 for cents in range(1, 100_000, 200))
