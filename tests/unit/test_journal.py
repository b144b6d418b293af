"""The journal: what threads may do to one another with it."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread

import pytest

from asyncloader.records import journal as journal_module
from asyncloader.records.checkpoint import Checkpoint, Position, Split
from asyncloader.records.journal import Identity, Journal
from asyncloader.values.errors import UsageError

LIMIT_S = 30.0
LATER = Checkpoint((Split(Position(offset=100, line=8, rows=7)),))


def test_a_watermark_that_comes_while_the_journal_is_begun_stands_behind_its_first_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first rows of a source may all be rejected while the first write is prepared in another thread."""
    identity = Identity("people", "http://127.0.0.1", "arn", ())
    journal = Journal(tmp_path / "load.journal", identity)
    at_disk, go_on, fsync = Event(), Event(), os.fsync

    def slow_fsync(handle: int) -> None:
        at_disk.set()
        assert go_on.wait(LIMIT_S)
        fsync(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", slow_fsync)
        beginning = Thread(target=journal.begin, args=[Checkpoint()])
        beginning.start()
        assert at_disk.wait(LIMIT_S)
        writing = Thread(target=journal.write, args=[LATER])
        writing.start()
        writing.join(0.05)
        go_on.set()
        for thread in (beginning, writing):
            thread.join(LIMIT_S)
    journal.close(complete=False)
    again = Journal(tmp_path / "load.journal", identity)
    assert again.find(resume=True, restart=False, how_to_resume="") == LATER
    again.close(complete=True)


def test_a_watermark_before_the_first_write_is_not_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "load.journal", Identity("people", "http://127.0.0.1", "arn", ()))
    journal.write(LATER)
    assert not journal.path.exists()


def test_a_journal_of_another_version_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checkpoints have another form; to go on from what they might mean could skip rows."""
    identity = Identity("people", "http://127.0.0.1", "arn", ())
    before = Journal(tmp_path / "load.journal", identity)
    with monkeypatch.context() as patched:
        patched.setattr(journal_module, "VERSION", journal_module.VERSION - 1)
        before.begin(Checkpoint())
    before.close(complete=False)
    journal = Journal(tmp_path / "load.journal", identity)
    with pytest.raises(UsageError, match="was written by another version of asyncloader; start anew with --restart"):
        journal.find(resume=True, restart=False, how_to_resume="")
    journal.close(complete=False)
    again = Journal(tmp_path / "load.journal", identity)
    assert again.find(resume=False, restart=True, how_to_resume="") is None
    again.close(complete=True)
