"""Options with wrong values: one line that names the option and what it takes, exit code 2, nothing asked of any server.

Most cases run the command's entry point in this process, since starting another takes a hundred times as long.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asyncloader.cli.app import main
from tests.cli.one_line import complaint
from tests.command import Done, run
from tests.servers import free_port

WRONG: list[tuple[list[str], list[str]]] = [
    (["--workers", "0"], ["--workers takes 1 to 1024 or auto, not 0"]),
    (["--workers", "1025"], ["--workers takes 1 to 1024 or auto, not 1025"]),
    (["--workers", "many"], ["--workers takes 1 to 1024 or auto, not 'many'"]),
    (["--type", "name"], ["--type takes COLUMN=TYPE", "not 'name'"]),
    (["--type", "name=TEXT"], ["--type name=TEXT", "'TEXT' is not a DynamoDB type", "S, N, B"]),
    (["--type", "name=S", "--type", "name=N"], ["--type names the column 'name' twice"]),
    (["--empty", "skip"], ["--empty takes drop, null or keep, not 'skip'"]),
    (["--delimiter", ";;"], ["--delimiter takes one ASCII character, not ';;'"]),
    (["--delimiter", ""], ["--delimiter takes one ASCII character, not ''"]),
    (["--delimiter", "·"], ["--delimiter takes one ASCII character, not '·'"]),
    (["--delimiter", '"'], ["--delimiter, --quote and --escape must differ"]),
    (["--quote", "''"], ["--quote takes one ASCII character"]),
    (["--escape", "\\\\"], ["--escape takes one ASCII character"]),
    (["--encoding", "klingon"], ["--encoding 'klingon' is not an encoding"]),
    (["--encoding", "base64"], ["--encoding 'base64' is not an encoding"]),
    (["--no-header"], ["--no-header needs --columns a,b,c"]),
    (["--columns", "a,b,c"], ["people.csv:1", "has 2 columns, but --columns names 3"]),
    (["--columns", "a,"], ["column 2 of 2 has no name"]),
    (["--columns", "a,a"], ["'a' stands 2 times"]),
    (["--skip-rows", "-1"], ["--skip-rows takes 0 or more, not -1"]),
    (["--skip-rows", "10"], ["people.csv", "fewer lines than --skip-rows 10 skips"]),
    (["--limit", "-1"], ["--limit takes 0 or more, not -1"]),
    (["--max-rejects", "lots"], ["--max-rejects takes a number of rows or a percentage like 5%, not 'lots'"]),
    (["--max-rejects", "101%"], ["--max-rejects", "not '101%'"]),
    (["--max-rejects", "nan%"], ["--max-rejects", "not 'nan%'"]),
    (["--max-wcu", "0"], ["--max-wcu takes 1 or more WCU a second, not 0"]),
    (["--max-wcu", "nan"], ["--max-wcu takes 1 or more WCU a second, not nan"]),
    (["--stop-after-wcu", "0"], ["--stop-after-wcu takes 1 or more WCU, not 0"]),
    (["--raise-wcu", "0"], ["--raise-wcu takes 1 or more WCU a second, not 0"]),
    (["--raise-wcu", "many"], ["--raise-wcu", "is not a valid int", "asyncloader load --help"]),
    (["--prewarm", "0", "--yes"], ["--prewarm takes 1 or more WCU a second, not 0"]),
    (["--stop-after-cost", "0", "--price", "1"], ["--stop-after-cost takes an amount of money above 0, not 0"]),
    (["--stop-after", "30"], ["--stop-after takes a time like 90s, 30m, 2h or 1h30m, not '30'"]),
    (["--stop-after", "0s"], ["--stop-after takes an amount of time above 0, not 0"]),
    (["--shard-key", "id"], ["--shard-key takes COLUMN=N", "not 'id'"]),
    (["--shard-key", "id=1"], ["--shard-key id takes 2 to 1000 shards, not 1"]),
    (["--spread", "0"], ["--spread takes 1 to 64 places, not 0"]),
    (["--spread", "4", "--limit", "9"], ["--limit counts rows from the start of the sources", "--spread"]),
    (["--spread", "4", "--encoding", "latin-1"], ["people.csv: cannot be read in several places at once: latin-1"]),
    (["--max-rejects", "-1"], ["--max-rejects", "not '-1'"]),
    (["--create"], ["--create needs --key NAME[:S|N|B]"]),
    (["--key", "id"], ["--key and --sort-key describe a table to create", "--create"]),
    (["--create", "--key", ":N"], ["':N' names no key attribute"]),
    (["--create", "--key", "id", "--sort-key", "id:N"], ["--key and --sort-key must differ"]),
    (["--transport", "pigeon"], ["--transport takes auto, native or aioboto3, not 'pigeon'"]),
    (["--resume", "--restart"], ["--resume and --restart contradict one another"]),
    (["--log-level", "loud"], ["--log-level takes debug, info, warning or error, not 'loud'"]),
    (["--local", "--profile", "me"], ["--local is a server of its own", "--profile"]),
    (["--colour"], ["--colour", "asyncloader load --help"]),
]  # fmt: skip
ADDRESSES = ["localhost:8000", "ftp://host", "http://", "http://host:99999", "http://host:0", "http://[::1"]


Command = Callable[..., Done]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command's entry point, as the installed script calls it."""

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["asyncloader", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capfd.readouterr()
        return Done(int(end.value.code or 0), said.out, said.err)

    return call


def load(command: Command, *arguments: str, table: str = "people") -> Done:
    """Load with an endpoint at which nobody listens, unless the arguments name another."""
    nobody = ["--endpoint-url", f"http://127.0.0.1:{free_port()}"]
    where = [] if "--local" in arguments or "--endpoint-url" in arguments else nobody
    return command("load", table, "people.csv", *where, *arguments, "--quiet")


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_a_wrong_value_is_told_by_its_option(
    command: Command, people: Path, arguments: list[str], says: list[str]
) -> None:
    """What was given, and what is taken."""
    complaint(load(command, *arguments), 2, *says)


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--workers", "many"], ["--escape", "ab"]], ids=" ".join)
def test_the_installed_script_says_the_same(command: Command, people: Path, arguments: list[str]) -> None:
    """So the entry point is a fair stand-in for it."""
    script = load(lambda *given: run(*given, cwd=people.parent), *arguments)
    assert script == load(command, *arguments)
    complaint(script, 2, arguments[0])


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_endpoint_that_is_no_address(command: Command, people: Path, address: str) -> None:
    """The line shows how one looks."""
    done = load(command, "--endpoint-url", address)
    complaint(done, 2, "--endpoint-url takes an address like http://", address)


def test_an_endpoint_in_the_environment_that_is_no_address(people: Path) -> None:
    """Botocore reads it; the line says where it may stand."""
    done = run("load", "people", "people.csv", "--quiet", cwd=people.parent, env={"AWS_ENDPOINT_URL": "nonsense"})
    complaint(done, 2, "nonsense", "AWS_ENDPOINT_URL")


@pytest.mark.parametrize(
    "arguments", [["load"], ["load", "people"], ["lood"], ["local", "--port", "none"]], ids=" ".join
)
def test_a_command_that_is_not_complete_points_to_its_help(work_folder: Path, arguments: list[str]) -> None:
    """No arguments at all show the help itself, anything else one line."""
    done = run(*arguments, cwd=work_folder)
    if arguments == ["load"]:
        assert (done.code, done.err) == (2, "")
        assert "--workers" in done.out
    else:
        complaint(done, 2, "--help")


@pytest.mark.parametrize("name", ["", "ab", "my table", "people/", "x" * 256])
def test_what_can_be_no_name_of_a_table(command: Command, people: Path, name: str) -> None:
    """Known before any server is asked: nobody listens here."""
    complaint(load(command, table=name), 2, f"{name!r} is no name of a table", "3 to 255")


def test_help_lists_every_option_of_the_contract(work_folder: Path) -> None:
    """The names that others rely on."""
    done = run("load", "--help", cwd=work_folder, env={"COLUMNS": "200"})
    assert (done.code, done.err) == (0, "")
    options = (
        "--region --profile --endpoint-url --local --transport --workers --create --key --sort-key --type --empty "
        "--delimiter --quote --escape --encoding --no-header --columns --skip-rows --limit --rejects --max-rejects "
        "--journal --resume --restart --max-wcu --progress --no-progress --quiet --json --log-level "
        "--stop-after-wcu --stop-after-cost --stop-after --price --raise-wcu --prewarm --yes "
    )
    assert [option for option in options.split() if option not in done.out] == []


def test_help_and_version_of_the_command_itself(work_folder: Path) -> None:
    """Both commands are named, and the version is that of the package."""
    import asyncloader

    done = run("--help", cwd=work_folder)
    assert (done.code, done.err) == (0, "")
    assert "load" in done.out
    assert "local" in done.out
    assert run("--version", cwd=work_folder) == Done(0, f"asyncloader {asyncloader.__version__}\n", "")
