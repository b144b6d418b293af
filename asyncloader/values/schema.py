"""The shape of the target: DynamoDB's attribute types and the keys of a table and of its indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from asyncloader.values.dynamodb import EMULATED_ACCOUNT, PARTITION_KEY_BYTES, SORT_KEY_BYTES
from asyncloader.values.errors import UsageError

AttributeType = Literal["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"]
KeyType = Literal["S", "N", "B"]


def attribute_type(text: str) -> AttributeType:
    """Read a DynamoDB type, in any case; raises `UsageError`."""
    name = text.upper()
    if name not in get_args(AttributeType):
        raise UsageError(f"{text!r} is not a DynamoDB type; one of {', '.join(get_args(AttributeType))}")
    return cast(AttributeType, name)


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key: its name and type."""

    name: str
    type: KeyType = "S"

    @classmethod
    def parse(cls, text: str) -> KeyAttribute:
        """Read `NAME` or `NAME:S|N|B`; raises `UsageError`. A name may hold colons of its own."""
        name, colon, kind = text.rpartition(":")
        if not colon or kind.upper() not in get_args(KeyType):
            name, kind = text, "S"
        if not name:
            raise UsageError(f"{text!r} names no key attribute; write NAME or NAME:S, NAME:N, NAME:B")
        return cls(name, cast(KeyType, kind.upper()))


Projection = Literal["ALL", "KEYS_ONLY", "INCLUDE"]


@dataclass(frozen=True, slots=True)
class Throughput:
    """How much a table or a global index can take, in WCU/s, as DescribeTable tells it.

    `provisioned` is None on demand. There `warm` is what it takes at once (WarmThroughput; None where the service
    does not say) and `most` the limit that its owner has set (MaxWriteRequestUnits; None for no limit).
    """

    provisioned: int | None = None
    warm: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index as DescribeTable tells it.

    An item stands in it if it has all attributes of its key. Its entry is the whole item (ALL), the keys of table and
    index (KEYS_ONLY), or these and the attributes `included` (INCLUDE). A local index uses the capacity of its table
    and has no `throughput` of its own.
    """

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    projection: Projection = "ALL"
    included: frozenset[str] = frozenset()
    is_global: bool = True
    throughput: Throughput | None = None

    @property
    def key(self) -> tuple[KeyAttribute, ...]:
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as DescribeTable tells it.

    `index_keys` are the key attributes of all indexes that are not part of the table's own key: an item may lack
    them, but where they stand they have that type, are not empty, and keep the length limits. `throughput` is None
    where nobody described the table; `item_count` is the service's own count, up to six hours old.
    """

    name: str
    arn: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    index_keys: tuple[KeyAttribute, ...] = ()
    index_sort_keys: frozenset[str] = frozenset()
    indexes: tuple[Index, ...] = ()
    throughput: Throughput | None = None
    item_count: int = 0

    @property
    def key(self) -> tuple[KeyAttribute, ...]:
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    @property
    def is_emulated(self) -> bool:
        """Whether the account in its ARN is none of AWS.

        DynamoDB Local, dynalite, ministack and LocalStack put nothing but zeros there, and none of them holds anybody
        to the capacity that it describes.
        """
        return self.arn.split(":")[4:5] == [EMULATED_ACCOUNT]

    @property
    def typed(self) -> dict[str, KeyType]:
        """The type that the table itself demands, by attribute name."""
        return {attribute.name: attribute.type for attribute in (*self.key, *self.index_keys)}

    def key_limit(self, name: str) -> int | None:
        """The longest value in bytes that `name` may hold as a key, or None if it is no key.

        An attribute that is a partition key here and a sort key there keeps the shorter limit.
        """
        if self.sort_key is not None and name == self.sort_key.name:
            return SORT_KEY_BYTES
        if name in self.index_sort_keys:
            return SORT_KEY_BYTES
        return PARTITION_KEY_BYTES if name in self.typed else None
