"""Metrics for Prometheus; needs `asyncloader[prometheus]`. How they are served is for the program."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from asyncloader.observe import conventions as names
from asyncloader.values.hooks import BatchSent, Rejection, Retry


def _plain(name: str) -> str:
    return name.replace(".", "_")


_SAME = (_plain(names.SYSTEM), _plain(names.OPERATION), _plain(names.COLLECTION))
_WITH_ERROR = (*_SAME, _plain(names.ERROR))


class PrometheusMetrics:
    """Counts events in a registry; of all writers and loads of a program one is enough, since tables are a label."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        def counter(name: str, labels: tuple[str, ...] = _SAME) -> Counter:
            return Counter(_plain(name), names.DESCRIPTIONS[name], labels, registry=registry)

        self._duration = Histogram(
            _plain(names.DURATION),
            names.DESCRIPTIONS[names.DURATION],
            _WITH_ERROR,
            unit="seconds",
            buckets=names.DURATION_BOUNDARIES_S,
            registry=registry,
        )
        self._capacity = counter(names.CAPACITY)
        self._written = counter(names.WRITTEN)
        self._retried = counter(names.RETRIED, _WITH_ERROR)
        self._rejected = counter(names.REJECTED)

    def on_reject(self, rejection: Rejection, /) -> None:
        """One more item was rejected."""
        self._rejected.labels(*_labels(rejection.table)).inc()

    def on_retry(self, retry: Retry, /) -> None:
        """Items will be sent again, because of `error_type`."""
        self._retried.labels(*_labels(retry.table), retry.code).inc(retry.items)

    def on_batch(self, batch: BatchSent, /) -> None:
        """A request has ended; `error_type` says how if it was refused, and is empty if not."""
        labels = _labels(batch.table)
        self._written.labels(*labels).inc(batch.written)
        self._capacity.labels(*labels).inc(batch.consumed_wcu)
        self._duration.labels(*labels, batch.code or "").observe(batch.elapsed_s)


def _labels(table: str) -> tuple[str, str, str]:
    return names.SYSTEM_VALUE, names.OPERATION_VALUE, table
