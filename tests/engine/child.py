"""A load in a process of its own, to be killed: `python -m tests.engine.child URL FOLDER [SPLITS]`; resumes if it must."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from asyncloader.values.spread import Spread
from tests.engine.loads import Scene
from tests.faultserver import FaultServer


async def main(url: str, folder: Path, splits: int) -> None:
    server = FaultServer()
    server.url = url
    report = await Scene(server, folder).run(resume=True, workers=4, block_bytes=8192, spread=Spread(splits))
    assert report.complete
    assert report.reconciles


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1))
