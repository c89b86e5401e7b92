"""Writes records in Kafka batches and returns when every one of them is acknowledged."""

import asyncio
import time
from collections.abc import Awaitable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.partitioner import partition_of
from greenlane.streaming.records import Output

BATCH_BYTES = 262_144


class BatchWriter:
    """One idempotent producer, waiting for all in-sync replicas. With a transactional id it fences its predecessor."""

    def __init__(self, bootstrap_servers: str, client_id: str, transactional_id: str | None = None) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            transactional_id=transactional_id,
            max_batch_size=BATCH_BYTES,
            linger_ms=0,
            request_timeout_ms=30_000,
        )
        self._partitions: dict[str, int] = {}

    async def start(self) -> None:
        """Connect; with a transactional id also end the predecessor's open transaction and shut it out."""
        await self._producer.start()

    async def stop(self) -> None:
        """Wait for what is under way, then disconnect."""
        await self._producer.stop()

    async def write(self, outputs: Iterable[Output]) -> None:
        """Write in the given order within each partition; return when all is acknowledged, raise if anything is not."""
        now_ms = int(time.time() * 1000)
        open_batches: dict[tuple[str, int], Any] = {}
        acknowledgements: list[Awaitable[Any]] = []
        for topic, key, value, headers, fixed in outputs:
            partitions = self._partitions.get(topic) or await self._count(topic)
            place = (topic, partition_of(key, partitions) if fixed is None else fixed)
            listed = list(headers)  # the client's compiled record builder takes nothing else
            batch = open_batches.get(place)
            if batch is None or batch.append(timestamp=now_ms, key=key, value=value, headers=listed) is None:
                if batch is not None:
                    acknowledgements.append(await self._send(batch, place))
                batch = open_batches[place] = self._producer.create_batch()
                batch.append(timestamp=now_ms, key=key, value=value, headers=listed)
        for place, batch in open_batches.items():
            acknowledgements.append(await self._send(batch, place))
        await asyncio.gather(*acknowledgements)

    async def write_atomically(self, outputs: Iterable[Output]) -> None:
        """The same in one transaction: readers of committed records see all of it or nothing."""
        await self._producer.begin_transaction()
        await self.write(outputs)
        await self._producer.commit_transaction()

    async def _count(self, topic: str) -> int:
        try:
            self._partitions[topic] = len(await self._producer.partitions_for(topic))
        except UnknownTopicOrPartitionError as error:
            raise StreamingError(
                f"the topic {topic} does not exist; create it with `greenlane topics apply`"
            ) from error
        return self._partitions[topic]

    async def _send(self, batch: Any, place: tuple[str, int]) -> Awaitable[Any]:
        batch.close()
        acknowledgement: Awaitable[Any] = await self._producer.send_batch(batch, place[0], partition=place[1])
        return acknowledgement
