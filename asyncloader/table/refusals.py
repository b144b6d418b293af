"""What botocore raises, as one line that says what, where and what to do."""

from __future__ import annotations

import botocore.exceptions as boto

from asyncloader.values.errors import AccessError, AsyncLoaderError, TableError, TableMissing

NO_CREDENTIALS = (
    "no AWS credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run 'aws configure', or name a --profile "
    "(--local needs none)"
)
NO_REGION = "no AWS region; say --region, or set AWS_DEFAULT_REGION (--local needs none)"


def not_active(table: str, status: str) -> str:
    """The line for a table that exists but takes no writes."""
    now = {"CREATING": "is still being created; try again when it is ACTIVE", "DELETING": "is being deleted"}.get(
        status, f"has the status {status}"
    )
    return f"table {table!r} {now}; nothing was written"


def translate(error: Exception, *, table: str = "", region: str = "", endpoint: str = "") -> AsyncLoaderError:
    """The error of this package that a botocore error means."""
    if isinstance(error, boto.ClientError):
        return _refused(error, table, region, endpoint)
    if isinstance(error, boto.NoCredentialsError):
        return AccessError(NO_CREDENTIALS)
    if isinstance(error, boto.PartialCredentialsError):
        return AccessError(f"incomplete AWS credentials: {error}; set both the access key and the secret key")
    if isinstance(error, boto.NoRegionError):
        return AccessError(NO_REGION)
    if isinstance(error, boto.ProfileNotFound):
        return AccessError(f"{error}; name another --profile, or add it to your AWS configuration")
    if isinstance(error, boto.ProxyConnectionError):
        return AccessError(
            f"the proxy does not let us through to {endpoint} ({_cause(error)}); check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
        )
    if isinstance(error, boto.SSLError):
        return AccessError(f"TLS to {endpoint} failed ({_cause(error)}); for a private CA set AWS_CA_BUNDLE")
    if isinstance(error, boto.ConnectTimeoutError | boto.ReadTimeoutError):
        return AccessError(f"{endpoint} does not answer in time; check --endpoint-url, --region and your network")
    if isinstance(error, boto.HTTPClientError):
        return AccessError(
            f"cannot connect to {endpoint} ({_cause(error)}); check --endpoint-url, --region and your network"
        )
    if isinstance(error, boto.ParamValidationError):
        return TableError(f"{table!r} is no name of a table: {' '.join(str(error).split())}")
    return AccessError(" ".join(str(error).split()))


def _refused(error: boto.ClientError, table: str, region: str, endpoint: str) -> AsyncLoaderError:
    told = error.response.get("Error", {})
    code, message = told.get("Code", ""), " ".join(str(told.get("Message", "")).split())
    operation = error.operation_name
    if code == "ResourceNotFoundException":
        return TableMissing(
            f"there is no table {table!r} in {region} ({endpoint}); create it, or say --create --key NAME[:S|N|B]"
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
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    return AccessError(f"{operation} on {endpoint or region} was refused ({code or status}: {message or 'no message'})")


def _cause(error: Exception) -> str:
    """The words that say why a connection failed, from the deepest error that has any."""
    deepest: BaseException = error
    inner = getattr(error, "kwargs", {}).get("error")
    if isinstance(inner, BaseException):
        deepest = inner
    while (below := deepest.__cause__ or deepest.__context__) is not None:
        deepest = below
    if isinstance(deepest, OSError) and deepest.strerror:
        return deepest.strerror
    return " ".join(str(deepest).split()) or type(deepest).__name__
