"""The faults that the server can commit, one class each.

A fault shapes the plan of one valid BatchWriteItem request. Several may shape the same one: delays add up,
unprocessed items are united, of several refusals the first stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from .batch import Plan
from .capacity import TABLE_REASON
from .errors import AVAILABILITY, SERVICE, THROTTLES, ServiceError, invalid, table_missing, throttled
from .http import Then
from .values import Item

ThrottleCode = Literal["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]
_DEFAULT_REASONS = {
    "ProvisionedThroughputExceededException": TABLE_REASON,
    "ThrottlingException": "TableWriteMaxOnDemandThroughputExceeded",
    "RequestLimitExceeded": "TableWriteAccountLimitExceeded",
}
_GATEWAY_TITLES = {
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}


class Fault:
    """Something that goes wrong with one request."""

    def shape(self, plan: Plan) -> None:
        """Change the plan."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Unprocessed(Fault):
    """Some items come back in UnprocessedItems.

    Give the `indices`, or a `fraction` (rounded up, half by default), or `all_but_one`. A batch whose every
    item would come back is refused with ProvisionedThroughputExceededException, as the service does.
    `shuffled` hands them back in another order, `normalised` with their numbers in the stored form.
    """

    indices: tuple[int, ...] | None = None
    fraction: float | None = None
    all_but_one: bool = False
    shuffled: bool = True
    normalised: bool = False
    seed: int = 0

    def shape(self, plan: Plan) -> None:
        """Choose the items that come back."""
        count = len(plan.batch.writes)
        chance = Random(f"{self.seed}:{plan.batch.number}")
        if self.indices is not None:
            plan.leave(self.indices)
        elif self.all_but_one:
            plan.leave(chance.sample(range(count), count - 1))
        else:
            fraction = 0.5 if self.fraction is None else self.fraction
            plan.leave(chance.sample(range(count), min(count, math.ceil(fraction * count))))
        if self.shuffled:
            plan.shuffle = chance
        plan.normalised |= self.normalised


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """The whole call is refused for capacity, with (reason, ARN) pairs.

    Without `reasons` the usual one for the code stands there with the table's ARN; an empty tuple leaves the
    member out, as older answers of the service do.
    """

    code: ThrottleCode = "ProvisionedThroughputExceededException"
    reasons: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self) -> None:
        if self.code not in THROTTLES:
            raise ValueError(f"unknown code for a throttled request: {self.code}")

    def shape(self, plan: Plan) -> None:
        """Refuse, nothing written."""
        reasons: Sequence[tuple[str, str]] | None = self.reasons
        if reasons is None:
            reasons = [(_DEFAULT_REASONS[self.code], table.arn) for table in plan.batch.tables]
        plan.refuse(throttled(self.code, reasons))


@dataclass(frozen=True, slots=True)
class ServerError(Fault):
    """A 5xx answer; a share of the items was written all the same.

    A 500 is the service's own, with a JSON body; the others come from what stands before it, as HTML, unless
    `json` asks for a body of the service.
    """

    status: Literal[500, 502, 503, 504] = 500
    written: float = 0.0
    json: bool = False

    def shape(self, plan: Plan) -> None:
        """Refuse, some written."""
        if self.status == 500:
            error = ServiceError("InternalServerError", "Internal server error", status=500)
        else:
            error = ServiceError(
                "ServiceUnavailableException",
                "The service is currently unavailable or busy.",
                namespace=AVAILABILITY,
                status=self.status,
            )
        if plan.refusal is None and self.status != 500 and not self.json:
            title = _GATEWAY_TITLES[self.status]
            html = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>{title}</body>\r\n</html>\r\n"
            plan.body, plan.content_type = html.encode(), "text/html"
        plan.refuse(error, written=self.written)


@dataclass(frozen=True, slots=True)
class ReplicatedWriteConflict(Fault):
    """Another region of a global table is writing one of the items (409)."""

    def shape(self, plan: Plan) -> None:
        """Refuse, nothing written."""
        message = "One or more items in this request are being modified by a request in another Region."
        plan.refuse(ServiceError("ReplicatedWriteConflictException", message, status=409))


@dataclass(frozen=True, slots=True)
class ExpiredToken(Fault):
    """The session token of the credentials has expired."""

    def shape(self, plan: Plan) -> None:
        """Refuse, nothing written."""
        message = "The security token included in the request is expired"
        plan.refuse(ServiceError("ExpiredTokenException", message, namespace=SERVICE))


