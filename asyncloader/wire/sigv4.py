"""AWS Signature Version 4 for one operation on one host: pure, and as little work per request as the rules allow.

Of a request only the body changes within a second, so everything before its digest is hashed once a second, and the
signing key is kept for the day: a request copies three hash states and adds to each. Four headers are signed
(content-type, host, x-amz-date, x-amz-target), and the session token where there is one. Source of the rules: "Signature
Version 4 signing process" in the AWS General Reference.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field
from hashlib import sha256

_BLOCK_BYTES = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))
"""SHA-256's block, and the pads of HMAC (RFC 2104). OpenSSL's own HMAC looks the digest up anew for every message, which
takes three times as long as the message itself."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; the secrets never show in a repr."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Signer:
    """Makes the head of signed POST requests to `/` of one host."""

    CONTENT_TYPE = "application/x-amz-json-1.0"

    def __init__(self, credentials: Credentials, *, host: str, region: str, service: str, target: str) -> None:
        self.credentials = credentials
        self._host = host
        self._region = region
        self._service = service
        self._target = target
        names = ["content-type", "host", "x-amz-date", "x-amz-target"]
        token_line = ""
        token_header = ""
        if credentials.token:
            names.insert(3, "x-amz-security-token")
            token_line = f"x-amz-security-token:{credentials.token}\n"
            token_header = f"x-amz-security-token: {credentials.token}\r\n"
        signed = ";".join(names)
        self._before_date = f"POST\n/\n\ncontent-type:{self.CONTENT_TYPE}\nhost:{host}\nx-amz-date:"
        self._behind_date = f"\n{token_line}x-amz-target:{target}\n\n{signed}\n"
        self._head = f"POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: {self.CONTENT_TYPE}\r\nx-amz-target: {target}\r\n{token_header}"
        self._signed = signed
        self._day = ""
        self._scope = ""
        self._second = -1
        self._before_signature = b""
        self._inner = self._outer = self._canonical = self._to_sign = sha256()

    def head(self, body: bytes, now: float) -> bytes:
        """The head of a request with this body, at `now` seconds since the epoch."""
        if int(now) != self._second:
            self._turn(int(now))
        canonical, signature, outer = self._canonical.copy(), self._to_sign.copy(), self._outer.copy()
        canonical.update(sha256(body).hexdigest().encode())
        signature.update(canonical.hexdigest().encode())
        outer.update(signature.digest())
        return b"%b%b\r\ncontent-length: %d\r\n\r\n" % (self._before_signature, outer.hexdigest().encode(), len(body))

    def _turn(self, second: int) -> None:
        """Go on to another second, and to another day's key when the day has changed."""
        self._second = second
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        if date[:8] != self._day:
            self._turn_day(date[:8])
        self._canonical = sha256(f"{self._before_date}{date}{self._behind_date}".encode())
        self._to_sign = self._inner.copy()
        self._to_sign.update(f"AWS4-HMAC-SHA256\n{date}\n{self._scope}\n".encode())
        self._before_signature = (
            f"{self._head}x-amz-date: {date}\r\nauthorization: AWS4-HMAC-SHA256 "
            f"Credential={self.credentials.access_key}/{self._scope}, SignedHeaders={self._signed}, Signature="
        ).encode()

    def _turn_day(self, day: str) -> None:
        self._day = day
        self._scope = f"{day}/{self._region}/{self._service}/aws4_request"
        key = f"AWS4{self.credentials.secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner, self._outer = sha256(padded.translate(_INNER)), sha256(padded.translate(_OUTER))
