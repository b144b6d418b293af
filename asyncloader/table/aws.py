"""The only module that imports aioboto3: session, credentials, region, endpoint and the control plane."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from asyncloader.table import aws_errors, tls
from asyncloader.table.description import read_description
from asyncloader.values.dynamodb import TABLE_NAME
from asyncloader.values.errors import AccessError, TableError, TableMissing
from asyncloader.values.schema import Table
from asyncloader.values.settings import AwsSettings, CreateSettings, RetrySettings, TransportName
from asyncloader.wire.connection import Address
from asyncloader.wire.native import NativeTransportFactory
from asyncloader.wire.sigv4 import Credentials
from asyncloader.wire.transport import TransportFactory

WRITABLE = ("ACTIVE", "UPDATING")
"""What a table's status must be for items to be written."""
CREATE_WAIT_S = 300.0
CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 10.0
"""How long DescribeTable and CreateTable wait for the service; each is tried twice."""

_TABLE_NAME = re.compile(TABLE_NAME)


class SessionCredentials:
    """The credentials of a session, refreshed by aioboto3 and loaded anew when the service refuses them."""

    def __init__(self, session: aioboto3.Session, credentials: Any) -> None:
        self._session = session
        self._credentials = credentials
        self._lock = asyncio.Lock()

    async def current(self) -> Credentials:
        """What to sign with now; raises `AccessError` when a refresh fails."""
        frozen = await self.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    async def get_frozen_credentials(self) -> Any:
        """The same as botocore's signer asks for them."""
        try:
            return await self._credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise aws_errors.translate(error) from error
        except RuntimeError as error:  # raised by botocore when a refresh brought no new credentials
            raise AccessError(f"the AWS credentials cannot be refreshed ({error}); sign in again") from error

    async def renew(self, refused: Credentials) -> None:
        """Ask the chain of providers again: files and processes are read anew."""
        async with self._lock:
            if await self.current() != refused or self._credentials.method == "explicit":
                return
            provider = self._session._session.get_component("credential_provider")
            try:
                loaded = await provider.load_credentials()
            except (BotoCoreError, ClientError) as error:
                raise aws_errors.translate(error) from error
            if loaded is not None:
                self._credentials = loaded


