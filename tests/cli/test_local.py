"""The embedded server: tables that last, one command at a time, nothing outside its folder, nobody left behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import boto3
import pytest

from tests.cli.conftest import write
from tests.cli.one_line import complaint
from tests.cli.processes import PROC, children, is_gone, listening, until
from tests.command import LIMIT_S, Changes, Done, ended, run, started
from tests.integration.tables import contents
from tests.servers import free_port

NO_AWS: dict[str, str | None] = {
    "AWS_ACCESS_KEY_ID": None,
    "AWS_SECRET_ACCESS_KEY": None,
    "AWS_DEFAULT_REGION": None,
    "AWS_PROFILE": "nobody",
    "HTTP_PROXY": "http://127.0.0.1:1",
}
"""No account, a profile that is not there and a proxy that does not work."""


@pytest.fixture
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the embedded server keeps its tables."""
    return tmp_path_factory.mktemp("local")


@pytest.fixture
def env(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Changes:
    """What a command needs to find it, and a configuration of AWS that breaks off."""
    broken = write(tmp_path_factory.mktemp("aws") / "config", "[default\nregion")
    return {**NO_AWS, "AWS_CONFIG_FILE": str(broken), "ASYNCLOADER_LOCAL_DIR": str(tables)}


@pytest.fixture
def serving(tables: Path, env: Changes, work_folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`asyncloader local` on a free port: its process, and the settings that it printed."""
    with started("local", "--port", "0", cwd=work_folder, env=env) as process:
        assert process.stdout is not None
        yield process, dict(_settings(process.stdout))


def _settings(out: IO[str]) -> Iterator[tuple[str, str]]:
    for _ in range(4):
        name, _, value = out.readline().strip().removeprefix("export ").partition("=")
        yield name, value


def first_load(folder: Path, env: Changes) -> Done:
    """Three rows into a new table."""
    write(folder / "first.csv", "id,name,city\n1,Ana,\n2,Ben,Bern\n3,Cem,Çorum\n4,Dora,Dublin\n")
    return run("load", "people", "first.csv", "--local", "--create", "--key", "id", cwd=folder, env=env)


def test_it_needs_no_account_and_shows_the_first_three_items(env: Changes, work_folder: Path) -> None:
    """They are read back from the table, as one JSON object a line."""
    done = first_load(work_folder, env)
    assert (done.code, done.out) == (0, ""), done.err
    lines = done.err.splitlines()
    start = lines.index("the first 3 items of table people, read back:") + 1
    shown = [json.loads(line) for line in lines[start : start + 3]]
    written = [
        {"id": "1", "name": "Ana"},
        {"id": "2", "name": "Ben", "city": "Bern"},
        {"id": "3", "name": "Cem", "city": "Çorum"},
        {"id": "4", "name": "Dora", "city": "Dublin"},
    ]
    assert len({item["id"] for item in shown}) == 3
    assert [item for item in shown if item not in written] == []


def test_tables_are_still_there_for_the_next_command(env: Changes, work_folder: Path) -> None:
    """The second command adds to what the first wrote, needs no --create, and a third finds both."""
    first_load(work_folder, env)
    write(work_folder / "second.csv", "id,name\n4,Dana\n5,Eva\n")
    second = run("load", "people", "second.csv", "--local", "--quiet", cwd=work_folder, env=env)
    assert second == Done(0, "", "")
    with started("local", "--port", "0", cwd=work_folder, env=env) as process:
        assert process.stdout is not None
        stored = contents(_client(dict(_settings(process.stdout))), "people", "id")
    names = {key: item["name"]["S"] for (key,), item in stored.items()}
    assert names == {"1": "Ana", "2": "Ben", "3": "Cem", "4": "Dana", "5": "Eva"}
    assert "city" not in stored["4",]


def test_an_unfinished_load_can_be_resumed(env: Changes, work_folder: Path) -> None:
    """A plain rerun is told of it, and a resume finds where it stopped."""
    rows = "".join(f"{number},{'.' * 300}\n" for number in range(5_000))
    write(work_folder / "rows.csv", f"id,name\n{rows},no key\n")
    arguments = ("load", "people", "rows.csv", "--local", "--create", "--key", "id", "--quiet")
    stopped = run(*arguments, "--max-rejects", "0", cwd=work_folder, env=env)
    assert (stopped.code, len(list(work_folder.glob("*.journal")))) == (3, 1)
    complaint(run(*arguments, cwd=work_folder, env=env), 2, "an unfinished load", "--resume")
    assert run(*arguments, "--resume", cwd=work_folder, env=env).code == 1
    assert list(work_folder.glob("*.journal")) == []


def test_nothing_is_made_outside_its_folder(env: Changes, tables: Path, work_folder: Path) -> None:
    """Neither in the current folder, nor at home, nor where temporary files go."""
    home, temporary = work_folder / "home", work_folder / "tmp"
    home.mkdir()
    temporary.mkdir()
    places = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "TMPDIR": str(temporary)}
    done = first_load(work_folder, {**env, **places})
    assert done.code == 0, done.err
    assert sorted(path.name for path in work_folder.iterdir()) == ["first.csv", "home", "tmp"]
    assert [*home.rglob("*"), *temporary.rglob("*")] == []
    assert (tables / "tables" / "dynamodb.json").is_file()


def test_a_second_command_has_to_wait(
    serving: tuple[subprocess.Popen[str], dict[str, str]], env: Changes, work_folder: Path
) -> None:
    """One line that names the process in the way; its address can be used instead."""
    process, settings = serving
    done = first_load(work_folder, env)
    complaint(done, 2, "in use by another asyncloader", f"process {process.pid}", "--endpoint-url")
    url = settings["AWS_ENDPOINT_URL_DYNAMODB"]
    arguments = ("load", "people", "first.csv", "--endpoint-url", url, "--create", "--key", "id", "--quiet")
    credentials = {**settings, "AWS_PROFILE": None, "AWS_CONFIG_FILE": None, "HTTP_PROXY": None}
    assert run(*arguments, cwd=work_folder, env={**env, **credentials}) == Done(0, "", "")


def test_the_printed_settings_work_with_boto3(serving: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    """Address, credentials and region are all that a client needs."""
    _, settings = serving
    assert set(settings) == {
        "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
    }  # fmt: skip
    client = _client(settings)
    assert client.list_tables()["TableNames"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_ends_on_a_signal_with_exit_code_0(
    serving: tuple[subprocess.Popen[str], dict[str, str]], number: int
) -> None:
    """That is how it is meant to end; nobody listens any more."""
    process, settings = serving
    url = settings["AWS_ENDPOINT_URL_DYNAMODB"]
    process.send_signal(number)
    done = ended(process)
    assert (done.code, done.out) == (0, "")
    assert done.err.count("\n") == 1
    assert f"DynamoDB is served at {url}" in done.err
    assert not _answers(url)


def test_the_port_is_the_one_that_was_asked_for(env: Changes, work_folder: Path) -> None:
    """And one that is taken is one line."""
    port = free_port()
    with started("local", "--port", str(port), cwd=work_folder, env=env) as process:
        assert process.stdout is not None
        assert dict(_settings(process.stdout))["AWS_ENDPOINT_URL_DYNAMODB"] == f"http://127.0.0.1:{port}"
        other = {**env, "ASYNCLOADER_LOCAL_DIR": str(work_folder / "another")}
        done = run("local", "--port", str(port), cwd=work_folder, env=other)
    complaint(done, 2, f"port {port} cannot be used (Address already in use)", "--port")


def test_a_port_that_is_none(env: Changes, work_folder: Path) -> None:
    """One line."""
    complaint(run("local", "--port", "65536", cwd=work_folder, env=env), 2, "port 65536 cannot be used", "--port")


@PROC
def test_the_server_listens_on_the_loopback_address_only(
    serving: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    """Whoever is on the same network cannot reach it."""
    process, settings = serving
    (child,) = children(process.pid)
    port = int(settings["AWS_ENDPOINT_URL_DYNAMODB"].rpartition(":")[2])
    assert listening(child) == {("0100007F", port)}


@PROC
def test_the_server_dies_with_its_command_and_keeps_the_tables(
    serving: tuple[subprocess.Popen[str], dict[str, str]], env: Changes, work_folder: Path
) -> None:
    """Killed by SIGKILL, the command can do nothing; the server notices, saves and ends. The next one waits for it."""
    process, settings = serving
    (child,) = children(process.pid)
    url = settings["AWS_ENDPOINT_URL_DYNAMODB"]
    _client(settings).create_table(
        TableName="people",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    process.kill()
    process.wait(LIMIT_S)
    write(work_folder / "more.csv", "id,name\n9,Ida\n")
    done = run("load", "people", "more.csv", "--local", "--quiet", cwd=work_folder, env=env)
    assert done == Done(0, "", "")
    until(lambda: is_gone(child))
    assert not _answers(url)


def test_an_interrupt_while_it_starts_leaves_nobody_behind(env: Changes, tables: Path, work_folder: Path) -> None:
    """The lock is free again for the next command."""
    write(work_folder / "first.csv", "id\n1\n")
    arguments = ("load", "people", "first.csv", "--local", "--create", "--key", "id")
    with started(*arguments, cwd=work_folder, env=env) as process:
        until((tables / "server.log").exists)
        process.send_signal(signal.SIGINT)
        done = ended(process)
    assert done.code in (0, 130), done.err
    assert "Traceback" not in done.err
    assert first_load(work_folder, env).code == 0


def test_without_the_extra_one_line_says_what_to_install(env: Changes, work_folder: Path) -> None:
    """Ministack is hidden from the command by a finder that comes before all others."""
    hide = work_folder / "hide"
    hide.mkdir()
    write(
        hide / "sitecustomize.py",
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "def find_spec(name, package=None):\n"
        "    return None if name.partition('.')[0] == 'ministack' else find(name, package)\n"
        "importlib.util.find_spec = find_spec\n"
        "sys.modules['ministack'] = None\n",
    )
    hidden = {**env, "PYTHONPATH": str(hide)}
    says = ("needs the extra 'local'", "pip install 'asyncloader[local]'")
    complaint(first_load(work_folder, hidden), 2, *says)
    complaint(run("local", "--port", "0", cwd=work_folder, env=hidden), 2, *says)


def test_a_folder_that_cannot_be_made(env: Changes, work_folder: Path) -> None:
    """A file is in the way: the variable that names another place is told."""
    write(work_folder / "taken", "")
    there = {**env, "ASYNCLOADER_LOCAL_DIR": str(work_folder / "taken" / "tables")}
    complaint(first_load(work_folder, there), 2, "cannot be kept there", "ASYNCLOADER_LOCAL_DIR")


def _client(settings: dict[str, str]) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=settings["AWS_ENDPOINT_URL_DYNAMODB"],
        region_name=settings["AWS_DEFAULT_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )


def _answers(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5).close()
    except OSError:
        return False
    return True
