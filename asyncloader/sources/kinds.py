"""What the user gave as sources → what they are: files by their names, frames, iterators of items."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from asyncloader.sources.frames import ArrowArray, ArrowStream, FrameSource
from asyncloader.sources.items import ItemSource
from asyncloader.sources.paths import SourceFile, expand
from asyncloader.values.errors import SourceError

Named = str | os.PathLike[str]
Given = Named | ArrowStream | ArrowArray | Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]
"""What `load()` takes as a source."""
Source = SourceFile | FrameSource | ItemSource


def recognise(given: Iterable[Given]) -> list[Source]:
    """The sources in their order; raises `SourceError` for what is none."""
    given = list(given)
    names = [each for each in given if isinstance(each, str | os.PathLike)]
    if len(names) == len(given):
        return list(expand(names))
    if names:
        expand(names)  # what holds for all of them together, such as one standard input
    sources: list[Source] = []
    for place, each in enumerate(given, 1):
        if isinstance(each, str | os.PathLike):
            sources += expand([each])
        else:
            sources.append(_memory(_name(each) if len(given) == 1 else f"{_name(each)} (source {place})", each))
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
