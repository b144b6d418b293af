"""What stands in the journal's place where there is nothing to resume."""

from __future__ import annotations

from asyncloader.records.watermark import Watermark
from asyncloader.values.capacity_change import RaisedCapacity


class Unkept:
    """The journal of a load from sources that nobody can read a second time: it keeps nothing and finds nothing."""

    path = None
    raised = None

    def find(self, *, resume: bool, restart: bool, how_to_resume: str) -> Watermark | None:
        """There is nothing to go on from."""
        return None

    def begin(self, watermark: Watermark) -> None:
        """Nothing has to be on disk before the first write."""

    def write(self, mark: Watermark) -> None:
        """A watermark would help nobody."""

    def remember(self, raised: RaisedCapacity | None) -> None:
        """Whoever raises capacity must have a journal; this is only told that nothing is raised."""

    def close(self, *, complete: bool) -> None:
        """Nothing is open."""
