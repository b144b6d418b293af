"""Signature version 4, checked as the service checks it.

Written from the AWS General Reference ("Create a signed AWS API request"), on hashlib and hmac alone, so that
the tests do not hold a signer against itself.
"""

from __future__ import annotations

import hmac
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from time import gmtime, strftime, strptime

from .errors import SERVICE, ServiceError
from .http import Request

MAX_SKEW_S = 300
_ALGORITHM = "AWS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"
_INVALID_TOKEN = "The security token included in the request is invalid."
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret, with the session token that must come with it, and whether it has expired."""

    secret: str
    token: str | None = None
    expired: bool = False


def verify(request: Request, credentials: Mapping[str, str | Credential], now: float) -> None:
    """Refuse a request whose signature, date or token is not right."""
    header = request.headers.get("authorization", "")
    if not header.startswith("AWS4-"):
        raise _refusal("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    parts = _parts(header, request)
    stamp = request.headers["x-amz-date"]
    _check_date(stamp, now)
    signed = parts["SignedHeaders"].split(";")
    _check_signed(signed, request)
    access_key, day, region, scope = _check_scope(parts["Credential"], stamp)
    known = credentials.get(access_key)
    if known is None:
        raise _refusal("UnrecognizedClientException", _INVALID_TOKEN)
    credential = known if isinstance(known, Credential) else Credential(known)

    canonical = _canonical_request(request, signed)
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode('latin-1')).hexdigest()}"
    expected = hmac.new(signing_key(credential.secret, day, region), text.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected, parts["Signature"]):
        raise _refusal(
            "InvalidSignatureException",
            f"{_MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
            f"The String-to-Sign should have been\n'{text}'\n",
        )
    if request.headers.get("x-amz-security-token") != credential.token:
        raise _refusal("UnrecognizedClientException", _INVALID_TOKEN)
    if credential.expired:
        raise _refusal("ExpiredTokenException", "The security token included in the request is expired")


@lru_cache(maxsize=64)
def signing_key(secret: str, day: str, region: str) -> bytes:
    """The key for one day, region and the service dynamodb."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.new(key, part.encode(), sha256).digest()
    return key


def _parts(header: str, request: Request) -> dict[str, str]:
    algorithm, _, rest = header.partition(" ")
    pairs = [pair.strip().partition("=") for pair in rest.split(",")]
    parts = {name: value for name, _, value in pairs}
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    complaint = "".join(f"Authorization header requires '{name}' parameter. " for name in missing)
    if "x-amz-date" not in request.headers:
        complaint += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    if complaint:
        raise _refusal("IncompleteSignatureException", f"{complaint}Authorization={header}")
    if algorithm != _ALGORITHM:
        raise _refusal(
            "IncompleteSignatureException",
            f"Unsupported AWS 'algorithm': '{algorithm}' (only AWS4-HMAC-SHA256 for now). ",
        )
    return parts


def _check_date(stamp: str, now: float) -> None:
    try:
        sent = timegm(strptime(stamp, _STAMP))
    except ValueError:
        raise _refusal(
            "IncompleteSignatureException",
            f"Date must be in ISO-8601 'basic format'. Got '{stamp}'. See http://en.wikipedia.org/wiki/ISO_8601",
        ) from None
    here, minutes = strftime(_STAMP, gmtime(now)), MAX_SKEW_S // 60
    if sent < now - MAX_SKEW_S:
        limit = strftime(_STAMP, gmtime(now - MAX_SKEW_S))
        message = f"Signature expired: {stamp} is now earlier than {limit} ({here} - {minutes} min.)"
        raise _refusal("InvalidSignatureException", message)
    if sent > now + MAX_SKEW_S:
        limit = strftime(_STAMP, gmtime(now + MAX_SKEW_S))
        message = f"Signature not yet current: {stamp} is still later than {limit} ({here} + {minutes} min.)"
        raise _refusal("InvalidSignatureException", message)


def _check_signed(signed: list[str], request: Request) -> None:
    if "host" not in signed:
        raise _refusal("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in signed]
    absent = [name for name in signed if name not in request.headers]
    if unsigned or absent or signed != sorted(signed):
        raise _refusal(
            "InvalidSignatureException",
            f"SignedHeaders must be sorted and name what is sent: unsigned {unsigned}, absent {absent}",
        )


def _check_scope(credential: str, stamp: str) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5:
        raise _refusal(
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential}'",
        )
    access_key, day, region, service, end = parts
    complaints = []
    if not region:
        complaints.append(f"Credential should be scoped to a valid region, not '{region}'. ")
    if service != "dynamodb":
        complaints.append("Credential should be scoped to correct service: 'dynamodb'. ")
    if end != "aws4_request":
        complaints.append(f"Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'. ")
    if day != stamp[:8]:
        complaints.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{day}' != '{stamp[:8]}', from '{stamp}'."
        )
    if complaints:
        raise _refusal("InvalidSignatureException", "".join(complaints))
    return access_key, day, region, "/".join(parts[1:])


def _canonical_request(request: Request, signed: list[str]) -> str:
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed)
    digest = sha256(request.body).hexdigest()
    return f"{request.method}\n{request.path}\n\n{headers}\n{';'.join(signed)}\n{digest}"


def _refusal(code: str, message: str) -> ServiceError:
    return ServiceError(code, message, namespace=SERVICE)