@dataclass(frozen=True, slots=True)
class AccessDenied(Fault):
    """The caller may not write to the table."""

    def shape(self, plan: Plan) -> None:
        """Refuse, nothing written."""
        message = (
            "User: arn:aws:iam::123456789012:user/loader is not authorized to perform: "
            f"dynamodb:BatchWriteItem on resource: {plan.batch.tables[0].arn} "
            "because no identity-based policy allows the dynamodb:BatchWriteItem action"
        )
        plan.refuse(ServiceError("AccessDeniedException", message, namespace=SERVICE))


@dataclass(frozen=True, slots=True)
class DeleteTable(Fault):
    """The tables of the request vanish before it is carried out."""

    def shape(self, plan: Plan) -> None:
        """Refuse, nothing written, and whatever was written before is gone."""
        plan.drops_tables = True
        plan.refuse(table_missing())


@dataclass(frozen=True, slots=True)
class RefuseItem(Fault):
    """A rule that the client cannot know: an item that meets the predicate fails the whole call."""

    predicate: Callable[[Item], bool]
    message: str = "One or more parameter values were invalid: the item is refused by a rule of the service"

    def shape(self, plan: Plan) -> None:
        """Refuse a batch that holds such an item."""
        if any(self.predicate(item) for item in plan.batch.items):
            plan.refuse(invalid(self.message))


@dataclass(frozen=True, slots=True)
class Poison(Fault):
    """An item that meets the predicate always comes back in UnprocessedItems."""

    predicate: Callable[[Item], bool]

    def shape(self, plan: Plan) -> None:
        """Leave such items."""
        writes = enumerate(plan.batch.writes)
        plan.leave([index for index, write in writes if write.item is not None and self.predicate(write.item)])


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """The request is carried out only after a while; not at all if the client gives up before."""

    seconds: float

    def shape(self, plan: Plan) -> None:
        """Delay everything."""
        plan.delay_s += self.seconds


@dataclass(frozen=True, slots=True)
class Hang(Fault):
    """No answer ever comes; after `seconds` the connection is closed, None keeps it open for ever."""

    seconds: float | None = None
    written: float = 0.0

    def shape(self, plan: Plan) -> None:
        """Stay silent, some written at once."""
        plan.stay_silent(written=self.written, hold_s=self.seconds, then=Then.CLOSE)


@dataclass(frozen=True, slots=True)
class ResetBeforeWrite(Fault):
    """The connection is reset (RST), nothing was written."""

    def shape(self, plan: Plan) -> None:
        """Reset."""
        plan.stay_silent(written=0.0, hold_s=0.0, then=Then.RESET)


@dataclass(frozen=True, slots=True)
class ResetAfterWrite(Fault):
    """The connection is reset (RST) after a share of the items, by default all, was written."""

    written: float = 1.0

    def shape(self, plan: Plan) -> None:
        """Write and reset."""
        plan.stay_silent(written=self.written, hold_s=0.0, then=Then.RESET)


@dataclass(frozen=True, slots=True)
class CloseAfterAnswer(Fault):
    """The connection is closed right after a good answer; `announced` says so with `Connection: close`."""

    announced: bool = False

    def shape(self, plan: Plan) -> None:
        """Close behind the answer."""
        plan.then = Then.CLOSE
        plan.says_close = self.announced


@dataclass(frozen=True, slots=True)
class Truncated(Fault):
    """Everything is written, but the connection closes behind the first `body_bytes` of the answer's body."""

    body_bytes: int = 10

    def shape(self, plan: Plan) -> None:
        """Cut the answer."""
        plan.cut_bytes = self.body_bytes
        plan.then = Then.CLOSE


@dataclass(frozen=True, slots=True)
class BadCrc(Fault):
    """Everything is written, but the answer's x-amz-crc32 does not fit its body."""

    def shape(self, plan: Plan) -> None:
        """Spoil the checksum."""
        plan.bad_crc = True


@dataclass(frozen=True, slots=True)
class NotJson(Fault):
    """A 200 answer of another program (a captive portal, a proxy); the items may have been written."""

    body: bytes = b"<html><body>Please sign in</body></html>"
    written: float = 1.0

    def shape(self, plan: Plan) -> None:
        """Replace the body."""
        plan.body, plan.content_type, plan.written = self.body, "text/html", self.written
