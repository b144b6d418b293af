"""What of a batch was stored and what was handed back: items are known by their keys, not by their places."""

from __future__ import annotations

from collections.abc import Collection

from asyncloader.encode.keys import ItemKey
from asyncloader.schedule.batch import Batch, Run


def sort_out(batch: Batch, returned: Collection[ItemKey]) -> tuple[list[Run], list[Run]] | None:
    """The runs that were stored and those that were not, or None where something came back that was not sent."""
    places = [(run, item) for run, item in batch.items() if run.flight.item_key(item) in returned]
    if not returned or len(places) != len(returned):
        return None
    stored: list[Run] = []
    again: list[Run] = []
    for run in batch.runs:
        first = run.first
        for item in [item for each, item in places if each is run]:
            if item > first:
                stored.append(run.part(first, item))
            if again and again[-1].flight is run.flight and again[-1].stop == item > run.first:
                again[-1].stop += 1
            else:
                again.append(run.part(item, item + 1))
            first = item + 1
        if run.stop > first:
            stored.append(run.part(first, run.stop))
    return stored, again
