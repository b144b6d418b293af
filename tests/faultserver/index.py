"""Secondary indexes: which items are in one, and what a write costs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import invalid, invalid_parameter
from .values import Item, binary_bytes, checked_item

MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024


def wcu(size: int) -> int:
    """Write capacity units of a size: one for each begun KiB, and one at least."""
    return max(1, -(-size // 1024))


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """An attribute of a key and the type that the table defines for it."""

    name: str
    kind: str

    def bytes_of(self, text: str) -> int:
        """The size of a value of this attribute; numbers are never too long."""
        if self.kind == "S":
            return len(text.encode())
        return binary_bytes(text) if self.kind == "B" else 0


def empty_key(attribute: KeyAttribute, text: str) -> str | None:
    """The noun of the service's message for an empty key value, None for a value that is not empty."""
    return None if text else ("string" if attribute.kind == "S" else "binary")


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index of a table."""

    name: str
    arn: str
    is_global: bool
    keys: tuple[KeyAttribute, ...]
    table_keys: tuple[str, ...]
    projection: str
    extra: tuple[str, ...]
    description: Mapping[str, Any]

    def check(self, item: Item) -> None:
        """Refuse an item whose attribute for this index has the wrong type, is empty or too long."""
        for position, attribute in enumerate(self.keys):
            value = item.get(attribute.name)
            if value is None:
                continue
            (kind,) = value
            if kind != attribute.kind:
                raise invalid_parameter(
                    f"Type mismatch for Index Key {attribute.name} Expected: {attribute.kind} "
                    f"Actual: {kind} IndexName: {self.name}"
                )
            if (noun := empty_key(attribute, value[kind])) is not None:
                raise invalid(
                    "One or more parameter values are not valid. A value specified for a secondary index key "
                    "is not supported. The AttributeValue for a key attribute cannot contain an empty "
                    f"{noun} value. IndexName: {self.name}, IndexKey: {attribute.name}"
                )
            limit = MAX_RANGE_BYTES if position else MAX_HASH_BYTES
            if attribute.bytes_of(value[kind]) > limit:
                part = "Aggregated size of all range keys" if position else "Size of hashkey"
                raise invalid_parameter(f"{part} has exceeded the size limit of {limit} bytes IndexName: {self.name}")

    def entry(self, item: Item | None) -> Item | None:
        """The part of the item that is in the index, None for an item that is not in it."""
        if item is None or any(attribute.name not in item for attribute in self.keys):
            return None
        if self.projection == "ALL":
            return item
        names = {*self.table_keys, *self.extra, *(attribute.name for attribute in self.keys)}
        return {name: value for name, value in item.items() if name in names}

    def cost(self, old: Item | None, new: Item | None) -> int:
        """Write capacity units that replacing `old` by `new` takes from the index."""
        before, after = self.entry(old), self.entry(new)
        if before == after:
            return 0
        sizes = [wcu(checked_item(entry)[1]) for entry in (before, after) if entry is not None]
        if before is None or after is None or self._key(before) == self._key(after):
            return max(sizes)
        return sum(sizes)  # The entry moves: one deletion and one put.

    def _key(self, entry: Item) -> list[Any]:
        return [entry[attribute.name] for attribute in self.keys]


def indexes(
    payload: Mapping[str, Any], table_arn: str, kinds: Mapping[str, str], table_keys: tuple[str, ...]
) -> Iterator[Index]:
    """The indexes that a CreateTable request asks for."""
    for member, is_global in (("GlobalSecondaryIndexes", True), ("LocalSecondaryIndexes", False)):
        for described in payload.get(member) or ():
            projection = described.get("Projection") or {}
            yield Index(
                name=described["IndexName"],
                arn=f"{table_arn}/index/{described['IndexName']}",
                is_global=is_global,
                keys=tuple(
                    KeyAttribute(key["AttributeName"], kinds[key["AttributeName"]]) for key in described["KeySchema"]
                ),
                table_keys=table_keys,
                projection=projection.get("ProjectionType", "ALL"),
                extra=tuple(projection.get("NonKeyAttributes") or ()),
                description=described,
            )
