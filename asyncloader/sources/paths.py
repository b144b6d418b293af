"""What the user named as sources → the files to read, in order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from asyncloader.values.errors import SourceError

STDIN = "-"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One source: its name as the user wrote it (or the glob gave it), and its size as stored if it is a plain file."""

    name: str
    size_bytes: int | None

    @property
    def is_stdin(self) -> bool:
        return self.name == STDIN


def expand(names: Iterable[str | os.PathLike[str]]) -> list[SourceFile]:
    """The files behind paths, globs and `-`, each checked to be there; raises `SourceError`.

    A glob gives its files in the order of their names; a path that exists is itself, whatever characters it has.
    """
    sources: list[SourceFile] = []
    for name in [os.fspath(each) for each in names]:
        if name == STDIN:
            sources.append(SourceFile(name, None))
        elif not os.path.lexists(name) and glob.has_magic(name):
            found = sorted(path for path in glob.glob(name, recursive=True) if not os.path.isdir(path))
            if not found:
                raise SourceError(f"{name}: no file has such a name{_looked_in(name)}; check the pattern")
            sources += [_file(path) for path in found]
        else:
            sources.append(_file(name))
    if not sources:
        raise SourceError("no source named; give a path, a glob or - for standard input")
    if sum(source.is_stdin for source in sources) > 1:
        raise SourceError("standard input (-) can be read only once; it is named twice")
    return sources


def _file(name: str) -> SourceFile:
    path = Path(name)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise SourceError(f"{name}: there is no such file{_looked_in(name)}; check the path") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read ({error.strerror}); check the path") from None
    if path.is_dir():
        raise SourceError(f"{name}: is a folder; name its files, for example {name.rstrip('/')}/*.csv")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{name}: may not be read by this user; change its permissions, for example chmod u+r")
    return SourceFile(name, status.st_size if path.is_file() else None)


def _looked_in(name: str) -> str:
    return "" if os.path.isabs(name) else f" in {os.getcwd()}"
