"""Makes the defined metrics on a registry that is passed in, and keeps their labels within closed lists."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from greenlane.operations.metrics.definitions import Definition, Kind

OTHER = "other"

_T = TypeVar("_T")


class Series:
    """The metrics of some definitions on one registry, found by their names without prefix."""

    def __init__(self, registry: CollectorRegistry, definitions: Iterable[Definition]) -> None:
        self._made = {definition.name: _make(registry, definition) for definition in definitions}

    def counter(self, name: str) -> Counter:
        """The counter of this name."""
        return self._of(name, Counter)

    def gauge(self, name: str) -> Gauge:
        """The gauge of this name."""
        return self._of(name, Gauge)

    def histogram(self, name: str) -> Histogram:
        """The histogram of this name."""
        return self._of(name, Histogram)

    def start_at_zero(self, name: str, label_values: Iterable[Sequence[str]]) -> None:
        """Show these label values from the first scrape on, or `increase()` misses the first event."""
        for values in label_values:
            self._made[name].labels(*values)

    def _of(self, name: str, kind: type[_T]) -> _T:
        made = self._made[name]
        if not isinstance(made, kind):
            raise TypeError(f"{name} is a {type(made).__name__}, not a {kind.__name__}")
        return made


def new_registry() -> CollectorRegistry:
    """An empty registry with the process's own figures (memory, processor time, open files)."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # the library gives it no types
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def bounded(value: str, allowed: frozenset[str]) -> str:
    """The value if it is of the closed list, else `other`: a label never takes what a record says."""
    return value if value in allowed else OTHER


def _make(registry: CollectorRegistry, definition: Definition) -> Any:
    name, labels = definition.full_name, definition.labels
    if definition.kind is Kind.COUNTER:
        return Counter(name, definition.help, labels, registry=registry)
    if definition.kind is Kind.GAUGE:
        return Gauge(name, definition.help, labels, registry=registry)
    return Histogram(name, definition.help, labels, registry=registry, buckets=definition.buckets)
