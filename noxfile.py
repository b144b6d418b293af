"""The five commands that people type: `nox -s lint`, `types`, `tests`, `coverage`, `bench`."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_venv = "yes"

FORMATTED = ("asyncloader", "tests", "benchmarks", "noxfile.py", ".ci/release")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and its format."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".", ".ci/release")
    session.run("ruff", "format", "--check", *FORMATTED)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict."""
    session.install("-e", ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite; arguments go to pytest."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", "-q", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The test suite under coverage, with branches and with the processes that tests start."""
    session.install("-e", ".[dev]", "coverage>=7.10")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def bench(session: nox.Session) -> None:
    """The quick benchmark; arguments go to benchmarks/run.py."""
    session.install("-e", ".[dev]")
    arguments = session.posargs or ["--only", "asyncloader", "--rounds", "1"]
    session.run("python", "benchmarks/run.py", *arguments)
