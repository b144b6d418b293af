"""The same requests through an aioboto3 client, for proxies and endpoints with a path."""

from __future__ import annotations

import base64
from typing import Any

import botocore.exceptions as boto
import orjson
from botocore.parsers import ResponseParserError

from asyncloader.values.errors import ConnectionFailed, CredentialsRefused, ServiceError, ServiceUnavailable
from asyncloader.wire.native import CredentialSource
from asyncloader.wire.response import BatchWriteResult, TypedItem, consumed, error_of, first_paragraph, item_of
from asyncloader.wire.transport import ConsumedCapacityMode, Payload


class Aioboto3TransportFactory:
    """One client, shared by all writers; it pools its connections itself."""

    def __init__(self, client: Any, table: str, credentials: CredentialSource) -> None:
        self.capacity_mode = ConsumedCapacityMode()
        self._client = client
        self._table = table
        self._credentials = credentials

    def transport(self) -> Aioboto3Transport:
        return Aioboto3Transport(self._client, self._table, self._credentials, self.capacity_mode)


class Aioboto3Transport:
    """One writer's use of the shared client."""

    def __init__(
        self, client: Any, table: str, credentials: CredentialSource, capacity_mode: ConsumedCapacityMode
    ) -> None:
        self._capacity_mode = capacity_mode
        self._client = client
        self._table = table
        self._credentials = credentials

    async def send(self, payload: Payload) -> BatchWriteResult:
        """Send one request by `client.batch_write_item`."""
        requests = orjson.loads(b"[" + b",".join(payload) + b"]")
        for request in requests:
            _binary(item_of(request), decode=True)
        detail = self._capacity_mode.mode
        try:
            response = await self._client.batch_write_item(
                RequestItems={self._table: requests}, ReturnConsumedCapacity=detail
            )
        except boto.ClientError as error:
            error.args = (first_paragraph(str(error)),)  # a traceback shows it
            translated = await self._translated(error)
            if self._capacity_mode.step_down(translated, detail):
                return await self.send(payload)
            raise translated from error
        except boto.ConnectionError as error:
            raise ConnectionFailed("ConnectFailed", str(error)) from error
        except (boto.HTTPClientError, ResponseParserError, boto.ChecksumError) as error:
            raise ServiceUnavailable(type(error).__name__, " ".join(str(error).split())) from error
        if "UnprocessedItems" not in response:
            # botocore reads anything that is not JSON as an empty answer; that acknowledges nothing.
            raise ServiceUnavailable("BrokenAnswer", "the answer is not DynamoDB's", status=200)
        wcu, by_index = consumed(response.get("ConsumedCapacity") or ())
        returned = [
            item_of(request) for group in (response.get("UnprocessedItems") or {}).values() for request in group
        ]
        for item in returned:
            _binary(item, decode=False)
        return BatchWriteResult(wcu, tuple(returned), by_index)

    async def close(self) -> None:
        """It has nothing of its own to close."""

    async def _translated(self, error: boto.ClientError) -> ServiceError:
        description, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        reasons = error.response.get("ThrottlingReasons") or error.response.get("throttlingReasons") or ()
        translated = error_of(
            description.get("Code", ""),
            description.get("Message", ""),
            status=meta.get("HTTPStatusCode", 0),
            date=meta.get("HTTPHeaders", {}).get("date", ""),
            request_id=meta.get("RequestId", ""),
            throttling=reasons,
        )
        if isinstance(translated, CredentialsRefused):
            await self._credentials.renew(await self._credentials.current())
        return translated


def _binary(values: TypedItem, *, decode: bool) -> None:
    """Turn the base64 texts of B and BS into bytes, as botocore takes them, or back."""
    for value in values.values():
        kind, held = next(iter(value.items()))
        if kind == "B":
            value["B"] = _turn(held, decode)
        elif kind == "BS":
            value["BS"] = [_turn(member, decode) for member in held]
        elif kind == "M":
            _binary(held, decode=decode)
        elif kind == "L":
            for member in held:
                _binary({"": member}, decode=decode)


def _turn(held: Any, decode: bool) -> Any:
    return base64.b64decode(held) if decode else base64.b64encode(held).decode()
