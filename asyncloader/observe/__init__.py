"""Ready observers for the hooks: logging, OpenTelemetry and Prometheus.

Each module needs its own library only when it is imported. An observer has a method for each hook:

    from asyncloader.observe import hooks
    from asyncloader.observe.logs import LogEvents
    from asyncloader.observe.otel import OtelMetrics

    async with asyncloader.BatchWriter("events", **hooks(LogEvents(), OtelMetrics())) as writer: ...
"""

from asyncloader.observe.observer import Observer, hooks

__all__ = ["Observer", "hooks"]
