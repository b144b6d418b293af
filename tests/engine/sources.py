"""Loading a few sources whole, for tests that look at the table afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine import loads
from tests.engine.loads import Scene
from tests.faultserver import FaultServer


async def loaded(folder: Path, *sources: Any, **changes: Any) -> tuple[dict[str, Any], Scene]:
    async with FaultServer() as server:
        scene = loads.given(server, folder, *sources)
        report = await scene.run(**changes)
        assert report.complete
        assert report.reconciles
        return scene.items(), scene
