"""What `--log-level` asks for."""

from __future__ import annotations

import logging
import sys

from asyncloader.values.errors import UsageError


def set_log_level(name: str) -> None:
    """Log to stderr from that level on; raises `UsageError` for a word that is none."""
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise UsageError(f"--log-level takes debug, info, warning or error, not {name!r}")
    logging.basicConfig(stream=sys.stderr, format="asyncloader: %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("asyncloader").setLevel(level)
