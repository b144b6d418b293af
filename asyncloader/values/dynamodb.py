"""Every limit of DynamoDB that the package relies on, once, with the page of AWS that states it.

`docs/dynamodb.md` has them in context and says what is unverified. 1 KB is 1,024 bytes.
"""

from __future__ import annotations

# One BatchWriteItem request: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html

BATCH_ITEMS = 25
"""Put and delete operations in one call."""
REQUEST_LIMIT_BYTES = 16 * 1024 * 1024
"""Size of one request as it is transmitted."""

# Items, names and keys: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html

ITEM_BYTES = 400 * 1024
"""Size of an item as DynamoDB counts it, names included."""
MAX_NAME_BYTES = 65_535
"""Length of an attribute's name in UTF-8; it has at least 1 byte."""
MAX_DEPTH = 32
"""Levels of nested lists and maps, the attribute itself counted."""
PARTITION_KEY_BYTES = 2048
"""Length of a partition key's value; it has at least 1 byte."""
SORT_KEY_BYTES = 1024
"""Length of a sort key's value; it has at least 1 byte."""
TABLE_NAME = r"[a-zA-Z0-9_.-]{3,255}"
"""A table's name, as a regular expression."""

# Numbers: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-data-types

MAX_DIGITS = 38
"""Significant digits of a number."""
MIN_EXPONENT, MAX_EXPONENT = -130, 125
"""Exponents of the first digit of a number other than 0."""

# Sizes of values: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

COLLECTION_BYTES, MEMBER_BYTES = 3, 1
"""What a list or map takes by itself, and for each of its members."""

# Write capacity: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html

WCU_BYTES = 1024
"""What one write capacity unit pays for; each item is rounded up."""
MIN_ITEM_WCU = 1.0
"""No write costs less."""
PARTITION_WCU = 1_000
"""What a partition, and so one partition key, takes in a second.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
"""

# On demand: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html

NEW_TABLE_WCU = 4_000
"""What a new table takes in a second."""
DOUBLING_S = 1800.0
"""Seconds in which a table takes up to twice its previous peak; faster growth may be throttled."""
TABLE_QUOTA_WCU = 40_000
"""What an account lets a table have in a second unless it has asked for more.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

EMULATED_ACCOUNT = "000000000000"
"""The account in the ARNs of DynamoDB Local, dynalite, ministack and LocalStack (docs/dynamodb.md#other-services)."""
