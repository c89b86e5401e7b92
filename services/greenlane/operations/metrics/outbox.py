"""The metrics of the outbox's relay."""

from prometheus_client import CollectorRegistry

from greenlane.operations.metrics.definitions import OUTBOX
from greenlane.operations.metrics.series import Series

_OUTCOMES = ("sent", "refused", "unanswered")


class OutboxMetrics:
    """The relay's figures; every outcome starts at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        series = Series(registry, OUTBOX)
        self._rows = series.counter("outbox_rows_total")
        self._pending = series.gauge("outbox_pending_rows")
        self._refused = series.gauge("outbox_refused_rows")
        self._oldest = series.gauge("outbox_oldest_pending_seconds")
        series.start_at_zero("outbox_rows_total", ((outcome,) for outcome in _OUTCOMES))

    def moved(self, sent: int, refused: int, unanswered: int) -> None:
        """A round ended so."""
        for outcome, count in zip(_OUTCOMES, (sent, refused, unanswered), strict=True):
            self._rows.labels(outcome).inc(count)

    def standing(self, pending: int, refused: int, oldest_seconds: float) -> None:
        """Rows that wait or are refused, and the age of the first that waits."""
        self._pending.set(pending)
        self._refused.set(refused)
        self._oldest.set(oldest_seconds)
