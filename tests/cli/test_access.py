"""Credentials, region and table: whatever keeps us out is one line with the next step, exit code 2, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import write
from tests.cli.one_line import complaint
from tests.cli.talkers import http, talker
from tests.command import Changes, Done, run
from tests.faultserver import Credential, FaultServer

NOBODY: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture(autouse=True)
def nothing_is_written(dynamodb: FaultServer) -> Iterator[None]:
    """In none of these cases does the server see a write."""
    before = dynamodb.requests["BatchWriteItem"]
    yield
    assert dynamodb.requests["BatchWriteItem"] == before


def load(
    server: FaultServer | str, people: Path, *arguments: str, env: Changes | None = None, table: str = "people"
) -> Done:
    url = server if isinstance(server, str) else server.url
    return run("load", table, people.name, "--endpoint-url", url, "--quiet", *arguments, cwd=people.parent, env=env)


def test_no_credentials(dynamodb: FaultServer, people: Path) -> None:
    """All the ways to give some are named."""
    done = load(dynamodb, people, env=NOBODY)
    complaint(done, 2, "no AWS credentials found", "AWS_ACCESS_KEY_ID", "aws configure", "--profile", "--local")


def test_half_of_the_credentials_in_the_environment(dynamodb: FaultServer, people: Path) -> None:
    """The half that is missing is named."""
    done = load(dynamodb, people, env={"AWS_SECRET_ACCESS_KEY": None})
    complaint(done, 2, "incomplete AWS credentials", "AWS_SECRET_ACCESS_KEY")


def test_half_of_the_credentials_in_a_file(dynamodb: FaultServer, people: Path) -> None:
    """The same for the shared credentials file."""
    half = write(people.parent / "credentials", "[default]\naws_access_key_id = AKIATEST\n")
    done = load(dynamodb, people, env={**NOBODY, "AWS_SHARED_CREDENTIALS_FILE": str(half)})
    complaint(done, 2, "incomplete AWS credentials", "aws_secret_access_key")


def test_a_credentials_file_that_breaks_off(dynamodb: FaultServer, people: Path) -> None:
    """The file is named, and the variables that name another."""
    broken = write(people.parent / "credentials", "[default\naws_access_key_id")
    done = load(dynamodb, people, env={**NOBODY, "AWS_SHARED_CREDENTIALS_FILE": str(broken)})
    complaint(done, 2, str(broken), "AWS_SHARED_CREDENTIALS_FILE")


def test_a_configuration_file_that_breaks_off(dynamodb: FaultServer, people: Path) -> None:
    """The same for the configuration file."""
    broken = write(people.parent / "config", "[default\nregion")
    complaint(load(dynamodb, people, env={"AWS_CONFIG_FILE": str(broken)}), 2, str(broken), "AWS_CONFIG_FILE")


def test_a_credential_process_that_fails(dynamodb: FaultServer, people: Path) -> None:
    """Its own words are passed on."""
    config = write(people.parent / "config", "[default]\ncredential_process = sh -c 'echo no badge >&2; exit 3'\n")
    done = load(dynamodb, people, env={**NOBODY, "AWS_CONFIG_FILE": str(config)})
    complaint(done, 2, "no AWS credentials", "no badge", "AWS configuration")


@pytest.mark.parametrize("by_option", [True, False], ids=["--profile", "AWS_PROFILE"])
def test_a_profile_that_is_not_there(dynamodb: FaultServer, people: Path, by_option: bool) -> None:
    """Named by option or by environment."""
    done = load(
        dynamodb,
        people,
        *(["--profile", "nobody"] if by_option else []),
        env={} if by_option else {"AWS_PROFILE": "nobody"},
    )
    complaint(done, 2, "profile (nobody) could not be found", "--profile")


def test_no_region(dynamodb: FaultServer, people: Path) -> None:
    """The option and the variable are named."""
    done = load(dynamodb, people, env={"AWS_DEFAULT_REGION": None})
    complaint(done, 2, "no AWS region", "--region", "AWS_DEFAULT_REGION")


def test_a_region_that_is_none(dynamodb: FaultServer, people: Path) -> None:
    """With an example of one."""
    complaint(load(dynamodb, people, "--region", "eu west"), 2, "'eu west'", "--region eu-west-1")


def test_an_unknown_access_key(dynamodb: FaultServer, people: Path) -> None:
    """The service's code, and what to check."""
    done = load(dynamodb, people, env={"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"})
    complaint(done, 2, "credentials are not accepted", "UnrecognizedClientException", "check the access key")


