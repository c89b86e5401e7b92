"""Every metric of every process: one list of definitions, and the objects through which services feed them."""

from greenlane.operations.metrics.clock import ClockMetrics
from greenlane.operations.metrics.definitions import ALL, Definition, Kind
from greenlane.operations.metrics.dispatcher import WebhookMetrics
from greenlane.operations.metrics.engine import OUTCOMES, EngineMetrics
from greenlane.operations.metrics.gateway import GatewayMetrics
from greenlane.operations.metrics.outbox import OutboxMetrics
from greenlane.operations.metrics.process import UNEXPECTED, ProcessMetrics
from greenlane.operations.metrics.scoring import AggregatorMetrics, ScorerMetrics
from greenlane.operations.metrics.series import Series, new_registry

__all__ = [
    "ALL",
    "OUTCOMES",
    "UNEXPECTED",
    "AggregatorMetrics",
    "ClockMetrics",
    "Definition",
    "EngineMetrics",
    "GatewayMetrics",
    "Kind",
    "OutboxMetrics",
    "ProcessMetrics",
    "ScorerMetrics",
    "Series",
    "WebhookMetrics",
    "new_registry",
]
