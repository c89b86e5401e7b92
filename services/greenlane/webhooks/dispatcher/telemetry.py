"""The metrics the dispatcher keeps, as the shapes it needs; the registry is passed in."""

from typing import Protocol, Self


class Counter(Protocol):
    """A count that only rises."""

    def labels(self, *values: str) -> Self:
        """The child with these label values."""
        ...

    def inc(self, amount: float = 1) -> None:
        """Raise the count."""
        ...


class Gauge(Protocol):
    """A value that rises and falls."""

    def labels(self, *values: str) -> Self:
        """The child with these label values."""
        ...

    def set(self, value: float) -> None:
        """Set the value."""
        ...


class Histogram(Protocol):
    """A distribution."""

    def labels(self, *values: str) -> Self:
        """The child with these label values."""
        ...

    def observe(self, amount: float) -> None:
        """Add one observation."""
        ...


class WebhookMetrics(Protocol):
    """Every metric of the dispatcher; none has a label for an endpoint, seller or event."""

    @property
    def webhook_ingested_total(self) -> Counter:
        """Records read, by outcome: dispatched, replayed, unmatched, tombstone, ignored, dead_lettered."""
        ...

    @property
    def webhook_deliveries_total(self) -> Counter:
        """Attempts by the state they led to, with superseded, and fenced for outcomes that came too late."""
        ...

    @property
    def webhook_attempt_seconds(self) -> Histogram:
        """Duration of an attempt, by phase: headers, total."""
        ...

    @property
    def webhook_queue_wait_seconds(self) -> Histogram:
        """From due to claimed."""
        ...

    @property
    def webhook_pending(self) -> Gauge:
        """Open deliveries, by state: pending, leased, held, quarantined."""
        ...

    @property
    def webhook_oldest_due_seconds(self) -> Gauge:
        """For how long the oldest due delivery has been due."""
        ...

    @property
    def webhook_inflight(self) -> Gauge:
        """Requests under way, by budget: fast, slow."""
        ...

    @property
    def webhook_breaker_endpoints(self) -> Gauge:
        """Endpoints left alone or probed after failures in a row, by state: probing, open."""
        ...

    @property
    def webhook_blocked_addresses_total(self) -> Counter:
        """Attempts not made because of the address, by reason: forbidden_address."""
        ...

    @property
    def webhook_ingest_lag_records(self) -> Gauge:
        """Records appended and not yet accepted."""
        ...

    @property
    def webhook_deliveries_orphaned(self) -> Gauge:
        """Open deliveries that nothing will ever make due; must be 0."""
        ...
