"""Names and attributes of the metrics, by OpenTelemetry's semantic conventions where these have one.

From them (semantic conventions 1.4x, "Database metrics" and "DynamoDB"): `db.client.operation.duration` in seconds
with its boundaries, its attributes `db.system.name`, `db.operation.name`, `db.collection.name` and `error.type`, and
`aws.dynamodb.consumed_capacity`, which they have as an attribute of spans. What they have no name for is under
`asyncloader.`. Prometheus has the same names as OpenTelemetry's exporter would give it.
"""

from __future__ import annotations

DURATION = "db.client.operation.duration"
DURATION_BOUNDARIES_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
CAPACITY = "aws.dynamodb.consumed_capacity"
WRITTEN = "asyncloader.items.written"
RETRIED = "asyncloader.items.retried"
REJECTED = "asyncloader.items.rejected"

DESCRIPTIONS = {
    DURATION: "Duration of BatchWriteItem requests.",
    CAPACITY: "Write capacity units consumed.",
    WRITTEN: "Items that DynamoDB has acknowledged.",
    RETRIED: "Items that were not stored and are sent again.",
    REJECTED: "Items that can never be stored.",
}

SYSTEM, OPERATION, COLLECTION, ERROR = "db.system.name", "db.operation.name", "db.collection.name", "error.type"
SYSTEM_VALUE, OPERATION_VALUE = "aws.dynamodb", "BatchWriteItem"
