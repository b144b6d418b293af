"""The capacity switch: a provisioned table is raised before the load and set back afterwards, whatever happens.

First of all the table is pre-warmed, if that is asked for and agreed to; that is for good.

The order of events: the journal remembers what was and what will be, on disk; then UpdateTable is called; then the
load runs. At its end, good or bad, the table is set back, and the journal forgets. A run that was killed leaves its
entry; the next one that takes the journal up, by a resume or a restart, sets the table back at its own end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping

from asyncloader.cancellation import in_thread
from asyncloader.engine.loading.load_files import LoadFiles
from asyncloader.engine.loading.messenger import Confirm, Messenger
from asyncloader.records.checkpoint import Checkpoint
from asyncloader.table.throughput import ThroughputUpdater
from asyncloader.values.capacity_change import TABLE, CapacitySettings, Prewarming, RaisedCapacity, provisioned_units
from asyncloader.values.errors import AsyncLoaderError, TableError, TableMissing, UsageError
from asyncloader.values.schema import Table


class CapacityChange:
    """Changes one table's capacity as asked, says what it does, and sets back what this or an earlier run has raised."""

    def __init__(
        self, throughput: ThroughputUpdater, change: CapacitySettings, papers: LoadFiles, voice: Messenger
    ) -> None:
        self._throughput = throughput
        self._change = change
        self._papers = papers
        self._voice = voice
        self._raised = papers.journal.raised
        self._given_up = asyncio.Event()

    def give_up(self) -> None:
        """Wait no longer for more capacity: the load ends."""
        self._given_up.set()

    async def on(self, start: Checkpoint) -> Table | None:
        """Change what is to be changed; gives the table's new description, or None. Raises `UsageError`."""
        warmed = None if self._change.prewarm is None else await self._prewarm(self._change.prewarm)
        return warmed if self._change.raise_wcu is None else await self._raise(self._change.raise_wcu, start)

    async def _prewarm(self, wcu: int) -> Table:
        table = await self._until_active()
        plan = Prewarming.to(wcu, table)
        if not plan.after:
            self._voice.say(f"table {table.name} is as warm as {wcu:,} WCU/s already")
            return table
        agreed = self._voice.confirm is None or await self._ask(self._voice.confirm, plan)
        if not self._given_up.is_set():
            if not agreed:
                raise UsageError("not pre-warmed, as you said; without --prewarm it loads as it is")
            await self._throughput.warm(plan.after)
            self._voice.say("pre-warming; waiting until the table is ACTIVE")
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
            self._voice.say(f"table {name} has {now[TABLE]:,} WCU/s already; there is nothing to raise")
            return None
        if not self._papers.begun:
            await in_thread(self._papers.begin, start)
        await in_thread(self._papers.remember, raised)
        self._raised = raised
        changes = {owner: units for owner, units in raised.after.items() if now[owner] != units}
        if changes:
            was = {owner: now[owner] for owner in changes}
            self._voice.say(f"raising {_words(name, changes, was)}; it is set back at the end of the load")
            await self._throughput.provision(changes)
        return await self._until_active()

    async def _until_active(self) -> Table:
        return await self._throughput.until_active(given_up=self._given_up.is_set)

    async def watch_over(self, work: Coroutine[object, object, None]) -> None:
        """Do the work; what nobody has foreseen ends it, too, but not before the table is set back."""
        try:
            await work
        except Exception as error:
            if (trouble := await self.off()) is not None:
                error.add_note(trouble)
            raise

    async def off(self) -> str | None:
        """Set the table back; gives a line for people where that failed."""
        raised = self._raised
        if raised is None:
            return None
        name = self._throughput.name
        try:
            now = provisioned_units(await self._throughput.until_active())
            if back := raised.to_set_back(now):
                await self._throughput.provision(back)
                self._voice.say(f"set back {_words(name, back)}")
            if others := raised.changed_by_others(now):
                was = ", ".join(f"{_owner(owner)}: {_units(units)}" for owner, units in others.items())
                self._voice.say(
                    f"the capacity of table {name} was changed by somebody else meanwhile ({was}); it is left so"
                )
        except TableMissing:
            self._voice.say(f"table {name} is gone; there is no capacity to set back")
        except AsyncLoaderError as error:
            return f"the capacity of table {name} could not be set back ({error}); set it back by hand: {self.by_hand}"
        try:
            await in_thread(self._papers.remember, None)
        except AsyncLoaderError as error:
            return f"the capacity of table {name} is set back, but {error}"
        self._raised = None
        return None

    @property
    def by_hand(self) -> str:
        """The command that sets the table back, where it is raised; else an empty text."""
        return "" if self._raised is None else self._throughput.by_hand(self._raised.before)


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
