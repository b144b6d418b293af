"""What the command saves at its start: other programs and the library notice nothing of it."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from importlib.util import find_spec

import pytest

from asyncloader.cli.startup import without_default_certificates, without_spinning_threads


def test_the_way_to_the_certificates_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "mine.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    seen: list[str] = []
    with pytest.raises(KeyError), without_default_certificates():
        seen.extend(os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_SUCH_NAME"))
    assert seen == [os.devnull, os.devnull]
    assert os.environ["SSL_CERT_FILE"] == "mine.pem"
    assert "SSL_CERT_DIR" not in os.environ


def test_a_context_made_meanwhile_trusts_nobody() -> None:
    with without_default_certificates():
        context = ssl.create_default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs() == []


def test_a_number_of_threads_that_is_told_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    without_spinning_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    without_spinning_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_the_command_runs_on_uvloop_where_it_is_installed() -> None:
    program = """
import asyncio
from asyncloader.cli.runner import run

async def loop():
    return type(asyncio.get_running_loop()).__module__

print(run(loop()))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.startswith("uvloop" if find_spec("uvloop") else "asyncio")
