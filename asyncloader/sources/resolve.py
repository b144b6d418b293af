"""What the user names as sources → files in order, frames, iterators of items."""

from __future__ import annotations

import glob
import os
from collections.abc import AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asyncloader.sources.frames import ArrowArray, ArrowStream, FrameSource
from asyncloader.sources.iterables import ItemSource
from asyncloader.values.errors import SourceError

STDIN = "-"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One source: its name as the user wrote it (or as the glob matched it), and its size as stored if it is a plain file."""

    name: str
    size_bytes: int | None

    @property
    def is_stdin(self) -> bool:
        return self.name == STDIN


StrPath = str | os.PathLike[str]
SourceLike = StrPath | ArrowStream | ArrowArray | Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]
"""What `load()` takes as a source."""
Source = SourceFile | FrameSource | ItemSource


def resolve_sources(given: Iterable[SourceLike]) -> list[Source]:
    """The sources in their order; raises `SourceError` for what is none."""
    given = list(given)
    names = [source for source in given if isinstance(source, str | os.PathLike)]
    if len(names) == len(given):
        return list(expand_paths(names))
    if names:
        expand_paths(names)  # what holds for all of them together, such as one standard input
    sources: list[Source] = []
    for place, source in enumerate(given, 1):
        if isinstance(source, str | os.PathLike):
            sources += expand_paths([source])
        else:
            sources.append(_memory(_name(source) if len(given) == 1 else f"{_name(source)} (source {place})", source))
    return sources


def _memory(name: str, given: object) -> FrameSource | ItemSource:
    # Frames first: most of them can be iterated over as well, but not by rows.
    if isinstance(given, ArrowStream | ArrowArray):
        return FrameSource(name, given)
    if isinstance(given, Mapping):
        raise SourceError(f"{name}: is one item, not a source of them; give a list of items")
    if isinstance(given, bytes | bytearray | memoryview):
        raise SourceError(f"{name}: is neither a path nor items; give the path of a file as str or Path")
    if isinstance(given, list | tuple) and given and isinstance(given[0], str | os.PathLike):
        raise SourceError(f"{name}: is a list of paths; give them one by one: load(table, *paths)")
    if isinstance(given, Iterable | AsyncIterable):
        return ItemSource(name, given)
    raise SourceError(
        f"{name}: is no source; give a path, an iterable of dicts (async or not), or a frame with __arrow_c_stream__"
    )


def _name(given: object) -> str:
    """`polars.DataFrame`, `list`, `async_generator`: what people call it."""
    package = type(given).__module__.split(".")[0]
    return type(given).__qualname__ if package == "builtins" else f"{package}.{type(given).__qualname__}"


def expand_paths(names: Iterable[StrPath]) -> list[SourceFile]:
    """The files behind paths, globs and `-`, each checked to be there; raises `SourceError`.

    A glob becomes its files in the order of their names; a path that exists is taken literally.
    """
    sources: list[SourceFile] = []
    for name in [os.fspath(path) for path in names]:
        if name == STDIN:
            sources.append(SourceFile(name, None))
        elif not os.path.lexists(name) and glob.has_magic(name):
            matches = sorted(path for path in glob.glob(name, recursive=True) if not os.path.isdir(path))
            if not matches:
                raise SourceError(f"{name}: no file has such a name{_looked_in(name)}; check the pattern")
            sources += [_file(path) for path in matches]
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