def test_a_wrong_secret(dynamodb: FaultServer, people: Path) -> None:
    """The service answers with pages of canonical strings; the line keeps to the point, and to itself what is secret."""
    done = load(dynamodb, people, env={"AWS_SECRET_ACCESS_KEY": "wrong-secret"})
    line = complaint(
        done, 2, "credentials are not accepted", "InvalidSignatureException", "the secret key and the clock"
    )
    assert "Canonical" not in line
    assert "wrong-secret" not in line


def test_a_wrong_secret_shows_no_token_at_the_lowest_log_level(dynamodb: FaultServer, people: Path) -> None:
    """The traceback shows the service's answer, which repeats the headers of the request."""
    env = {"AWS_SECRET_ACCESS_KEY": "wrong-secret", "AWS_SESSION_TOKEN": "session-token"}
    done = load(dynamodb, people, "--log-level", "debug", env=env)
    assert done.code == 2
    assert "InvalidSignatureException" in done.err
    assert "session-token" not in done.out + done.err


def test_an_expired_token(dynamodb: FaultServer, people: Path) -> None:
    """The session has to be renewed by its owner."""
    dynamodb.credentials["AKIASESSION"] = Credential("session-secret", token="session-token", expired=True)
    env = {
        "AWS_ACCESS_KEY_ID": "AKIASESSION",
        "AWS_SECRET_ACCESS_KEY": "session-secret",
        "AWS_SESSION_TOKEN": "session-token",
    }
    line = complaint(load(dynamodb, people, env=env), 2, "session token has expired", "sign in again")
    assert "session-token" not in line


def test_access_denied(people: Path) -> None:
    """What must be allowed is named, in the service's words and in IAM's."""
    message = "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: dynamodb:DescribeTable"
    body = b'{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"%s"}' % message.encode()
    with talker(http("400 Bad Request", body, "application/x-amz-json-1.0")) as port:
        done = load(f"http://127.0.0.1:{port}", people)
    complaint(done, 2, "access denied", "user/ana is not authorized", "allow dynamodb:DescribeTable")


def test_an_unknown_table(dynamodb: FaultServer, people: Path) -> None:
    """The table, the region and the endpoint, and the option that makes it."""
    done = load(dynamodb, people, "--region", "eu-north-1", table="persons")
    complaint(done, 2, "there is no table 'persons' in eu-north-1", dynamodb.url, "--create --key")


def test_a_table_that_is_being_created(dynamodb: FaultServer, people: Path) -> None:
    """It will do in a while."""
    done = load(dynamodb, people, table="unfinished")
    complaint(done, 2, "'unfinished' is still being created; try again", "Nothing was written")


def test_a_table_that_is_being_deleted(dynamodb: FaultServer, people: Path) -> None:
    """It will never do."""
    done = load(dynamodb, people, table="leaving")
    complaint(done, 2, "'leaving' is being deleted", "create it anew", "Nothing was written")


def test_a_type_that_contradicts_the_table(dynamodb: FaultServer, people: Path) -> None:
    """The table says what its keys are."""
    done = load(dynamodb, people, "--type", "id=N")
    complaint(done, 2, "--type id=N", "key attribute of type S in table people")


def test_a_type_for_a_column_that_is_not_there(dynamodb: FaultServer, people: Path) -> None:
    """A slip of the pen must not load the column as text."""
    done = load(dynamodb, people, "--type", "nmae=N")
    complaint(done, 2, "no source has a column 'nmae'", "id, name")


def test_a_key_to_create_that_no_column_holds(dynamodb: FaultServer, people: Path) -> None:
    """Found before the table is made."""
    done = load(dynamodb, people, "--create", "--key", "ident", table="new-table")
    complaint(done, 2, "people.csv: has no column 'ident'", "--create")
    assert "new-table" not in dynamodb.store.tables


def test_a_folder_for_rejects_that_is_not_there(dynamodb: FaultServer, people: Path) -> None:
    """Known before the first write, not at the first reject."""
    done = load(dynamodb, people, "--rejects", "no/such/folder.csv")
    complaint(done, 2, "no/such/folder.csv", "there is no folder no/such", "--rejects")


def test_a_folder_as_the_reject_file(dynamodb: FaultServer, people: Path) -> None:
    """The same."""
    (people.parent / "rejects").mkdir()
    complaint(load(dynamodb, people, "--rejects", "rejects"), 2, "rejects: is a folder", "--rejects")
