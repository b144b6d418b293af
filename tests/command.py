"""Running the installed command as users do: a process of its own, with a limit on its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = str(Path(sys.executable).parent / "asyncloader")
LIMIT_S = 60.0

Changes = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Done:
    """What a finished command left: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        told = json.loads(self.out)
        assert isinstance(told, dict)
        return told


def environment(changes: Changes | None = None) -> dict[str, str]:
    """The tests' own environment with changes; None takes a variable away."""
    merged: dict[str, str | None] = {**os.environ, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not None}


def run(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Changes | None = None,
    stdin: bytes = b"",
    limit_s: float = LIMIT_S,
    program: str | None = None,
) -> Done:
    """Run the command to its end; `program` is Python code to run instead of the installed script."""
    done = subprocess.run(
        _argv(arguments, program), cwd=cwd, env=environment(env), input=stdin, capture_output=True, timeout=limit_s
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def started(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Changes | None = None,
    program: str | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs, in a session of its own; whatever is left of it is killed at the end of the block."""
    process = subprocess.Popen(
        _argv(arguments, program),
        cwd=cwd,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def ended(process: subprocess.Popen[str], limit_s: float = LIMIT_S) -> Done:
    """Wait for a started command to end by itself."""
    out, err = process.communicate(timeout=limit_s)
    return Done(process.returncode, out, err)


def changed(constants: Mapping[str, object]) -> str:
    """A program that is the command with other constants: `{"asyncloader.cli.progress:PLAIN_INTERVAL_S": 0.1}`."""
    lines = ["from importlib import import_module"]
    for place, value in constants.items():
        module, _, name = place.partition(":")
        lines.append(f"assert hasattr(import_module({module!r}), {name!r})")
        lines.append(f"import_module({module!r}).{name} = {value!r}")
    return "\n".join([*lines, "from asyncloader.cli.app import main", "main()"])


def _argv(arguments: tuple[str | Path, ...], program: str | None) -> list[str]:
    start = [COMMAND] if program is None else [sys.executable, "-c", program]
    return [*start, *map(str, arguments)]
