"""What botocore raises, as one line that says what, where and what to do."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import botocore.exceptions as boto
from botocore.parsers import ResponseParserError

from asyncloader.values.errors import AccessError, AsyncLoaderError, TableError, TableMissing
from asyncloader.wire.response import first_paragraph

NO_CREDENTIALS = (
    "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run 'aws configure', or name a --profile "
    "(--local needs none)"
)
NO_REGION = "no AWS region; say --region, or set AWS_DEFAULT_REGION (--local needs none)"


_BUSY = "is being changed by somebody else"
_WHERE = "check --endpoint-url, --region and your network"


def not_active(table: str, status: str) -> str:
    """The line for a table that exists but takes no writes."""
    now = {
        "CREATING": "is still being created; try again when it is ACTIVE",
        "DELETING": "is being deleted; wait until it is gone and create it anew, or name another table",
    }.get(status, f"has the status {status}; try again when it is ACTIVE")
    return f"table {table!r} {now}. Nothing was written"


def no_table_name(name: str) -> str:
    """The line for what can be no table's name (docs/dynamodb.md#table-names)."""
    return f"{name!r} is no name of a table; it has 3 to 255 letters, digits, '_', '-' or '.', or it is a table's ARN"


def not_dynamodb(endpoint: str) -> str:
    """The line for an endpoint that answers, but not as DynamoDB does."""
    return f"{endpoint} answers, but it is not DynamoDB; check --endpoint-url"


def is_busy(error: Exception) -> bool:
    """Whether a change was refused because another one is under way."""
    return code_of(error.__cause__) == "ResourceInUseException" if isinstance(error.__cause__, Exception) else False


def code_of(error: Exception) -> str:
    """The service's own code for an error, or an empty text."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, boto.ClientError) else ""


def translate(error: Exception, *, table: str = "", region: str = "", endpoint: str = "") -> AsyncLoaderError:
    """The error of this package that a botocore error means."""
    if isinstance(error, boto.ClientError):
        error.args = (first_paragraph(str(error)),)  # a traceback shows it
        return _refused(error, table, region, endpoint)
    if isinstance(error, ResponseParserError):
        return AccessError(not_dynamodb(endpoint))
    if isinstance(error, boto.ParamValidationError):
        return TableError(f"{table!r} is no name of a table: {_line(error)}")
    return AccessError(_unreached(error, endpoint) or _unasked(error))


def _unasked(error: Exception) -> str:
    """What went wrong before anything was sent: credentials, region, configuration."""
    if isinstance(error, boto.NoCredentialsError):
        return NO_CREDENTIALS
    if isinstance(error, boto.NoRegionError):
        return NO_REGION
    if isinstance(error, boto.PartialCredentialsError):
        return f"incomplete AWS credentials: {_line(error)}; set both the access key and the secret key"
    if isinstance(error, boto.ProfileNotFound):
        return f"{_line(error)}; name another --profile, or add it to your AWS configuration"
    if isinstance(error, boto.ConfigParseError):
        return f"{_line(error)}; mend that file, or name another by AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE"
    if isinstance(error, boto.InvalidRegionError):
        return f"{_line(error)} Say --region, for example --region eu-west-1"
    if isinstance(error, boto.CredentialRetrievalError | boto.TokenRetrievalError | boto.SSOError):
        return f"no AWS credentials: {_line(error).rstrip(':.')}; sign in again, or mend your AWS configuration"
    return f"{_line(error)} (from botocore, {type(error).__name__}); check your AWS configuration"


def _unreached(error: Exception, endpoint: str) -> str:
    """Why there is no answer; empty if the error is of another kind."""
    cause = _cause(error)
    if isinstance(error, boto.ProxyConnectionError):
        return f"the proxy does not let us through to {endpoint} ({cause}); check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
    if isinstance(error, boto.SSLError):
        if "WRONG_VERSION_NUMBER" in cause or "RECORD_LAYER" in cause:
            return f"{endpoint} does not speak TLS ({cause}); if it is plain HTTP, write http:// in --endpoint-url"
        return f"TLS to {endpoint} failed ({cause}); for a private CA set AWS_CA_BUNDLE"
    if isinstance(error, boto.ConnectTimeoutError | boto.ReadTimeoutError):
        return f"{endpoint} does not answer in time; {_WHERE}"
    if isinstance(error, boto.ConnectionClosedError):
        hint = "; if it wants TLS, write https:// in --endpoint-url" if endpoint.startswith("http:") else ""
        return f"{endpoint} closes the connection without an answer ({cause}){hint or f'; {_WHERE}'}"
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        return f"cannot connect to {endpoint} ({cause}); {_WHERE}"
    return ""


def _refused(error: boto.ClientError, table: str, region: str, endpoint: str) -> AsyncLoaderError:
    description = error.response.get("Error", {})
    # The first paragraph is enough; where a signature is wrong, pages of canonical strings follow.
    code, message = (
        description.get("Code", ""),
        " ".join(str(description.get("Message", "")).partition("\n\n")[0].split()),
    )
    operation = error.operation_name
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "ResourceNotFoundException":
        return TableMissing(
            f"there is no table {table!r} in {region} ({endpoint}); create it, or say --create --key NAME[:S|N|B]"
        )
    if code == "ResourceInUseException":
        return TableError(f"table {table!r} {_BUSY} ({message}); try again when it is ACTIVE")
    if code == "LimitExceededException":
        return TableError(
            f"table {table!r}: {message.rstrip('.')}; wait until AWS allows it, or ask for a higher quota"
        )
    if code in ("AccessDeniedException", "AccessDenied"):
        return AccessError(
            f"access denied: {message or operation}; allow dynamodb:{operation} on the table for these credentials"
        )
    if code in (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
    ):
        return AccessError(
            f"the AWS credentials are not accepted ({code}: {message}); check the access key, the secret key and the clock"
        )
    if code in ("ExpiredTokenException", "ExpiredToken"):
        return AccessError(f"the AWS session token has expired ({message}); sign in again")
    if code == "ValidationException" and table:
        return TableError(f"table {table!r}: {message}")
    if status == 407:
        return AccessError(
            f"the proxy does not let us through to {endpoint} ({status} Proxy Authentication Required); "
            "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
        )
    if code.isdecimal():  # botocore's placeholder where the body has no code: what answers is not the service
        return AccessError(not_dynamodb(f"{endpoint} (HTTP {status})"))
    what_now = "try again later" if status >= 500 else _WHERE
    return AccessError(
        f"{operation} on {endpoint or region} was refused ({code or status}: {message or 'no message'}); {what_now}"
    )


def _cause(error: Exception) -> str:
    """The words that say why a connection failed: those nearest to the network that say anything."""
    inner = getattr(error, "kwargs", {}).get("error")
    deepest: BaseException = inner if isinstance(inner, BaseException) else error
    words = _words(deepest)
    while (below := deepest.__cause__ or deepest.__context__) is not None:
        deepest = below
        words = _words(deepest) or words
    return words or type(error).__name__


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        # aiohttp's own kinds of it are made without its attributes.
        return _line(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error)
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved: {error.strerror}"
    if isinstance(error, OSError) and error.errno and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return _line(error)


def _line(text: object) -> str:
    return " ".join(str(text).split())