class Aws:
    """An open client of DynamoDB: what the engine needs to know, and the calls that do not write items."""

    def __init__(
        self, session: aioboto3.Session, client: Any, settings: AwsSettings, credentials: SessionCredentials
    ) -> None:
        self._session = session
        self._client = client
        self._settings = settings
        self.credentials = credentials
        self.region: str = client.meta.region_name
        self.endpoint_url: str = client.meta.endpoint_url

    @property
    def needs_aioboto3(self) -> bool:
        """Whether only aioboto3's own transport will do: a proxy is between, or the endpoint has a path."""
        parts = urlsplit(self.endpoint_url)
        return bool(get_environ_proxies(self.endpoint_url).get(parts.scheme)) or parts.path not in ("", "/")

    def address(self) -> Address:
        """Where the native transport connects; over TLS it trusts what botocore would."""
        parts = urlsplit(self.endpoint_url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return Address(host, parts.port or 80)
        return Address(host, parts.port or 443, tls.context(_ca_bundle(self._session)))

    @asynccontextmanager
    async def data_client(self, workers: int, retry: RetrySettings) -> AsyncIterator[Any]:
        """A client for the aioboto3 transport: as many connections as workers, no retries of its own.

        It signs with `credentials`, also when they have been loaded anew.
        """
        config = AioConfig(
            max_pool_connections=workers,
            connect_timeout=retry.connect_timeout_s,
            read_timeout=retry.request_timeout_s,
            retries={"total_max_attempts": 1},
            http_session_cls=tls.CheckedSession,
        )
        async with self._session.client(
            "dynamodb", region_name=self.region, endpoint_url=self._settings.endpoint_url, config=config
        ) as client:
            client.meta.events.register("before-sign.dynamodb", self._sign_with_current)
            yield client

    def _sign_with_current(self, request: Any, **_: Any) -> None:
        request.context.setdefault("signing", {})["request_credentials"] = self.credentials

    async def describe(self, name: str) -> Table:
        """The table's key and indexes; raises `TableError` unless it can be written to."""
        if not name.startswith("arn:") and not _TABLE_NAME.fullmatch(name):
            raise TableError(aws_errors.no_table_name(name))
        description = await self.told(name)
        status = description.get("TableStatus", "ACTIVE")
        if status not in WRITABLE:
            raise TableError(aws_errors.not_active(name, status))
        return read_description(description)

    async def create(self, name: str, create: CreateSettings) -> Table:
        """Create the table on demand and wait until it is active; one that exists already is taken as it is."""
        key = [create.key] if create.sort_key is None else [create.key, create.sort_key]
        try:
            await self._client.create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": part.name, "AttributeType": part.type} for part in key],
                KeySchema=[
                    {"AttributeName": part.name, "KeyType": kind}
                    for part, kind in zip(key, ("HASH", "RANGE"), strict=False)
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            if aws_errors.code_of(error) != "ResourceInUseException":
                raise aws_errors.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error
        pause_s = 0.05
        try:
            async with asyncio.timeout(CREATE_WAIT_S):
                while True:
                    # A table that has just been made may still be unknown to the next call.
                    with suppress(TableMissing):
                        description = await self.told(name)
                        if description.get("TableStatus", "ACTIVE") in WRITABLE:
                            return read_description(description)
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, 2.0)
        except TimeoutError:
            raise TableError(
                f"table {name!r} is not active {CREATE_WAIT_S:g} s after it was made; try again when it is"
            ) from None

    async def told(self, name: str) -> dict[str, Any]:
        """What DescribeTable returns; raises `TableError` and `AccessError`."""
        try:
            answer = await self._client.describe_table(TableName=name)
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise aws_errors.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error
        table = answer.get("Table")
        if not table:
            raise AccessError(aws_errors.not_dynamodb(self.endpoint_url))
        return dict(table)

    async def update(self, name: str, changes: dict[str, Any]) -> None:
        """Call UpdateTable with these members; raises `TableError` and `AccessError`."""
        try:
            await self._client.update_table(TableName=name, **changes)
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise aws_errors.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error

    def cli_options(self) -> list[str]:
        """The options with which the AWS CLI finds the same tables."""
        options = ["--region", self.region]
        options += ["--profile", self._settings.profile] if self._settings.profile else []
        return options + (["--endpoint-url", self.endpoint_url] if self._settings.endpoint_url else [])

    async def first_items(self, name: str, count: int) -> list[dict[str, Any]]:
        """A few items in DynamoDB JSON, to show what is in the table; raises `AccessError`."""
        try:
            response = await self._client.scan(TableName=name, Limit=count)
        except (BotoCoreError, ClientError) as error:
            raise aws_errors.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error
        return list(response["Items"])


def static_session(access_key: str, secret_key: str, region: str) -> aioboto3.Session:
    """A session with these credentials and nothing else."""
    return aioboto3.Session(aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region)


@asynccontextmanager
async def connect(settings: AwsSettings, session: aioboto3.Session | None = None) -> AsyncIterator[Aws]:
    """Open a client of DynamoDB as the AWS tools do; raises `AccessError` when there is no region or no credentials."""
    config = AioConfig(
        connect_timeout=CONNECT_LIMIT_S,
        read_timeout=ANSWER_LIMIT_S,
        retries={"total_max_attempts": 2, "mode": "standard"},
        http_session_cls=tls.CheckedSession,
    )
    try:
        if session is None:
            session = aioboto3.Session(profile_name=settings.profile, region_name=settings.region)
        loaded = await session.get_credentials()
        if loaded is None:
            raise AccessError(aws_errors.NO_CREDENTIALS)
        credentials = SessionCredentials(session, loaded)
        await credentials.current()
        opened = session.client(
            "dynamodb",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            verify=False if _has_no_tls(settings.endpoint_url) else None,
            config=config,
        )
        client = await opened.__aenter__()
    except (BotoCoreError, ClientError) as error:
        raise aws_errors.translate(error) from error
    except ValueError as error:  # botocore's own checks of a URL
        raise AccessError(f"{error}; check --endpoint-url and AWS_ENDPOINT_URL") from error
    try:
        if client.meta.endpoint_url.startswith("https:"):
            tls.context(_ca_bundle(session))  # a clear error now; botocore would raise an unclear one later
        yield Aws(session, client, settings, credentials)
    finally:
        await opened.__aexit__(None, None, None)


def _has_no_tls(endpoint_url: str | None) -> bool:
    """Whether no certificate will ever be used, so that none need be read."""
    return (endpoint_url or "").startswith("http://") and not get_environ_proxies(endpoint_url)


def _ca_bundle(session: aioboto3.Session) -> str:
    return tls.bundle(session._session.get_config_variable("ca_bundle"))


@asynccontextmanager
async def open_transports(
    aws: Aws, table: str, *, transport: TransportName, workers: int, retry: RetrySettings
) -> AsyncIterator[TransportFactory]:
    """The transport factory for a table, for `workers` requests at once."""
    if transport == "aioboto3" or (transport == "auto" and aws.needs_aioboto3):
        from asyncloader.wire.aioboto3_transport import Aioboto3TransportFactory

        async with aws.data_client(workers, retry) as client:
            yield Aioboto3TransportFactory(client, table, aws.credentials)
    else:
        yield NativeTransportFactory(
            address=aws.address(), region=aws.region, table=table, credentials=aws.credentials, retry=retry
        )
