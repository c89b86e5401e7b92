"""Kafka as the gateway sees it: whether it answers, and what appends events to it."""

from collections.abc import Callable

import structlog
from aiokafka import AIOKafkaProducer

from greenlane.publishing.gateway.appending import Appender
from greenlane.publishing.sdk.link import Link

_log = structlog.get_logger("greenlane.gateway")


class Broker(Link):
    """A link with an `appender` once connected; `acknowledged` is told the seconds that each batch took."""

    def __init__(self, bootstrap_servers: str, acknowledged: Callable[[float], None] = lambda _: None) -> None:
        super().__init__(bootstrap_servers, "gateway", _log)
        self._acknowledged = acknowledged
        self.appender: Appender | None = None

    def connected(self, producer: AIOKafkaProducer) -> None:
        """Append through this connection."""
        super().connected(producer)
        self.appender = Appender(producer, self._acknowledged)
