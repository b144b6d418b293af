"""Changing what a table can take: provisioned capacity and warm throughput, through UpdateTable."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from asyncloader.table import aws_errors
from asyncloader.table.aws import WRITABLE, Aws
from asyncloader.table.description import read_description
from asyncloader.values.capacity_change import TABLE
from asyncloader.values.errors import TableError
from asyncloader.values.schema import Table

ACTIVE_WAIT_S = 1800.0
"""How long a table may be UPDATING. Large changes take minutes."""
BUSY = "UPDATING"
ATTEMPTS = 4
"""How often a change is tried where somebody else's comes first."""


class ThroughputUpdater:
    """One table's capacity, read and changed. Units are writes a second by index name, `TABLE` for the table itself."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.name = name
        self.region = aws.region
        self._aws = aws
        self._reads: dict[str, int] = {}

    async def until_active(self, *, given_up: Callable[[], bool] = lambda: False) -> Table:
        """The table's description once nothing of it is being changed; raises `TableError` and `AccessError`.

        `given_up` ends the wait early: then the description is that of a table that is being changed.
        """
        pause_s = 0.05
        try:
            async with asyncio.timeout(ACTIVE_WAIT_S):
                while True:
                    description = await self._describe()
                    if not _is_busy(description) or given_up():
                        return read_description(description)
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 1.5, 2.0)
        except TimeoutError:
            raise TableError(
                f"table {self.name!r} is still being changed after {ACTIVE_WAIT_S:g} s; try again when it is ACTIVE"
            ) from None

    async def provision(self, units: Mapping[str, int]) -> None:
        """Set provisioned capacity; its reads stay as they are. Raises `TableError` and `AccessError`."""
        await self._change(units, lambda name, writes: {"ProvisionedThroughput": self._both(name, writes)})

    async def warm(self, units: Mapping[str, int]) -> None:
        """Raise the warm throughput for writes, for good. Raises `TableError` and `AccessError`."""
        await self._change(units, lambda _, writes: {"WarmThroughput": {"WriteUnitsPerSecond": writes}})

    def by_hand(self, units: Mapping[str, int]) -> str:
        """The command of the AWS CLI that sets provisioned capacity."""
        changes = _members(units, lambda name, writes: {"ProvisionedThroughput": self._both(name, writes)})
        command = ["aws", "dynamodb", "update-table", "--table-name", self.name, *self._aws.cli_options()]
        if "ProvisionedThroughput" in changes:
            both = changes["ProvisionedThroughput"]
            command += ["--provisioned-throughput", ",".join(f"{member}={value}" for member, value in both.items())]
        if "GlobalSecondaryIndexUpdates" in changes:
            updates = json.dumps(changes["GlobalSecondaryIndexUpdates"], separators=(",", ":"))
            command += ["--global-secondary-index-updates", updates]
        return shlex.join(command)

    async def _change(self, units: Mapping[str, int], change: Callable[[str, int], dict[str, Any]]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await self._aws.update(self.name, _members(units, change))
            except TableError as error:
                # Somebody else was quicker; the table is theirs for a while.
                if attempt == ATTEMPTS - 1 or not aws_errors.is_busy(error):
                    raise
                await self.until_active()
            else:
                return

    def _both(self, name: str, writes: int) -> dict[str, int]:
        return {"ReadCapacityUnits": self._reads.get(name, writes), "WriteCapacityUnits": writes}

    async def _describe(self) -> dict[str, Any]:
        description = await self._aws.told(self.name)
        status = description.get("TableStatus", "ACTIVE")
        if status not in WRITABLE:
            raise TableError(aws_errors.not_active(self.name, status))
        for name, owner in _owners(description):
            self._reads[name] = int((owner.get("ProvisionedThroughput") or {}).get("ReadCapacityUnits") or 1)
        return description


def _owners(description: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Whatever has a throughput of its own, with the name that it is known by here."""
    yield TABLE, description
    for index in description.get("GlobalSecondaryIndexes") or ():
        yield index["IndexName"], index


def _is_busy(description: Mapping[str, Any]) -> bool:
    return any(
        BUSY in (owner.get("TableStatus"), owner.get("IndexStatus"), (owner.get("WarmThroughput") or {}).get("Status"))
        for _, owner in _owners(description)
    )


def _members(units: Mapping[str, int], change: Callable[[str, int], dict[str, Any]]) -> dict[str, Any]:
    """The members of UpdateTable: the table's own, and one update for each index."""
    members: dict[str, Any] = change(TABLE, units[TABLE]) if TABLE in units else {}
    updates = [{"Update": {"IndexName": name, **change(name, units[name])}} for name in units if name != TABLE]
    return members | ({"GlobalSecondaryIndexUpdates": updates} if updates else {})
