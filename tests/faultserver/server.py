"""The fault server as tests hold it: its life, its tables, its books."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from .capacity import Capacity
from .faults import Fault
from .http import HttpServer
from .ledger import Applied
from .script import Script
from .service import Service
from .signature import Credential
from .store import Store, create_request
from .table import Key, Table
from .thread import ServerThread
from .values import Item


class FaultServer(Service):
    """DynamoDB on a loopback port, for one test.

    `async with FaultServer() as server:` runs it in the test's own event loop,
    `with FaultServer().in_thread() as server:` in a thread of its own. `faults` is a script over the valid
    BatchWriteItem requests, `rules` are faults that shape every one of them. `latency_s` delays
    BatchWriteItem alone; items are written at its end.

    `clock` gives the time in seconds since 1970 for signatures, the Date header and the token buckets.
    After UpdateTable a table is UPDATING for `update_s` seconds of that clock; the operations in `denied` are not
    allowed. `refuse_consumed_capacity="INDEXES"` refuses that choice as Alternator does, `"TOTAL"` all but NONE.
    """

    def __init__(
        self,
        *,
        credentials: Mapping[str, str | Credential] | None = None,
        check_signatures: bool = True,
        faults: Script = None,
        rules: Sequence[Fault] = (),
        latency_s: float = 0.0,
        table_wcu: float | None = None,
        partition_wcu: float | None = None,
        index_wcu: float | None = None,
        burst_s: float = 1.0,
        partitions: int | None = None,
        enforce_provisioned: bool = False,
        refuse_consumed_capacity: Literal["INDEXES", "TOTAL"] | None = None,
        update_s: float = 0.0,
        clock: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        super().__init__(
            store=Store(region=region, account=account, clock=clock),
            capacity=Capacity(
                clock=clock,
                table_wcu=table_wcu,
                partition_wcu=partition_wcu,
                index_wcu=index_wcu,
                burst_s=burst_s,
                partitions=partitions,
                enforce_provisioned=enforce_provisioned,
            ),
            clock=clock,
            monotonic=time.monotonic,
        )
        self.credentials.update(credentials or {"AKIATEST": "secret"})
        self.check_signatures = check_signatures
        self.faults = faults
        self.rules.extend(rules)
        self.latency_s = latency_s
        self.store.update_s = update_s
        self.refuse_consumed_capacity = refuse_consumed_capacity
        self.url = ""
        self._http = HttpServer(self.handle, tls)
        self._scheme = "http" if tls is None else "https"
        self._port = port

    # Life

    async def start(self) -> None:
        """Listen; the address is in `url`."""
        self.url = f"{self._scheme}://127.0.0.1:{await self._http.start(self._port)}"

    async def stop(self) -> None:
        """Cut all connections and stop listening."""
        await self._http.stop()

    def in_thread(self) -> ServerThread[Self]:
        """The server as a plain context manager, in its own thread and event loop."""
        return ServerThread(self)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if error is None:
            self.raise_crashes()

    def raise_crashes(self) -> None:
        """Raise what went wrong in the server itself or in a test's predicate or script."""
        if self.crashes:
            raise ExceptionGroup("the fault server failed", self.crashes)

    # Tables

    def create_table(
        self,
        name: str,
        key: str = "id",
        sort_key: str | None = None,
        *,
        wcu: int | None = None,
        indexes: Mapping[str, str | tuple[str, str]] | None = None,
        creating_describes: int = 0,
        warm_wcu: int | None = None,
    ) -> Table:
        """Make a table at once, on demand unless `wcu` is given.

        Keys are written "name" or "name:N"; `indexes` are global ones with all attributes, from their name to
        their key or pair of keys. The table stays CREATING for `creating_describes` calls of DescribeTable.
        """
        keys = (key,) if sort_key is None else (key, sort_key)
        table = self.store.create(create_request(name, keys, indexes or {}, wcu))
        table.warm_wcu = warm_wcu
        if creating_describes:
            table.status, table.creating_describes = "CREATING", creating_describes
        return table

    def force_status(self, table: str, status: str) -> None:
        """Put a table into a status; only ACTIVE and UPDATING tables take reads and writes."""
        self.store.described(table).status = status

    def items(self, table: str) -> list[Item]:
        """All items of a table, typed, in the order in which their keys first came."""
        return [stored.item for stored in list(self.store.described(table).contents.values())]

    def item(self, table: str, key: str | tuple[str, ...] | Item) -> Item | None:
        """The item of a key: a text, a pair of texts for a table with a sort key, or typed attributes."""
        stored = self.store.described(table).contents.get(self.store.key(table, key))
        return stored.item if stored else None

    def key(self, table: str, key: str | tuple[str, ...] | Item) -> Key:
        """A key as it is in `accepted` and `log`."""
        return self.store.key(table, key)

    # Books

    @property
    def requests(self) -> Counter[str]:
        """How many requests came, by operation, refused ones included."""
        return self.ledger.requests

    @property
    def accepted(self) -> Counter[Key]:
        """How often a write of each key was acknowledged by BatchWriteItem."""
        return self.ledger.accepted

    @property
    def log(self) -> list[Applied]:
        """Every write by BatchWriteItem in the order of application, and whether it was acknowledged."""
        return self.ledger.log

    @property
    def overlaps(self) -> int:
        """How often a key came in a BatchWriteItem request while another one with it was still open."""
        return self.ledger.overlaps

    @property
    def max_in_flight(self) -> int:
        """The largest number of BatchWriteItem requests that were open at once."""
        return self.ledger.max_in_flight

    @property
    def unprocessed_items(self) -> int:
        """How many items were handed back in UnprocessedItems."""
        return self.ledger.unprocessed_items

    @property
    def throttled_requests(self) -> int:
        """How many calls were refused whole for capacity."""
        return self.ledger.throttled_requests

    @property
    def consumed_wcu(self) -> int:
        """Write capacity units of all writes by BatchWriteItem requests that were not refused."""
        return self.ledger.consumed_wcu

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return self._http.connections

    def counters(self) -> dict[str, Any]:
        """The books in brief, also answered to `GET /counters`."""
        return {**super().counters(), "connections": self.connections}
