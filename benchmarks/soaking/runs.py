"""Running one case to its end, in this process or as the real command, through interruptions of every kind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from asyncloader.compose import run_load
from asyncloader.engine.loading.load import Load
from asyncloader.table.aws import static_session
from asyncloader.values.errors import LoadFailed, UsageError
from asyncloader.values.settings import AwsSettings, RejectLimit
from benchmarks.soaking.scene import OUTAGES, TABLE, Broken, Scene, must
from tests.faultserver import AccessDenied

ROOT = Path(__file__).resolve().parent.parent.parent
REGION, ACCESS_KEY, SECRET_KEY = "us-east-1", "AKIATEST", "secret"
LIMIT_S = 180.0
"""For one run; far more than any needs."""
PROGRAM = """
from functools import partial
import asyncloader.cli.app as app
import asyncloader.cli.commands.load as command
from asyncloader.values.settings import RetrySettings
command.LoadSettings = partial(command.LoadSettings, block_bytes={block_bytes}, blocks_in_flight={blocks_in_flight}, retry={retry!r})
app.main()
"""
"""The command, but for blocks and patience that fit files of a few KB."""


# In this process.


async def inside(scene: Scene) -> dict[str, Any]:
    """Run the case in this loop, interrupted now and then; returns the counts of the end."""
    chance = scene.case.chance
    for end in chance.choices(
        ["cancel", "interrupt", "denied", "outage", "max-rejects"], k=chance.choice([0, 0, 1, 1, 2, 4])
    ):
        told = await _run_until(scene, end)
        if told is not None:
            return told
    told = await _run_until(scene, "end")
    assert told is not None
    return told


async def _run_until(scene: Scene, end: str) -> dict[str, Any] | None:
    """One run up to some kind of end; returns the counts if it was the end of all."""
    scene.runs.append(end)
    limit = RejectLimit(rows=len(scene.case.rejects) // 2) if end == "max-rejects" else None
    settings = replace(scene.settings, resume=len(scene.runs) > 1, max_rejects=limit)
    load = Load(scene.case.sources, settings)
    after = scene.some_requests()
    scene.weather.ends_at = after if end in ("denied", "outage") else None
    scene.weather.end = AccessDenied() if end == "denied" else scene.case.chance.choice(OUTAGES)
    running = asyncio.create_task(_load(scene, load))
    try:
        async with asyncio.timeout(LIMIT_S):
            while end in ("cancel", "interrupt") and not running.done() and scene.weather.requests < after:
                await asyncio.sleep(0.001)
            if end == "cancel":
                running.cancel()
            elif end == "interrupt" and load.engine is not None:
                load.interrupt()
            return await running
    except asyncio.CancelledError:
        if (us := asyncio.current_task()) is not None and us.cancelling():
            raise  # not the load is meant, but the soak
        must(end == "cancel", "cancelled by nobody")
    except LoadFailed as failure:
        must(end != "end", f"the last run failed: {failure}")
    except UsageError as error:
        must(end in ("denied", "outage") and not scene.server.log, f"nothing was written, it says: {error}")
    finally:
        running.cancel()
        await asyncio.wait([running])
    return None


async def _load(scene: Scene, load: Load) -> dict[str, Any]:
    session = static_session(ACCESS_KEY, SECRET_KEY, REGION)
    aws = AwsSettings(region=REGION, endpoint_url=scene.server.url, transport=scene.transport)  # type: ignore[arg-type]  # one of its names
    report = await run_load(load, TABLE, aws, session)
    must(report.reconciles, "the report says itself that its counts do not reconcile")
    return report.as_dict()


# As a command.


def command(scene: Scene) -> dict[str, Any]:
    """Run the case as the real command, killed and interrupted now and then; returns its last result."""
    chance = scene.case.chance
    ends = chance.choices(["kill -9", "kill -9", "SIGINT", "SIGTERM", "twice"], k=chance.choice([0, 1, 1, 2, 3, 6]))
    for end in [*ends, "end"]:
        scene.runs.append(end)
        told = _run_command(scene, end)
        if told is not None:
            return told
    raise Broken("the last run did not come to its end")


def _run_command(scene: Scene, end: str) -> dict[str, Any] | None:
    """One run of the command up to some kind of end; returns its result if it was the end of all."""
    chance, settings = scene.case.chance, scene.settings
    program = PROGRAM.format(
        block_bytes=settings.block_bytes, blocks_in_flight=settings.blocks_in_flight, retry=settings.retry
    )
    options = [*scene.case.options(), f"--workers={settings.workers}", f"--transport={scene.transport}", "--json"]
    options += [f"--rejects={settings.rejects}", f"--journal={settings.journal}", "--quiet"]
    options += [f"--endpoint-url={scene.server.url}"] + ["--resume"] * (len(scene.runs) > 1)
    options += ["--utilization=off"] if settings.pacing.utilization is None else []
    options += [] if settings.pacing.max_wcu is None else [f"--max-wcu={settings.pacing.max_wcu:g}"]
    sources = [str(source) for source in scene.case.sources]
    process = subprocess.Popen(
        [sys.executable, "-c", program, "load", TABLE, *sources, *options],
        env=_environment(), cwd=scene.folder, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        if end != "end":
            # Most of the time in the middle of the writing, now and then before it.
            early = time.monotonic() + (chance.uniform(0.05, 1.5) if chance.random() < 0.2 else LIMIT_S)
            after = scene.some_requests()
            while process.poll() is None and scene.weather.requests < after and time.monotonic() < early:
                time.sleep(0.001)
            _strike(process, end, chance)
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
        process.communicate()
    code = process.returncode
    if code in (0, 1) and out:
        told = json.loads(out)
        must(isinstance(told, dict) and told["complete"], f"exit code {code}, and yet not complete: {out}")
        must(code == bool(told["rows_rejected"]), f"exit code {code} with {told['rows_rejected']} rejects")
        return dict(told)
    struck = {"kill -9": (-9,), "SIGINT": (130, -2), "SIGTERM": (130, -15), "twice": (130, -2)}
    must(code in struck.get(end, ()), f"exit code {code} after {end}: {err.strip()}")
    must("Traceback" not in err or code != 130, f"a traceback after {end}: {err.strip()}")
    return None


def _strike(process: subprocess.Popen[str], end: str, chance: Random) -> None:
    first = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM}.get(end, signal.SIGINT)
    process.send_signal(first)
    if end == "twice":
        time.sleep(chance.uniform(0, 0.02))
        process.send_signal(signal.SIGINT)


def _environment() -> dict[str, str]:
    """Nothing of the machine's own AWS set-up has a say."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("AWS_", "BOTO"))}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    own = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": REGION}
    return {**kept, **own, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(ROOT)}
