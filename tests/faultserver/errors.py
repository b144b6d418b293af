"""The refusals of the service, as they are in an answer.

`ServiceError` is the only exception: the code names the refusal, the namespace is the part of `__type`
before the `#`, which differs between the layers of the service (its front, its validation, its back).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DYNAMODB = "com.amazonaws.dynamodb.v20120810"
SERVICE = "com.amazon.coral.service"
VALIDATE = "com.amazon.coral.validate"
AVAILABILITY = "com.amazon.coral.availability"

THROUGHPUT_MESSAGE = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
ON_DEMAND_MESSAGE = (
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your "
    "table or index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
)
ACCOUNT_MESSAGE = (
    "Throughput exceeds the current throughput limit for your account. Please contact AWS Support at "
    "https://aws.amazon.com/support request a limit increase"
)

# code → (namespace, name of the member that carries the reasons, message); the case of the member's first
# letter differs from shape to shape in the service's model.
THROTTLES: Mapping[str, tuple[str, str, str]] = {
    "ProvisionedThroughputExceededException": (DYNAMODB, "ThrottlingReasons", THROUGHPUT_MESSAGE),
    "RequestLimitExceeded": (DYNAMODB, "ThrottlingReasons", ACCOUNT_MESSAGE),
    "ThrottlingException": (AVAILABILITY, "throttlingReasons", ON_DEMAND_MESSAGE),
}


class ServiceError(Exception):
    """A request that the service refuses with a code of its own."""

    def __init__(
        self,
        code: str,
        message: str | None,
        *,
        namespace: str = DYNAMODB,
        status: int = 400,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.namespace = namespace
        self.status = status
        self.members = members or {}

    @property
    def payload(self) -> dict[str, Any]:
        """The JSON body of the answer."""
        body: dict[str, Any] = {"__type": f"{self.namespace}#{self.code}"}
        if self.message is not None:
            # Serialization errors are written with a capital M by the service.
            body["Message" if self.code == "SerializationException" else "message"] = self.message
        return body | dict(self.members)


def invalid(message: str) -> ServiceError:
    """What the service's validation says of a request."""
    return ServiceError("ValidationException", message, namespace=VALIDATE)


def invalid_parameter(message: str) -> ServiceError:
    """What the service's validation says of a value, after its usual opening words."""
    return invalid(f"One or more parameter values were invalid: {message}")


def constraint(*failures: str) -> ServiceError:
    """The refusal of members that break the limits of the service's model."""
    noun = "error" if len(failures) == 1 else "errors"
    return invalid(f"{len(failures)} validation {noun} detected: " + "; ".join(failures))


def unreadable(message: str | None = None) -> ServiceError:
    """A body that is not JSON, or JSON of the wrong shape."""
    return ServiceError("SerializationException", message, namespace=SERVICE)


def table_missing(name: str | None = None) -> ServiceError:
    """A table that does not exist; writes do not name it, DescribeTable does."""
    suffix = "" if name is None else f": Table: {name} not found"
    return ServiceError("ResourceNotFoundException", f"Requested resource not found{suffix}")


def throttled(code: str, reasons: Sequence[tuple[str, str]]) -> ServiceError:
    """A refusal for capacity, with (reason, ARN) pairs; none leaves the member out."""
    namespace, member, message = THROTTLES[code]
    listed = [{"reason": reason, "resource": arn} for reason, arn in reasons]
    return ServiceError(code, message, namespace=namespace, members={member: listed} if listed else None)
