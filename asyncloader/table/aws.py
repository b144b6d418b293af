"""The one door to aioboto3: session, credentials, region, endpoint and the control plane."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from asyncloader.table import refusals
from asyncloader.values.errors import AccessError, TableError
from asyncloader.values.schema import KeyAttribute, Table
from asyncloader.values.settings import AwsSettings, CreateSettings, RetrySettings
from asyncloader.wire.connection import Address
from asyncloader.wire.sigv4 import Credentials

CREATE_WAIT_S = 300.0


class SessionCredentials:
    """The credentials of a session, refreshed by aioboto3 and loaded anew when the service refuses them."""

    def __init__(self, session: aioboto3.Session, found: Any) -> None:
        self._session = session
        self._found = found
        self._lock = asyncio.Lock()

    async def current(self) -> Credentials:
        """What to sign with now; raises `AccessError` when a refresh fails."""
        try:
            frozen = await self._found.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise refusals.translate(error) from error
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    async def renew(self, refused: Credentials) -> None:
        """Ask the chain of providers again: files and processes are read anew."""
        async with self._lock:
            if await self.current() != refused or self._found.method == "explicit":
                return
            provider = self._session._session.get_component("credential_provider")
            found = await provider.load_credentials()
            if found is not None:
                self._found = found


class Aws:
    """An open way to DynamoDB: what the engine needs to know and the calls that are not the hot path."""

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
    def wants_plain(self) -> bool:
        """Whether only aioboto3's own transport will do: a proxy stands between, or the endpoint has a path."""
        parts = urlsplit(self.endpoint_url)
        return bool(get_environ_proxies(self.endpoint_url).get(parts.scheme)) or parts.path not in ("", "/")

    def address(self) -> Address:
        """Where the lean transport connects; over TLS it trusts what botocore would."""
        parts = urlsplit(self.endpoint_url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return Address(host, parts.port or 80)
        bundle = self._session._session.get_config_variable("ca_bundle") or get_cert_path(True)
        try:
            context = ssl.create_default_context(cafile=bundle)
        except (OSError, ssl.SSLError) as error:
            raise AccessError(f"the CA bundle {bundle} cannot be read ({error}); mend AWS_CA_BUNDLE") from error
        return Address(host, parts.port or 443, context)

    @asynccontextmanager
    async def plain_client(self, workers: int, retry: RetrySettings) -> AsyncIterator[Any]:
        """A client for the plain transport: as many connections as workers, no retries of its own."""
        config = Config(
            max_pool_connections=workers,
            connect_timeout=retry.connect_timeout_s,
            read_timeout=retry.request_timeout_s,
            retries={"total_max_attempts": 1},
        )
        async with self._session.client("dynamodb", endpoint_url=self._settings.endpoint_url, config=config) as client:
            yield client

    async def describe(self, name: str) -> Table:
        """The table's key and indexes; raises `TableError` unless it can be written to."""
        try:
            told = (await self._client.describe_table(TableName=name))["Table"]
        except (BotoCoreError, ClientError) as error:
            raise refusals.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error
        status = told.get("TableStatus", "ACTIVE")
        if status not in ("ACTIVE", "UPDATING"):
            raise TableError(refusals.not_active(name, status))
        return _table(told)

    async def create(self, name: str, create: CreateSettings) -> Table:
        """Create the table on demand and wait until it is active; one that exists already is taken as it is."""
        key = [create.key] if create.sort_key is None else [create.key, create.sort_key]
        try:
            await self._client.create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": each.name, "AttributeType": each.type} for each in key],
                KeySchema=[
                    {"AttributeName": each.name, "KeyType": kind}
                    for each, kind in zip(key, ("HASH", "RANGE"), strict=False)
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUseException":
                raise refusals.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error
        except BotoCoreError as error:
            raise refusals.translate(error, table=name, region=self.region, endpoint=self.endpoint_url) from error
        pause_s = 0.05
        async with asyncio.timeout(CREATE_WAIT_S):
            while True:
                told = (await self._client.describe_table(TableName=name))["Table"]
                if told.get("TableStatus", "ACTIVE") == "ACTIVE":
                    return _table(told)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 2.0)

    async def first_items(self, name: str, count: int) -> list[dict[str, Any]]:
        """A few items in DynamoDB JSON, to show what stands in the table."""
        told = await self._client.scan(TableName=name, Limit=count)
        return list(told["Items"])


def static_session(access_key: str, secret_key: str, region: str) -> aioboto3.Session:
    """A session with these credentials and nothing else."""
    return aioboto3.Session(aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region)


@asynccontextmanager
async def connect(settings: AwsSettings, session: aioboto3.Session | None = None) -> AsyncIterator[Aws]:
    """Open the way to DynamoDB as the AWS tools do; raises `AccessError` when there is no region or no credentials."""
    config = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2, "mode": "standard"})
    try:
        if session is None:
            session = aioboto3.Session(profile_name=settings.profile, region_name=settings.region)
        found = await session.get_credentials()
        if found is None:
            raise AccessError(refusals.NO_CREDENTIALS)
        credentials = SessionCredentials(session, found)
        await credentials.current()
        opened = session.client(
            "dynamodb", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
        )
        client = await opened.__aenter__()
    except (BotoCoreError, ClientError) as error:
        raise refusals.translate(error) from error
    except ValueError as error:  # botocore's own checks of a URL
        raise AccessError(str(error)) from error
    try:
        yield Aws(session, client, settings, credentials)
    finally:
        await opened.__aexit__(None, None, None)


def _table(told: dict[str, Any]) -> Table:
    types = {each["AttributeName"]: each["AttributeType"] for each in told["AttributeDefinitions"]}

    def key(schema: list[dict[str, str]], kind: str) -> KeyAttribute | None:
        names = [each["AttributeName"] for each in schema if each["KeyType"] == kind]
        return KeyAttribute(names[0], types[names[0]]) if names else None

    partition_key = key(told["KeySchema"], "HASH")
    if partition_key is None:
        raise TableError(f"table {told['TableName']!r} has no partition key in its description")
    own = {each["AttributeName"] for each in told["KeySchema"]}
    indexes = [*(told.get("GlobalSecondaryIndexes") or ()), *(told.get("LocalSecondaryIndexes") or ())]
    schemas = [each for index in indexes for each in index["KeySchema"]]
    names = dict.fromkeys(each["AttributeName"] for each in schemas if each["AttributeName"] not in own)
    return Table(
        name=told["TableName"],
        arn=told.get("TableArn", ""),
        partition_key=partition_key,
        sort_key=key(told["KeySchema"], "RANGE"),
        index_keys=tuple(KeyAttribute(name, types[name]) for name in names),
        index_sort_keys=frozenset(each["AttributeName"] for each in schemas if each["KeyType"] == "RANGE"),
    )
