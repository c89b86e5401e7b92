"""What the stream engine tells its observer, as metrics."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry

from greenlane.operations.metrics.definitions import ENGINE
from greenlane.operations.metrics.series import Series

OUTCOMES = ("assessed", "ignored", "duplicate", "superseded", "late", "dead_lettered", "control")
"""What a record can end as; other names an outcome may have are counted too, but do not start at 0."""


class EngineMetrics:
    """The engine's observer. `now` gives Unix seconds; it is read once per batch, to tell the batch's age.

    Not for several threads: the engine calls it on the event loop.
    """

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str], now: Callable[[], float]) -> None:
        series = Series(registry, ENGINE)
        self._now = now
        self._unexplained: Counter[str] = Counter()
        self._read = series.counter("records_read_total")
        self._outcomes = series.counter("records_total")
        self._unaccounted = series.gauge("records_unaccounted")
        self._replayed = series.counter("records_replayed_total")
        self._gaps = series.counter("offset_gaps_total")
        self._next_offset = series.gauge("next_offset")
        self._latency = series.histogram("latency_from_append_seconds")
        self._batch = series.histogram("batch_seconds")
        self._rebalances = series.counter("rebalances_total")
        self._recovery = series.histogram("recovery_seconds")
        self._made_anew = series.counter("partitions_made_anew_total")
        self._refused = series.gauge("source_refused")
        known = tuple(topics)
        for name in ("partitions_made_anew_total", "source_refused"):
            series.start_at_zero(name, ((topic,) for topic in known))
        for name in ("records_read_total", "records_unaccounted", "records_replayed_total", "offset_gaps_total"):
            series.start_at_zero(name, ((topic,) for topic in known))
        for name in ("latency_from_append_seconds", "batch_seconds"):
            series.start_at_zero(name, ((topic,) for topic in known))
        series.start_at_zero("records_total", ((topic, outcome) for topic in known for outcome in OUTCOMES))

    def records_read(self, topic: str, partition: int, count: int) -> None:  # noqa: ARG002 - part of the protocol
        """Records reached the engine, replays included."""
        self._read.labels(topic).inc(count)
        self._unexplained[topic] += count

    def replayed(self, topic: str, partition: int, count: int) -> None:  # noqa: ARG002 - part of the protocol
        """Records the state already contained."""
        self._replayed.labels(topic).inc(count)
        self._unexplained[topic] -= count

    def outcomes(self, topic: str, name: str, count: int) -> None:
        """Records ended as this outcome."""
        self._outcomes.labels(topic, name).inc(count)
        self._unexplained[topic] -= count

    def hole(self, topic: str, partition: int, count: int) -> None:  # noqa: ARG002 - part of the protocol
        """Offsets that hold no record."""
        self._gaps.labels(topic).inc(count)

    def batch_done(self, topic: str, partition: int, next_offset: int, oldest_append_ms: int, seconds: float) -> None:
        """A batch is acknowledged; only now must everything read be explained."""
        self._next_offset.labels(topic, str(partition)).set(next_offset)
        self._batch.labels(topic).observe(seconds)
        if oldest_append_ms >= 0:
            self._latency.labels(topic).observe(max(0.0, self._now() - oldest_append_ms / 1000))
        self._unaccounted.labels(topic).set(self._unexplained[topic])

    def rebalanced(self, assigned: Sequence[tuple[str, int]]) -> None:  # noqa: ARG002 - part of the protocol
        """The group gave this process partitions; what it reported of others no longer holds."""
        self._rebalances.inc()
        self._next_offset.clear()

    def loaded(self, partition: int, rows: int, seconds: float) -> None:  # noqa: ARG002 - part of the protocol
        """The state of a partition was read back from its changelog."""
        self._recovery.observe(seconds)

    def made_anew(self, topic: str, partition: int) -> None:  # noqa: ARG002 - part of the protocol
        """A partition is read from the beginning, for its topic was created anew."""
        self._made_anew.labels(topic).inc()

    def sources(self, reasons: Mapping[str, str]) -> None:
        """Whether each source topic is read."""
        for topic, reason in reasons.items():
            self._refused.labels(topic).set(1 if reason else 0)
