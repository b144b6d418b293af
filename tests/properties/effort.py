"""How hard to look: examples per property, times ASYNCLOADER_EFFORT for a long hunt.

No deadline, since a machine under load is slow and not wrong.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EFFORT = float(os.environ.get("ASYNCLOADER_EFFORT", "1"))


def _examples(number: int) -> settings:
    return settings(
        max_examples=max(1, int(number * _EFFORT)),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


usual = _examples(100)
thorough = _examples(200)
few = _examples(40)
"""For what starts a server each time."""
