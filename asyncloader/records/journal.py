"""The journal: what a load is, and how far it is done for good, so that another run can go on from there.

An append-only file of lines, each `CRC32 JSON`. The first says what is being loaded and how; a few may say what was
raised of the table's capacity and must be set back; every other is a
watermark: all that is before it is settled, and its rejects are on disk. The first watermark is where the load
started. Each line is on disk before the next step is taken, and a torn last line is as if it had not been written. The
file is made before the first write to the table and removed when the load is complete.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import RLock
from typing import IO, Any

from asyncloader.records.checkpoint import Checkpoint
from asyncloader.sources.resolve import SourceFile
from asyncloader.values.capacity_change import RaisedCapacity
from asyncloader.values.errors import UsageError

VERSION = 3
"""Of the journal's form: since 3 its checkpoints name splits. Another version is refused, not guessed at."""
RAISED = "raised"
"""The one member of a line that says what was raised of the table's capacity."""
EDGE_BYTES = 64 * 1024
"""How much of a source's start and end goes into its fingerprint."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be the same for a resume: table, sources and every option that changes what is written or rejected."""

    table: str
    endpoint: str
    table_arn: str
    sources: tuple[dict[str, Any], ...]
    options: dict[str, Any] = field(default_factory=dict)

    def differences(self, recorded: dict[str, Any]) -> list[str]:
        """What is not as recorded, in words."""
        differences: list[str] = []
        if recorded["table_arn"] != self.table_arn:
            differences.append(f"the table was {recorded['table_arn']} and is {self.table_arn}")
        for then, now in zip(recorded["sources"], self.sources, strict=False):
            if then != now:
                what = next(name for name in ("name", "size_bytes", "begin", "end") if then.get(name) != now.get(name))
                words = {"size_bytes": "size", "begin": "begin (first 64 KiB)", "end": "end (last 64 KiB)"}.get(
                    what, what
                )
                differences.append(f"the {words} of {now['name']} has changed")
        if len(recorded["sources"]) != len(self.sources):
            differences.append(f"there were {len(recorded['sources'])} sources and are {len(self.sources)}")
        for name in sorted({*recorded["options"], *self.options}):
            before, after = recorded["options"].get(name), json.loads(json.dumps(self.options.get(name)))
            if before != after:
                differences.append(f"{name} was {_shown(before)} and is {_shown(after)}")
        return differences


def fingerprint(source: SourceFile, header: bytes) -> dict[str, Any]:
    """What is remembered of a source: name, size, digests of start and end; of a stream only its header."""
    if source.size_bytes is None:
        return {"name": source.name, "size_bytes": None, "begin": _digest(header), "end": None}
    with open(source.name, "rb") as file:
        start = file.read(EDGE_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - EDGE_BYTES, 0))
        return {"name": source.name, "size_bytes": size, "begin": _digest(start), "end": _digest(file.read(EDGE_BYTES))}


def default_path(table: str, endpoint: str, sources: Iterable[SourceFile]) -> Path:
    """`TABLE-XXXXXXXX.journal` in the current folder: the same for the same endpoint, table and sources only."""
    names = [source.name if source.is_stdin else str(Path(source.name).resolve()) for source in sources]
    digest = hashlib.sha256(json.dumps([endpoint, table, names]).encode()).hexdigest()[:8]
    return Path(f"{table}-{digest}.journal")


