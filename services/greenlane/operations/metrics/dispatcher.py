"""The dispatcher's metrics, by name."""

from prometheus_client import CollectorRegistry

from greenlane.operations.metrics.definitions import DISPATCHER
from greenlane.operations.metrics.series import Series

_KNOWN = {
    "webhook_ingested_total": ("dispatched", "replayed", "unmatched", "tombstone", "ignored", "dead_lettered"),
    "webhook_deliveries_total": ("delivered", "pending", "superseded", "exhausted", "quarantined", "fenced"),
    "webhook_attempt_seconds": ("headers", "total"),
    "webhook_pending": ("pending", "leased", "held", "quarantined"),
    "webhook_inflight": ("fast", "slow"),
    "webhook_breaker_endpoints": ("probing", "open"),
    "webhook_blocked_addresses_total": ("forbidden_address",),
}


class WebhookMetrics:
    """Each metric of the dispatcher as an attribute; known label values start at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        series = Series(registry, DISPATCHER)
        self.webhook_ingested_total = series.counter("webhook_ingested_total")
        self.webhook_deliveries_total = series.counter("webhook_deliveries_total")
        self.webhook_attempt_seconds = series.histogram("webhook_attempt_seconds")
        self.webhook_queue_wait_seconds = series.histogram("webhook_queue_wait_seconds")
        self.webhook_pending = series.gauge("webhook_pending")
        self.webhook_oldest_due_seconds = series.gauge("webhook_oldest_due_seconds")
        self.webhook_inflight = series.gauge("webhook_inflight")
        self.webhook_breaker_endpoints = series.gauge("webhook_breaker_endpoints")
        self.webhook_blocked_addresses_total = series.counter("webhook_blocked_addresses_total")
        self.webhook_ingest_lag_records = series.gauge("webhook_ingest_lag_records")
        self.webhook_deliveries_orphaned = series.gauge("webhook_deliveries_orphaned")
        for name, values in _KNOWN.items():
            series.start_at_zero(name, ((value,) for value in values))
