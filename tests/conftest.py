"""What all tests share: an environment of their own, the servers, a table name for each test."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ACCESS_KEY, REGION, SECRET_KEY, STARTERS, Missing, Server

SERVERS = ["ministack", "moto", "dynalite", *(["dynamodb-local"] if os.environ.get("DYNAMODB_LOCAL_URL") else [])]
"""DynamoDB Local has no free licence: whoever has it names its address."""
_FOREIGN = re.compile(
    r"AWS_.*|BOTO_.*|ASYNCLOADER_.*|(all|https?|no)_proxy|SSL_CERT_.*|REQUESTS_CA_BUNDLE", re.IGNORECASE
)


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the machine's own AWS set-up, proxies or home folder has a say in any test or its commands."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if _FOREIGN.fullmatch(name):
                patch.delenv(name)
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(home / name.lower()))
        patch.setenv("HOME", str(home))
        patch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        yield


def _started(name: str, factory: pytest.TempPathFactory) -> Iterator[Server]:
    starting = STARTERS[name](factory.mktemp(name))
    try:
        server = starting.__enter__()
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have every server: {missing}")
        pytest.skip(str(missing))
    try:
        yield server
    finally:
        starting.__exit__(None, None, None)


@pytest.fixture(scope="session")
def ministack(own_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one that the extra `local` brings."""
    yield from _started("ministack", tmp_path_factory)


@pytest.fixture(scope="session")
def moto(own_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one that most Python projects test against."""
    yield from _started("moto", tmp_path_factory)


@pytest.fixture(scope="session")
def dynalite(own_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one that is strictest about numbers, keys and sizes."""
    yield from _started("dynalite", tmp_path_factory)


@pytest.fixture(scope="session")
def dynamodb_local(own_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Amazon's own, if somebody has started it."""
    yield from _started("dynamodb-local", tmp_path_factory)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers in turn."""
    found: Any = request.getfixturevalue(str(request.param).replace("-", "_"))
    assert isinstance(found, Server)
    return found


@pytest.fixture
def table_name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    words = re.sub(r"[^a-zA-Z0-9]+", "-", request.node.originalname)[:80]
    return f"{words}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def work_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that reject files with default names are written where they do no harm."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
