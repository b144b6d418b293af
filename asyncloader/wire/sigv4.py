"""AWS Signature Version 4 for one operation on one host: pure, and as little work per request as the rules allow.

Of a request only the date and the body change, so everything else is prepared once, and the signing key is kept
for the day. Four headers are signed (content-type, host, x-amz-date, x-amz-target), and the session token where
there is one. Source of the rules: "Signature Version 4 signing process" in the AWS General Reference.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field
from hashlib import sha256


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
        self._key = b""
        self._authorization = ""
        self._second = -1
        self._date = ""

    def head(self, body: bytes, now: float) -> bytes:
        """The head of a request with this body, at `now` seconds since the epoch."""
        if int(now) != self._second:
            self._turn(int(now))
        canonical = f"{self._before_date}{self._date}{self._behind_date}{sha256(body).hexdigest()}"
        to_sign = f"AWS4-HMAC-SHA256\n{self._date}\n{self._scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        return (
            f"{self._head}content-length: {len(body)}\r\nx-amz-date: {self._date}\r\n{self._authorization}{signature}\r\n\r\n"
        ).encode()

    def _turn(self, second: int) -> None:
        """Go on to another second, and to another day's key when the day has changed."""
        self._second = second
        moment = time.gmtime(second)
        self._date = time.strftime("%Y%m%dT%H%M%SZ", moment)
        day = self._date[:8]
        if day == self._day:
            return
        self._day = day
        self._scope = f"{day}/{self._region}/{self._service}/aws4_request"
        key = f"AWS4{self.credentials.secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = key
        self._authorization = (
            f"authorization: AWS4-HMAC-SHA256 Credential={self.credentials.access_key}/{self._scope}, "
            f"SignedHeaders={self._signed}, Signature="
        )
