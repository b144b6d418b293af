"""TLS as botocore sets it up, with nothing left unchecked: for our own connections and for aioboto3's.

aiobotocore leaves out what urllib3 does for botocore: it does not compare the certificate with the host's name, and
behind a proxy it checks no certificate at all. A client made with `CheckedSession` does both.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

from aiobotocore.httpsession import AIOHTTPSession
from botocore.httpsession import get_cert_path

from asyncloader.values.errors import AccessError


def bundle(configured: str | None) -> str:
    """The file of trusted CAs: as configured (AWS_CA_BUNDLE or `ca_bundle`), else REQUESTS_CA_BUNDLE, else botocore's."""
    return configured or os.environ.get("REQUESTS_CA_BUNDLE") or str(get_cert_path(True))


def context(path: str) -> ssl.SSLContext:
    """A context that trusts these CAs; raises `AccessError` when they cannot be read."""
    try:
        return _context(path, os.stat(path).st_mtime_ns)
    except (OSError, ssl.SSLError) as error:
        cause = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else error
        raise AccessError(f"the CA bundle {path} cannot be read ({cause}); mend AWS_CA_BUNDLE") from error


@lru_cache(maxsize=2)
def _context(path: str, changed_ns: int) -> ssl.SSLContext:
    """Read once, as there are more than a hundred certificates in the usual file: a twentieth of a second."""
    return ssl.create_default_context(cafile=path)


class CheckedSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore ships no types
    """aiobotocore's HTTP session, which also checks the host's name, and certificates behind a proxy."""

    def _get_ssl_context(self) -> ssl.SSLContext:
        made: ssl.SSLContext = super()._get_ssl_context()
        made.check_hostname = True
        return made

    def _setup_proxy_ssl_context(self, proxy_url: str) -> ssl.SSLContext:
        made: ssl.SSLContext | None = super()._setup_proxy_ssl_context(proxy_url)
        return made or self._get_ssl_context()
