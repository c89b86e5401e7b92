"""A process's connection to Kafka for batches of its own: made and made again, and asked every second if it answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from greenlane.contracts.topics import MAX_EVENT_BYTES

ASKED_EVERY = 1.0
BATCH_BYTES = MAX_EVENT_BYTES - 1_024
"""Of a batch: a fulfilment topic takes no larger one."""

_ANSWER_SECONDS = 3.0
"""Within which Kafka must answer a question, or it counts as away."""
_CONNECT_SECONDS = 10.0
_STOP_SECONDS = 12.0
_REQUEST_SECONDS = 8.0
"""For which the client asks Kafka again and again before it gives a batch up."""


class Link:
    """Kafka as a process sees it: `producer` once connected, and why it is `away`; empty when it answers."""

    def __init__(self, bootstrap_servers: str, name: str, log: Any) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._name = name
        self._log = log
        self.producer: AIOKafkaProducer | None = None
        self.away = "Kafka was not reached yet"

    def connected(self, producer: AIOKafkaProducer) -> None:
        """The connection was made; who builds upon it does so here."""
        self.producer = producer

    async def run(self) -> None:
        """Connect, and ask again and again, until cancelled; what is under way then is still acknowledged."""
        async with self._connected() as producer:
            self.connected(producer)
            while True:
                self._note(await _obstacle(producer))
                await asyncio.sleep(ASKED_EVERY)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaProducer]:
        while True:
            producer = producer_of(self._bootstrap_servers, self._name)
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
            self.away = f"the {self._name} is stopping"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await producer.stop()

    def _note(self, obstacle: str) -> None:
        if obstacle and obstacle != self.away:
            self._log.warning("Kafka is away", reason=obstacle)
        if self.away and not obstacle:
            self._log.info("Kafka answers")
        self.away = obstacle


def producer_of(bootstrap_servers: str, name: str) -> AIOKafkaProducer:
    """The client of the process of this name, not connected yet.

    It is not idempotent: a batch that was asked for again may stand in Kafka twice, which changes no account, and no
    sequence of numbers can go wrong for ever.
    """
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id=f"greenlane-{name}",
        acks="all",
        enable_idempotence=False,
        max_batch_size=BATCH_BYTES,
        linger_ms=0,
        request_timeout_ms=int(_REQUEST_SECONDS * 1000),
        retry_backoff_ms=100,
    )


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as every Kafka client computes it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


async def _obstacle(producer: AIOKafkaProducer) -> str:
    """Why events cannot be appended; empty when they can."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answered: bool = await producer.client.force_metadata_update()
    except (KafkaError, TimeoutError) as error:
        return f"Kafka does not answer ({type(error).__name__})"
    return "" if answered else "Kafka does not answer"
