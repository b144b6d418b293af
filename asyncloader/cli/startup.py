"""What the command saves at each start, since nothing in it needs that: a quarter of a second, and 60 MB."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder

from asyncloader.values.errors import UsageError


def without_spinning_threads() -> None:
    """numpy's BLAS would start a thread for each core, and each of them spins for a tenth of a second."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def without_default_certificates() -> Iterator[None]:
    """Imports aiohttp without the system's CAs, which it would read twice, a tenth of a second, for its defaults.

    Nobody connects by these: aiobotocore and the native transport bring contexts of their own (`table.tls`). Should
    somebody do so all the same, no certificate would be trusted, rather than any.
    """
    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, os.devnull))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


class _NoPandas(MetaPathFinder):
    """Finds no pandas. Arrow imports it wherever it is installed, which costs half a second and 40 MB for nothing."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("the command has no use for pandas", name=fullname)


def slim_arrow() -> None:
    """Arrow without pandas, and with the allocator that gives back what was freed, where it is built in: the default one
    keeps some 20 MB of it."""
    import pyarrow

    sys.meta_path.insert(0, _NoPandas())
    with suppress(NotImplementedError):
        pyarrow.set_memory_pool(pyarrow.jemalloc_memory_pool())


def set_log_level(name: str) -> None:
    """Log to stderr from that level on; raises `UsageError` for a word that is none."""
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise UsageError(f"--log-level takes debug, info, warning or error, not {name!r}")
    logging.basicConfig(stream=sys.stderr, format="asyncloader: %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("asyncloader").setLevel(level)
