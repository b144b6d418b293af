"""The native transport: SigV4 with a cached key, httptools, one connection per writer."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Protocol

from asyncloader.values.errors import ClockSkewed, CredentialsRefused, ServiceError, ServiceUnavailable
from asyncloader.values.settings import RetrySettings
from asyncloader.wire.connection import Address, Connection, HttpResponse, WriteCoalescer
from asyncloader.wire.response import BatchWriteResult, read_error, read_success
from asyncloader.wire.sigv4 import Credentials, Signer
from asyncloader.wire.transport import TARGET, Envelope, Payload


class CredentialSource(Protocol):
    """Where credentials come from."""

    async def current(self) -> Credentials:
        """The credentials to sign with; those that run out soon are refreshed first."""
        ...

    async def renew(self, refused: Credentials) -> None:
        """Get others, unless that has happened since `refused` was in use."""
        ...


class NativeTransportFactory:
    """What the native transports of one load share: address, signer, the offset of the server's clock.

    Credentials are looked up again every `LOOK_AGAIN_S` seconds, and after the service has refused them.
    """

    LOOK_AGAIN_S = 1.0

    def __init__(
        self,
        *,
        address: Address,
        region: str,
        table: str,
        credentials: CredentialSource,
        retry: RetrySettings,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.retry = retry
        self.envelope = Envelope(table)
        self.capacity_mode = self.envelope.capacity_mode
        self.coalescer = WriteCoalescer()
        self._region = region
        self._credentials = credentials
        self._clock = clock
        self._monotonic = monotonic
        self._skew_s = 0.0
        self._signer: Signer | None = None
        self._look_again = 0.0

    def transport(self) -> NativeTransport:
        return NativeTransport(self)

    def now(self) -> float:
        """Seconds since the epoch by the server's clock, as far as it is known."""
        return self._clock() + self._skew_s

    def follow(self, server_time: float) -> None:
        """Take the server's clock for ours from now on."""
        self._skew_s = server_time - self._clock()

    def signer(self) -> Signer | None:
        """The signer, unless its credentials must be looked up again."""
        return self._signer if self._monotonic() < self._look_again else None

    async def refused(self, credentials: Credentials) -> None:
        """The service does not take `credentials` any more."""
        await self._credentials.renew(credentials)
        self._look_again = 0.0

    async def fresh_signer(self) -> Signer:
        """The signer for the credentials that hold now."""
        credentials = await self._credentials.current()
        self._look_again = self._monotonic() + self.LOOK_AGAIN_S
        if self._signer is None or self._signer.credentials != credentials:
            self._signer = Signer(
                credentials, host=self.address.host_header, region=self._region, service="dynamodb", target=TARGET
            )
        return self._signer


class NativeTransport:
    """One writer's connection."""

    def __init__(self, factory: NativeTransportFactory) -> None:
        self._factory = factory
        self._connection = Connection(
            factory.address,
            factory.coalescer,
            connect_timeout_s=factory.retry.connect_timeout_s,
            request_timeout_s=factory.retry.request_timeout_s,
        )
        self._last_body: bytes | None = None
        self._last_crc32 = b""
        self._last_result = BatchWriteResult()

    async def send(self, payload: Payload) -> BatchWriteResult:
        """Send one request over the writer's own connection."""
        factory = self._factory
        detail = factory.capacity_mode.mode
        body = factory.envelope.wrap(payload)
        connection = self._connection
        if not connection.is_open:
            await connection.connect()
        signer = factory.signer() or await factory.fresh_signer()
        response = await connection.request(signer.head(body, factory.now()) + body)
        if response.status == 200:
            return self._success(response)
        error = self._error(response)
        if factory.capacity_mode.step_down(error, detail):
            return await self.send(payload)
        if isinstance(error, ClockSkewed):
            factory.follow(error.server_time)
        elif isinstance(error, CredentialsRefused):
            await factory.refused(signer.credentials)
        raise error

    async def close(self) -> None:
        self._connection.close()

    def _success(self, response: HttpResponse) -> BatchWriteResult:
        """The answer in a 200, whose checksum must be right (docs/dynamodb.md#wire-format).

        Most answers are the same to the last byte; such a one has been checked and read before.
        """
        if response.body == self._last_body and response.has(self._last_crc32):
            return self._last_result
        checksum = response.header(b"x-amz-crc32")
        if checksum is not None and checksum != b"%d" % zlib.crc32(response.body):
            raise ServiceUnavailable("CRC32Mismatch", "the answer's checksum is wrong", status=200)
        result = read_success(response.body)
        if checksum is not None and not result.unprocessed:
            self._last_body, self._last_crc32, self._last_result = response.body, response.line(b"x-amz-crc32"), result
        return result

    @staticmethod
    def _error(response: HttpResponse) -> ServiceError:
        return read_error(
            response.status,
            response.body,
            date=(response.header(b"date") or b"").decode("latin-1"),
            request_id=(response.header(b"x-amzn-requestid") or b"").decode("latin-1"),
        )
