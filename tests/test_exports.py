"""The surface: what `asyncloader` exports, and what it does not load to do so."""

from __future__ import annotations

import subprocess
import sys

import pytest

import asyncloader

EXPORTED = {
    "doing": ["BatchWriter", "load", "plan"],
    "settings": ["Dialect", "RetrySettings"],
    "results": ["Ack", "Counts", "Plan", "Receipt", "Report", "Stats"],
    "hooks": ["BatchSent", "OnBatch", "OnReject", "OnRetry", "Rejection", "Retry"],
    "errors": [
        "AccessError",
        "AsyncLoaderError",
        "BudgetSpent",
        "ItemRejected",
        "LoadFailed",
        "LoadInterrupted",
        "SourceError",
        "TableError",
        "UsageError",
        "WriterClosed",
        "WriterFull",
    ],
    "the release": ["__version__"],
}
HEAVY = ["aioboto3", "botocore", "datasketches", "numpy", "pyarrow", "rich", "typer"]


def test_the_exported_names_are_these_and_no_others() -> None:
    assert asyncloader.__all__ == [name for group in EXPORTED.values() for name in group]


@pytest.mark.parametrize("group", EXPORTED)
def test_each_group_of_names_is_sorted(group: str) -> None:
    assert EXPORTED[group] == sorted(EXPORTED[group])


@pytest.mark.parametrize("name", asyncloader.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(asyncloader, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'asyncloader' has no attribute 'Manager'"):
        _ = asyncloader.Manager


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Whoever only catches its errors, or asks for its version, does not wait for Arrow."""
    program = "import sys, asyncloader; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.split(".")[0] for name in told.stdout.split()}
    assert "asyncloader" in loaded
    assert not loaded & set(HEAVY)


def test_only_a_plan_loads_the_sketches() -> None:
    """They take a fifth of a second, which a load need not wait for."""
    program = "import sys, asyncloader.api, asyncloader.cli.commands.plan; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.split(".")[0] for name in told.stdout.split()}
    assert {"aioboto3", "typer"} <= loaded
    assert "datasketches" not in loaded


def test_the_writer_loads_nothing_of_arrow_and_nothing_of_aws() -> None:
    """A service that writes items waits for neither; aioboto3 comes with the first connection."""
    program = "import sys; from asyncloader import BatchWriter; BatchWriter('t'); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.split(".")[0] for name in told.stdout.split()}
    assert "asyncloader" in loaded
    assert not loaded & set(HEAVY)


def test_all_that_is_imported_later_is_exported() -> None:
    assert set(asyncloader._LATER) <= set(asyncloader.__all__)
