"""A strict look-alike of DynamoDB that goes wrong on request: the judge of the loader's promises.

It shares no code with the package it judges. It refuses what the service refuses (signatures, values, keys,
sizes, duplicates), commits the faults that a script asks for, and keeps books: what was acknowledged, in
which order items were applied, and whether a key was ever in two requests at once.
"""

from .batch import Batch, Plan, Write
from .capacity import Capacity
from .errors import ServiceError
from .faults import (
    AccessDenied,
    BadCrc,
    CloseAfterAnswer,
    DeleteTable,
    ExpiredToken,
    Fault,
    Hang,
    NotJson,
    Poison,
    RefuseItem,
    ReplicatedWriteConflict,
    ResetAfterWrite,
    ResetBeforeWrite,
    ServerError,
    Slow,
    Throttle,
    Truncated,
    Unprocessed,
)
from .ledger import Applied
from .script import RandomFaults, Script
from .server import FaultServer
from .signature import Credential
from .table import Key, Table
from .values import Item

__all__ = [
    "AccessDenied",
    "Applied",
    "BadCrc",
    "Batch",
    "Capacity",
    "CloseAfterAnswer",
    "Credential",
    "DeleteTable",
    "ExpiredToken",
    "Fault",
    "FaultServer",
    "Hang",
    "Item",
    "Key",
    "NotJson",
    "Plan",
    "Poison",
    "RandomFaults",
    "RefuseItem",
    "ReplicatedWriteConflict",
    "ResetAfterWrite",
    "ResetBeforeWrite",
    "Script",
    "ServerError",
    "ServiceError",
    "Slow",
    "Table",
    "Throttle",
    "Truncated",
    "Unprocessed",
    "Write",
]
