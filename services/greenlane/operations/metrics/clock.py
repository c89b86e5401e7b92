"""What the clock reports: the lag of every group, and how far days are closed."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from prometheus_client import CollectorRegistry

from greenlane.operations.metrics.definitions import CLOCK
from greenlane.operations.metrics.series import Series, bounded


class ClockMetrics:
    """The clock's figures; only the clock exports lag, for a dead worker exports nothing."""

    def __init__(self, registry: CollectorRegistry, marketplaces: Iterable[str]) -> None:
        series = Series(registry, CLOCK)
        self._marketplaces = frozenset(marketplaces)
        self._lag = series.gauge("group_lag_records")
        self._offset = series.gauge("group_offset")
        self._closed = series.gauge("day_closed_timestamp_seconds")

    def day_closed(self, marketplace: str, day: date) -> None:
        """`day` is the marketplace's last closed day."""
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        self._closed.labels(bounded(marketplace, self._marketplaces)).set(end.timestamp())

    def group_standing(self, group: str, topic: str, partition: int, *, offset: int, lag: int) -> None:
        """The offset the group reads next in this partition, and the records it has yet to read there."""
        self._offset.labels(group, topic, str(partition)).set(offset)
        self._lag.labels(group, topic, str(partition)).set(lag)
