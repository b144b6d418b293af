"""Metrics for OpenTelemetry; needs `asyncloader[otel]`, which is its API alone. What exports them is for the program."""

from __future__ import annotations

from opentelemetry import metrics

from asyncloader.observe import conventions as names
from asyncloader.values.hooks import BatchSent, Rejection, Retry


class OtelMetrics:
    """Counts events by a meter of the given provider, or of the global one."""

    def __init__(self, meter_provider: metrics.MeterProvider | None = None) -> None:
        meter = metrics.get_meter("asyncloader", meter_provider=meter_provider)

        def counter(name: str, unit: str) -> metrics.Counter:
            return meter.create_counter(name, unit=unit, description=names.DESCRIPTIONS[name])

        self._duration = meter.create_histogram(
            names.DURATION,
            unit="s",
            description=names.DESCRIPTIONS[names.DURATION],
            explicit_bucket_boundaries_advisory=names.DURATION_BOUNDARIES_S,
        )
        self._capacity = counter(names.CAPACITY, "{WCU}")
        self._written = counter(names.WRITTEN, "{item}")
        self._retried = counter(names.RETRIED, "{item}")
        self._rejected = counter(names.REJECTED, "{item}")

    def on_reject(self, rejection: Rejection, /) -> None:
        """One more item was rejected."""
        self._rejected.add(1, _attributes(rejection.table))

    def on_retry(self, retry: Retry, /) -> None:
        """Items will be sent again, because of `error.type`."""
        self._retried.add(retry.items, _attributes(retry.table) | {names.ERROR: retry.code})

    def on_batch(self, batch: BatchSent, /) -> None:
        """A request has ended; `error.type` says how if it was refused."""
        attributes = _attributes(batch.table)
        self._written.add(batch.written, attributes)
        self._capacity.add(batch.consumed_wcu, attributes)
        if batch.code is not None:
            attributes[names.ERROR] = batch.code
        self._duration.record(batch.elapsed_s, attributes)


def _attributes(table: str) -> dict[str, str]:
    return {names.SYSTEM: names.SYSTEM_VALUE, names.OPERATION: names.OPERATION_VALUE, names.COLLECTION: table}