class Journal:
    """One load's journal. All methods block and raise `OSError`.

    Rows that are rejected may move the watermark in one thread while another one starts the journal for the first write:
    each waits for the other.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self.path = path
        self._identity = identity
        self._file: IO[bytes] | None = None
        self._started = False
        self._resumes = False
        self._turn = RLock()
        self.raised: RaisedCapacity | None = None
        """What an earlier run has raised and not set back, once it was looked for."""

    def find(self, *, resume: bool, restart: bool, how_to_resume: str) -> Checkpoint | None:
        """The watermark to go on from, or None to start anew.

        Raises `UsageError` where an unfinished load is in the way, is being run by somebody else, or was another one.
        """
        if not self.path.exists():
            return None
        self._file = self._locked(self.path.open("r+b"))
        lines = _valid_lines(self._file.read())
        self.raised = _raised(lines)
        if restart and self.raised is not None and not self._is_same_table(lines[0][0]):
            raise UsageError(
                f"{self.path}: remembers that the capacity of table {lines[0][0]['table']} was raised and not set back; "
                "resume that load, or name another --journal"
            )
        if restart or len(lines) < 2:
            # Without its first watermark the journal was never ready, and nothing was written.
            return None
        if not resume:
            raise UsageError(
                f"an unfinished load of these sources into {self._identity.table} is in {self.path}; "
                f"go on with: {how_to_resume} (or start anew with --restart)"
            )
        recorded = lines[0][0]
        if recorded.get("version") != VERSION:
            raise UsageError(f"{self.path}: was written by another version of asyncloader; start anew with --restart")
        if different := self._identity.differences(recorded):
            raise UsageError(
                f"{self.path}: this is not the load to resume: {'; '.join(different)}; start anew with --restart"
            )
        self._resumes = True
        return Checkpoint.from_json([line for line, _ in lines if RAISED not in line][-1])

    def begin(self, start: Checkpoint) -> None:
        """Be ready for watermarks: behind the last valid line of what is there, or in a new file that starts at `start`."""
        with self._turn:
            self._started = True
            self._start(start)

    def _start(self, start: Checkpoint) -> None:
        if self._resumes and self._file is not None:
            self._file.seek(0)
            lines = _valid_lines(self._file.read())
            self._file.truncate(lines[-1][1])
            self._file.seek(lines[-1][1])
            return
        if self._file is None:
            self._file = self._locked(os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b"))
        first = [{"version": VERSION, **asdict(self._identity)}, start.as_json()]
        if self.raised is not None:
            self._replace([*first, {RAISED: self.raised.as_json()}])
        else:
            self._file.seek(0)
            self._file.truncate()
            for line in first:
                self._append(line)
        _sync_folder(self.path.parent)

    def write(self, checkpoint: Checkpoint) -> None:
        """Keep a watermark; before the first write to the table there is none to keep."""
        with self._turn:
            if self._started:
                self._append(checkpoint.as_json())

    def remember(self, raised: RaisedCapacity | None) -> None:
        """Keep what is about to be raised, or, by None, that nothing is raised any more."""
        with self._turn:
            self.raised = raised
            if self._file is not None and (self._started or self._resumes):
                if not self._started:
                    self.begin(Checkpoint())
                self._append({RAISED: None if raised is None else raised.as_json()})

    def close(self, *, complete: bool) -> None:
        """Close the journal; that of a complete load is removed."""
        if self._file is None:
            return
        if complete:
            self.path.unlink(missing_ok=True)
            _sync_folder(self.path.parent)
        self._file.close()
        self._file = None

    def _is_same_table(self, recorded: dict[str, Any]) -> bool:
        return bool(recorded["table"] == self._identity.table and recorded["endpoint"] == self._identity.endpoint)

    def _replace(self, lines: list[dict[str, Any]]) -> None:
        """Other lines in one step, so that what must be set back is known at every moment."""
        fresh = self.path.with_name(f"{self.path.name}.new")
        before = self._file
        self._file = self._locked(os.fdopen(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "r+b"))
        for line in lines:
            self._append(line)
        fresh.replace(self.path)
        if before is not None:
            before.close()

    def _append(self, line: dict[str, Any]) -> None:
        assert self._file is not None
        text = json.dumps(line, separators=(",", ":"), default=str).encode()
        self._file.write(b"%08x %b\n" % (zlib.crc32(text), text))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _locked(self, file: IO[bytes]) -> IO[bytes]:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UsageError(
                f"{self.path}: another asyncloader is running this very load; wait for it to end"
            ) from None
        return file


def _raised(lines: list[tuple[dict[str, Any], int]]) -> RaisedCapacity | None:
    """What the last line of that kind says."""
    raised = [line[RAISED] for line, _ in lines if RAISED in line]
    return RaisedCapacity.from_json(raised[-1]) if raised and raised[-1] is not None else None


def _valid_lines(data: bytes) -> list[tuple[dict[str, Any], int]]:
    """The lines up to the first that is torn or damaged, each with where it ends."""
    lines: list[tuple[dict[str, Any], int]] = []
    at = 0
    while (end := data.find(b"\n", at)) >= 0:
        crc, _, text = data[at:end].partition(b" ")
        if crc != b"%08x" % zlib.crc32(text):
            break
        at = end + 1
        lines.append((json.loads(text), at))
    return lines


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _shown(value: object) -> str:
    return "not given" if value is None else json.dumps(value)


class NullJournal:
    """The journal of a load from sources that nobody can read a second time: it keeps nothing."""

    path = None
    raised = None

    def find(self, *, resume: bool, restart: bool, how_to_resume: str) -> Checkpoint | None:
        """There is nothing to go on from."""
        return None

    def begin(self, watermark: Checkpoint) -> None:
        """Nothing has to be on disk before the first write."""

    def write(self, checkpoint: Checkpoint) -> None:
        """A watermark would help nobody."""

    def remember(self, raised: RaisedCapacity | None) -> None:
        """Whoever raises capacity must have a journal; this is only called when nothing is raised."""

    def close(self, *, complete: bool) -> None:
        """Nothing is open."""
