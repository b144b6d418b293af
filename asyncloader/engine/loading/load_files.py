"""The files of a load beside the table: its journal and its reject file, found or made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from asyncloader.engine.reading.input import Input
from asyncloader.records.checkpoint import Checkpoint
from asyncloader.records.journal import Identity, Journal, NullJournal, default_path
from asyncloader.records.rejects import RejectFile
from asyncloader.sources.resolve import Source, SourceFile
from asyncloader.values.capacity_change import RaisedCapacity
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import Table
from asyncloader.values.settings import LoadSettings


class LoadFiles:
    """The journal and the reject file of one load. All methods block; they raise `UsageError` with the path.

    `is_begun` says that the journal is on disk, `moved_aside` where an earlier load's reject file went.
    """

    def __init__(
        self, settings: LoadSettings, sources: Sequence[Source], inputs: Sequence[Input], table: Table, endpoint: str
    ) -> None:
        self.is_begun = False
        self.moved_aside: Path | None = None
        self._settings = settings
        self._files = [source for source in sources if isinstance(source, SourceFile)]
        self.rejects = self._new_rejects(table, inputs)
        self.journal = self._new_journal(table, endpoint, inputs)

    @property
    def rejects_file(self) -> str | None:
        """The reject file, once this load has made it."""
        return str(self.rejects.path) if self.rejects.exists else None

    def find_start(self, how_to_resume: str) -> Checkpoint | None:
        """Where to go on, or None to start anew; nothing is changed yet."""
        settings, journal = self._settings, self.journal
        try:
            start = journal.find(resume=settings.resume, restart=settings.restart, how_to_resume=how_to_resume)
        except OSError as error:
            raise self._unusable(error) from error
        if start is not None:
            self.rejects.size_bytes = start.rejects_bytes
        return start

    def take_up(self, start: Checkpoint | None) -> None:
        """Have the reject file as it was at `start`, or its name free."""
        try:
            if start is not None:
                self.rejects.reopen(start.rejects_bytes)
            else:
                others = [Path(file.name) for file in self._files if not file.is_stdin]
                self.moved_aside = self.rejects.make_room(others)
        except OSError as error:
            raise self._unusable(error) from error

    def begin(self, start: Checkpoint) -> None:
        """Have the journal on disk, which comes before the first write to the table."""
        self.is_begun = True
        try:
            self.journal.begin(start)
        except OSError as error:
            raise self._unwritable(error) from error

    def remember(self, raised: RaisedCapacity | None) -> None:
        """Have on disk what is about to be raised of the table's capacity, or that nothing is raised any more."""
        try:
            self.journal.remember(raised)
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Close both files; the journal stays where the load is not complete."""
        self.rejects.close()
        self.journal.close(complete=False)

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(
            f"{self.journal.path}: the journal cannot be written ({error.strerror}); "
            "go to a folder where it can, or name another --journal"
        )

    def _unusable(self, error: OSError) -> UsageError:
        return UsageError(f"{error.filename or self.journal.path}: cannot be used ({error.strerror})")

    def _new_rejects(self, table: Table, inputs: Sequence[Input]) -> RejectFile:
        path = self._settings.rejects or Path(f"{table.name}.rejects.csv")
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}; make it or name another --rejects")
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name a file as --rejects")
        columns = [name for source in inputs for name in source.columns or ()]
        return RejectFile(path, columns, self._settings.dialect, several_sources=len(inputs) > 1)

    def _new_journal(self, table: Table, endpoint: str, inputs: Sequence[Input]) -> Journal | NullJournal:
        settings = self._settings
        options = {
            "--type": settings.types,
            "--empty": settings.empty,
            "--limit": settings.limit,
            "--spread": settings.spread.splits,
            "--shard-key": None if settings.spread.shard_key is None else str(settings.spread.shard_key),
            "--rejects": str(self.rejects.path),
            "the CSV dialect": asdict(settings.dialect),
            "the table's key": [asdict(key) for key in (*table.key, *table.index_keys)],
        }
        try:
            fingerprints = [(source.name, source.fingerprint()) for source in inputs]
        except OSError as error:
            raise UsageError(f"{error.filename}: cannot be read ({error.strerror})") from error
        if read_once := [name for name, print_ in fingerprints if print_ is None]:
            return self._no_journal(read_once[0])
        sources = tuple(print_ for _, print_ in fingerprints if print_ is not None)
        path = settings.journal or default_path(table.name, endpoint, self._files)
        if path.is_dir() or not path.parent.is_dir():
            raise UsageError(f"{path}: no journal can be written there; name another --journal")
        return Journal(path, Identity(table.name, endpoint, table.arn, sources, options))

    def _no_journal(self, name: str) -> NullJournal:
        """No journal, because of the source of this name; raises `UsageError` where one is asked for."""
        settings = self._settings
        if settings.resume or settings.restart or settings.journal is not None:
            raise UsageError(
                f"{name}: can be read only once, so a load of it keeps no journal and cannot be resumed; leave out "
                "journal, resume and restart, and load it again from its start if it was stopped"
            )
        if settings.change.raise_wcu is not None:
            raise UsageError(
                f"{name}: can be read only once, so a load of it keeps no journal, without which a crash would leave the "
                "table's capacity raised; leave out raise_wcu, or raise it yourself"
            )
        return NullJournal()
