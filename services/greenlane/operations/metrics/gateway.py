"""The gateway's metrics."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from greenlane.operations.metrics.definitions import GATEWAY
from greenlane.operations.metrics.series import OTHER, Series, bounded

_VERDICTS = ("accepted", "refused", "unknown")
_STATUSES = ("200", "207", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503")


class GatewayMetrics:
    """The gateway's figures; known marketplaces and statuses start at 0."""

    def __init__(self, registry: CollectorRegistry, marketplaces: Iterable[str]) -> None:
        series = Series(registry, GATEWAY)
        self._marketplaces = frozenset(marketplaces)
        self._events = series.counter("gateway_events_total")
        self._requests = series.counter("gateway_requests_total")
        self._seconds = series.histogram("gateway_request_seconds")
        self._append = series.histogram("gateway_append_seconds")
        self._documents = series.counter("gateway_documents_total")
        self._held = series.gauge("gateway_held_bytes")
        self._away = series.gauge("gateway_kafka_away")
        self._unconfirmed = series.gauge("gateway_keys_unconfirmed_seconds")
        named = (*sorted(self._marketplaces), OTHER)
        series.start_at_zero("gateway_events_total", ((name, word) for name in named for word in _VERDICTS))
        series.start_at_zero("gateway_requests_total", ((status,) for status in _STATUSES))

    def answered(self, status: int) -> None:
        """A request with events was answered."""
        self._requests.labels(str(status)).inc()

    def judged(self, marketplace: str, verdicts: Counter[str], seconds: float) -> None:
        """The events of a request of this marketplace ended so, after so long."""
        label = bounded(marketplace, self._marketplaces)
        for word, count in verdicts.items():
            self._events.labels(label, word).inc(count)
        self._seconds.observe(seconds)

    def converted(self, vocabulary: str, *, refused: bool) -> None:
        """A document of this vocabulary was converted; `refused` says that a part of it was."""
        self._documents.labels(vocabulary, "part_refused" if refused else "whole").inc()

    def appended(self, seconds: float) -> None:
        """A batch was acknowledged."""
        self._append.observe(seconds)

    def standing(self, held: int, *, away: bool, unconfirmed: float) -> None:
        """Bytes held, whether Kafka is away, and seconds since keys were confirmed."""
        self._held.set(held)
        self._away.set(away)
        self._unconfirmed.set(unconfirmed)
