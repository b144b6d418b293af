"""Follows a table's description while a load runs: capacity that is raised or lowered meanwhile holds within seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from asyncloader.engine.loading.load import Load
from asyncloader.pacing.limits import limits_of
from asyncloader.values.errors import AsyncLoaderError
from asyncloader.values.schema import Table

log = logging.getLogger("asyncloader")

LOOK_AGAIN_S = 3.0
"""Between two descriptions, for as long as the description is what sets the pace."""


async def follow(load: Load, describe: Callable[[], Awaitable[Table]]) -> None:
    """Ask for the description again and again until cancelled; one that cannot be had changes nothing."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        paced, counts = load.turnstile, load.counts
        is_under_way = counts.rows_settled < counts.rows_read
        # What is set back at the end of a load does not change its pace any more.
        if paced is None or not paced.is_described or not is_under_way:
            continue
        try:
            limits = limits_of(await describe(), load.settings.pacing)
        except AsyncLoaderError as error:
            log.debug("the table's description cannot be had again: %s", error)
            continue
        if limits is not None and paced.relimit(limits):
            log.info("the table's capacity has changed; paced to %s", paced.pace)
