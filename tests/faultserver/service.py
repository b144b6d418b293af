"""What becomes of one HTTP request: signature, operation, faults, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

import orjson

from .answer import Answers
from .batch import Batch, Plan
from .capacity import Capacity
from .errors import SERVICE, ServiceError, invalid, unreadable
from .faults import Fault
from .http import Reply, Request, Then
from .ledger import Ledger, Ticket
from .operations import batch, items, tables, updates
from .script import Script, decider
from .signature import Credential, verify
from .store import Store

MAX_BODY_BYTES = 16 * 1024 * 1024
_TARGET = "DynamoDB_20120810."
_BATCH = "BatchWriteItem"
_OPERATIONS: Mapping[str, Callable[[Store, dict[str, Any]], dict[str, Any]]] = {
    "CreateTable": tables.create_table,
    "DescribeTable": tables.describe_table,
    "UpdateTable": updates.update_table,
    "DeleteTable": tables.delete_table,
    "ListTables": tables.list_tables,
    "GetItem": items.get_item,
    "PutItem": items.put_item,
    "DeleteItem": items.delete_item,
    "Scan": items.scan,
    "Query": items.query,
}


class Service:
    """Answers requests; every public attribute may be changed while it runs."""

    def __init__(
        self,
        *,
        store: Store,
        capacity: Capacity,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.store = store
        self.capacity = capacity
        self.ledger = Ledger(monotonic=monotonic)
        self.credentials: dict[str, str | Credential] = {}
        self.check_signatures = True
        self.rules: list[Fault] = []
        self.latency_s = 0.0
        self.refuse_consumed_capacity: Literal["INDEXES", "TOTAL"] | None = None
        self.denied: set[str] = set()
        self.crashes: list[Exception] = []
        self._clock = clock
        self._answers = Answers(clock)
        self._valid_batches = 0
        self.faults = None

    @property
    def faults(self) -> Script:
        """The script; a new one may be given at any time."""
        return self._faults

    @faults.setter
    def faults(self, script: Script) -> None:
        self._faults = script
        self._decide: Callable[[Batch], Sequence[Fault]] = decider(script)

    def counters(self) -> dict[str, Any]:
        """The books in brief, also answered to `GET /counters`."""
        return self.ledger.counters()

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        """The answer to a request, at once or later."""
        try:
            return self._dispatch(request)
        except ServiceError as error:
            return Reply(self._answers.json(error.status, error.payload))
        except Exception as crash:
            return self._crashed(crash)

    def _dispatch(self, request: Request) -> Reply | Awaitable[Reply]:
        if request.method == "GET":
            if request.path == "/counters":
                return Reply(self._answers.json(200, self.counters()))
            return Reply(self._answers.encode(200, b"healthy: dynamodb.us-east-1.amazonaws.com "))
        content_type = request.headers.get("content-type", "").partition(";")[0].strip()
        if request.method != "POST" or request.path != "/" or content_type != "application/x-amz-json-1.0":
            return Reply(self._answers.encode(404, b"<UnknownOperationException/>\n"))
        if "content-length" not in request.headers:
            return Reply(self._answers.encode(411, b""))
        if len(request.body) > MAX_BODY_BYTES:
            return Reply(self._answers.encode(413, b""))
        try:
            payload = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise unreadable() from None
        target = request.headers.get("x-amz-target", "")
        operation = target.removeprefix(_TARGET)
        if operation == target or (operation not in _OPERATIONS and operation != _BATCH):
            raise ServiceError("UnknownOperationException", None, namespace=SERVICE)
        self.ledger.requests[operation] += 1
        if operation in self.denied:
            raise ServiceError(
                "AccessDeniedException",
                f"User: arn:aws:iam::123456789012:user/loader is not authorized to perform: dynamodb:{operation}",
                namespace=SERVICE,
            )
        if self.check_signatures:
            verify(request, self.credentials, self._clock())
        if type(payload) is not dict:
            raise unreadable("Unexpected field type")
        if operation == _BATCH:
            return self._batch(request, payload)
        return Reply(self._answers.json(200, _OPERATIONS[operation](self.store, payload)))

    def _batch(self, request: Request, payload: dict[str, Any]) -> Reply | Awaitable[Reply]:
        ticket = self.ledger.enter()
        request.done = lambda answered: self.ledger.leave(ticket, answered=answered)
        refused = {"INDEXES": ("INDEXES",), "TOTAL": ("INDEXES", "TOTAL"), None: ()}[self.refuse_consumed_capacity]
        choice = payload.get("ReturnConsumedCapacity")
        if choice in refused:
            raise invalid(f"ReturnConsumedCapacity={choice} is not supported")
        valid = batch.read(self.store, payload, self._valid_batches)
        self._valid_batches += 1
        self.ledger.hold(ticket, [write.key for write in valid.writes])
        plan = Plan(valid, delay_s=self.latency_s)
        for fault in (*self.rules, *self._decide(valid)):
            fault.shape(plan)
        if plan.delay_s or plan.hold_s != 0.0:
            return self._later(plan, ticket)
        return self._carry_out(plan, ticket)

    async def _later(self, plan: Plan, ticket: Ticket) -> Reply:
        try:
            if plan.delay_s:
                await asyncio.sleep(plan.delay_s)
            reply = self._carry_out(plan, ticket)
            if plan.hold_s is None:
                await asyncio.get_running_loop().create_future()
            elif plan.hold_s:
                await asyncio.sleep(plan.hold_s)
        except Exception as crash:
            return self._crashed(crash)
        return reply

    def _carry_out(self, plan: Plan, ticket: Ticket) -> Reply:
        status = 200
        try:
            payload = batch.carry_out(plan, self.store, self.capacity, self.ledger, ticket)
            ticket.acknowledges = plan.acknowledges
        except ServiceError as error:
            status, payload = error.status, error.payload
        if plan.silent:
            return Reply(b"", plan.then)
        data = self._answers.encode(
            status,
            orjson.dumps(payload) if plan.body is None else plan.body,
            content_type=plan.content_type,
            bad_crc=plan.bad_crc,
            cut_bytes=plan.cut_bytes,
            says_close=plan.says_close,
        )
        return Reply(data, plan.then)

    def _crashed(self, crash: Exception) -> Reply:
        self.crashes.append(crash)
        body = f"the fault server failed: {crash!r}".encode()
        return Reply(self._answers.encode(500, body, content_type="text/plain"), Then.CLOSE)
