"""The connection to Kafka: made and made again, and asked every second whether it answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from greenlane.publishing.gateway.appending import Appender, producer_of

ASKED_EVERY = 1.0
_ANSWER_SECONDS = 3.0
"""Within which Kafka must answer a question, or it counts as away."""
_CONNECT_SECONDS = 10.0
_STOP_SECONDS = 12.0
_log = structlog.get_logger("greenlane.gateway")


class Broker:
    """Kafka as the gateway sees it: `appender` once connected, and why it is `away`; empty when it answers."""

    def __init__(self, bootstrap_servers: str, acknowledged: Callable[[float], None] = lambda _: None) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._acknowledged = acknowledged
        self.appender: Appender | None = None
        self.away = "Kafka was not reached yet"

    async def run(self) -> None:
        """Connect, and ask again and again, until cancelled; what is under way then is still acknowledged."""
        async with self._connected() as producer:
            self.appender = Appender(producer, self._acknowledged)
            while True:
                self._note(await _obstacle(producer))
                await asyncio.sleep(ASKED_EVERY)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaProducer]:
        while True:
            producer = producer_of(self._bootstrap_servers)
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await producer.start()
                break
            except (KafkaError, OSError) as error:
                self._note(f"Kafka does not answer ({type(error).__name__})")
                await producer.stop()
            await asyncio.sleep(ASKED_EVERY)
        try:
            yield producer
        finally:
            self.away = "the gateway is stopping"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.stop()

    def _note(self, obstacle: str) -> None:
        if obstacle and obstacle != self.away:
            _log.warning("Kafka is away", reason=obstacle)
        if self.away and not obstacle:
            _log.info("Kafka answers")
        self.away = obstacle


async def _obstacle(producer: AIOKafkaProducer) -> str:
    """Why events cannot be appended; empty when they can."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answered: bool = await producer.client.force_metadata_update()
    except (KafkaError, TimeoutError) as error:
        return f"Kafka does not answer ({type(error).__name__})"
    return "" if answered else "Kafka does not answer"
