"""The table's capacity while a load runs: raised before it and restored afterwards, and watched in between.

First of all the table is pre-warmed, if that is asked for and agreed to; that is for good.

The order of events: the journal records what was and what will be, on disk; then UpdateTable is called; then the
load runs. At its end, good or bad, the capacity is restored, and the journal drops the record. A run that was killed
leaves it; the next one that takes the journal up, by a resume or a restart, restores the capacity at its own end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING

from asyncloader.cancellation import in_thread
from asyncloader.engine.loading.load_files import LoadFiles
from asyncloader.engine.loading.messenger import Confirm, Messenger
from asyncloader.pacing.limits import limits_of
from asyncloader.records.checkpoint import Checkpoint
from asyncloader.table.throughput import ThroughputUpdater
from asyncloader.values.capacity_change import TABLE, CapacitySettings, Prewarming, RaisedCapacity, provisioned_units
from asyncloader.values.errors import AsyncLoaderError, TableError, TableMissing, UsageError
from asyncloader.values.schema import Table

if TYPE_CHECKING:
    from asyncloader.engine.loading.load import Load

log = logging.getLogger("asyncloader")

DESCRIBE_AGAIN_S = 3.0
"""Between two descriptions, for as long as the description is what sets the pace."""


class CapacityChange:
    """Changes one table's capacity as asked, says what it does, and sets back what this or an earlier run has raised."""

    def __init__(
        self, throughput: ThroughputUpdater, change: CapacitySettings, files: LoadFiles, messenger: Messenger
    ) -> None:
        self._throughput = throughput
        self._change = change
        self._files = files
        self._messenger = messenger
        self._raised = files.journal.raised
        self._given_up = asyncio.Event()

    def give_up(self) -> None:
        """Wait no longer for more capacity: the load ends."""
        self._given_up.set()

    async def apply(self, start: Checkpoint) -> Table | None:
        """Change what is to be changed; returns the table's new description, or None. Raises `UsageError`."""
        warmed = None if self._change.prewarm is None else await self._prewarm(self._change.prewarm)
        return warmed if self._change.raise_wcu is None else await self._raise(self._change.raise_wcu, start)

    async def _prewarm(self, wcu: int) -> Table:
        table = await self._until_active()
        plan = Prewarming.to(wcu, table)
        if not plan.after:
            self._messenger.say(f"table {table.name} is as warm as {wcu:,} WCU/s already")
            return table
        agreed = self._messenger.confirm is None or await self._ask(self._messenger.confirm, plan)
        if not self._given_up.is_set():
            if not agreed:
                raise UsageError("not pre-warmed, as you said; without --prewarm it loads as it is")
            await self._throughput.warm(plan.after)
            self._messenger.say("pre-warming; waiting until the table is ACTIVE")
        return await self._until_active()

    async def _ask(self, confirm: Confirm, plan: Prewarming) -> bool:
        """Wait for the answer, or for the order to end."""
        waits = [asyncio.ensure_future(confirm(plan)), asyncio.ensure_future(self._given_up.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[0].done() and waits[0].result()
        finally:
            for wait in waits:
                wait.cancel()

    async def _raise(self, wcu: int, start: Checkpoint) -> Table | None:
        name = self._throughput.name
        now = provisioned_units(await self._until_active())
        if self._given_up.is_set():
            return None
        raised = RaisedCapacity.to(wcu, now, self._raised)
        if not raised.after:
            self._messenger.say(f"table {name} has {now[TABLE]:,} WCU/s already; there is nothing to raise")
            return None
        if not self._files.is_begun:
            await in_thread(self._files.begin, start)
        await in_thread(self._files.remember, raised)
        self._raised = raised
        changes = {owner: units for owner, units in raised.after.items() if now[owner] != units}
        if changes:
            was = {owner: now[owner] for owner in changes}
            self._messenger.say(f"raising {_words(name, changes, was)}; it is set back at the end of the load")
            await self._throughput.provision(changes)
        return await self._until_active()

    async def _until_active(self) -> Table:
        return await self._throughput.until_active(given_up=self._given_up.is_set)

    async def restore_after_error(self, work: Coroutine[object, object, None]) -> None:
        """Do the work; what nobody has foreseen ends it, too, but not before the table is set back."""
        try:
            await work
        except Exception as error:
            if (trouble := await self.restore()) is not None:
                error.add_note(trouble)
            raise

    async def restore(self) -> str | None:
        """Set the table back; returns a line for people where that failed."""
        raised = self._raised
        if raised is None:
            return None
        name = self._throughput.name
        try:
            now = provisioned_units(await self._throughput.until_active())
            if back := raised.to_set_back(now):
                await self._throughput.provision(back)
                self._messenger.say(f"set back {_words(name, back)}")
            if others := raised.changed_by_others(now):
                was = ", ".join(f"{_owner(owner)}: {_units(units)}" for owner, units in others.items())
                self._messenger.say(
                    f"the capacity of table {name} was changed by somebody else meanwhile ({was}); it is left so"
                )
        except TableMissing:
            self._messenger.say(f"table {name} is gone; there is no capacity to set back")
        except AsyncLoaderError as error:
            return f"the capacity of table {name} could not be set back ({error}); set it back by hand: {self.restore_command}"
        try:
            await in_thread(self._files.remember, None)
        except AsyncLoaderError as error:
            return f"the capacity of table {name} is set back, but {error}"
        self._raised = None
        return None

    @property
    def restore_command(self) -> str:
        """The command that sets the table back, where it is raised; else an empty text."""
        return "" if self._raised is None else self._throughput.by_hand(self._raised.before)


async def watch_capacity(load: Load, describe: Callable[[], Awaitable[Table]]) -> None:
    """Ask for the table's description again and again until cancelled: changed capacity holds within seconds.

    A description that cannot be had changes nothing.
    """
    while True:
        await asyncio.sleep(DESCRIBE_AGAIN_S)
        pacing, counts = load.pacing, load.counts
        is_writing = counts.rows_settled < counts.rows_read
        # What is restored at the end of a load does not change its pace any more.
        if pacing is None or not pacing.is_described or not is_writing:
            continue
        try:
            limits = limits_of(await describe(), load.settings.pacing)
        except AsyncLoaderError as error:
            log.debug("the table's description cannot be had again: %s", error)
            continue
        if limits is not None and pacing.relimit(limits):
            log.info("the table's capacity has changed; paced to %s", pacing.pace)


def refuse_on_demand(table: Table, wcu: int | None) -> None:
    """Raises `TableError` where there is no provisioned capacity to raise."""
    if wcu is not None and not provisioned_units(table):
        raise TableError(
            f"table {table.name} is on demand: it has no provisioned capacity for --raise-wcu to raise; "
            "leave the option out, or raise what it takes at once with --prewarm N"
        )


def _words(name: str, units: Mapping[str, int], was: Mapping[str, int] | None = None) -> str:
    parts = [
        f"{_owner(owner)} {'' if was is None else f'from {was[owner]:,} '}to {number:,} WCU/s"
        for owner, number in units.items()
    ]
    return ", ".join(parts).replace("the table", f"table {name}", 1)


def _owner(owner: str) -> str:
    return f"index {owner}" if owner != TABLE else "the table"


def _units(units: int | None) -> str:
    return "not provisioned any more" if units is None else f"{units:,} WCU/s"
