"""Writes records in Kafka batches and returns when every one of them is acknowledged."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from greenlane.streaming.fatal import StreamingError
from greenlane.streaming.kafka.partitioner import partition_of
from greenlane.streaming.records import Output

BATCH_BYTES = 262_144
OUTPUTS_A_TURN = 200
"""Outputs made and packed before other tasks get the event loop."""

TRANSACTION_MS = 300_000
"""How long a transaction may take: closing a day of a million sellers in one partition takes two minutes.

A worker that dies in the middle is shut out by the next owner at once; only where none comes does Kafka wait so long.
"""


class Written(NamedTuple):
    """The last record written to a partition: its offset, and its timestamp in milliseconds since 1970.

    The offset is None when Kafka had the record already and does not remember where.
    """

    offset: int | None
    timestamp: int


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
            transaction_timeout_ms=TRANSACTION_MS,
            request_timeout_ms=30_000,
        )
        self._partitions: dict[str, int] = {}

    async def start(self) -> None:
        """Connect; with a transactional id also end the predecessor's open transaction and shut it out."""
        await self._producer.start()

    async def stop(self) -> None:
        """Wait for what is under way, then disconnect."""
        await self._producer.stop()

    async def write(self, outputs: Iterable[Output | None]) -> dict[tuple[str, int], Written]:
        """Write in the given order within each partition; return when all is acknowledged, raise if anything is not.

        Outputs may be made as they are asked for: no more than a batch of each partition is held, and other tasks get
        their turn after every `OUTPUTS_A_TURN` and at each None. The answer gives the last record of each (topic,
        partition).
        """
        now_ms = int(time.time() * 1000)
        open_batches: dict[tuple[str, int], Any] = {}
        acknowledgements: dict[tuple[str, int], list[asyncio.Future[Any]]] = defaultdict(list)
        for count, output in enumerate(outputs, 1):
            if output is None or count % OUTPUTS_A_TURN == 0:
                await asyncio.sleep(0)
            if output is None:
                continue
            topic, key, value, headers, fixed = output
            partitions = self._partitions.get(topic) or await self._count(topic)
            place = (topic, partition_of(key, partitions) if fixed is None else fixed)
            listed = list(headers)  # the client's compiled record builder takes nothing else
            batch = open_batches.get(place)
            if batch is None or batch.append(timestamp=now_ms, key=key, value=value, headers=listed) is None:
                if batch is not None:
                    acknowledgements[place].append(await self._send(batch, place))
                batch = open_batches[place] = self._producer.create_batch()
                batch.append(timestamp=now_ms, key=key, value=value, headers=listed)
        for place, batch in open_batches.items():
            acknowledgements[place].append(await self._send(batch, place))
        await asyncio.gather(*chain.from_iterable(acknowledgements.values()))
        return {
            place: Written(_last_offset(acknowledgements[place][-1], batch), now_ms)
            for place, batch in open_batches.items()
        }

    async def write_atomically(self, outputs: Iterable[Output | None]) -> dict[tuple[str, int], Written]:
        """The same in one transaction: readers of committed records see all of it or nothing."""
        await self._producer.begin_transaction()
        written = await self.write(outputs)
        await self._producer.commit_transaction()
        return written

    async def _count(self, topic: str) -> int:
        try:
            self._partitions[topic] = len(await self._producer.partitions_for(topic))
        except UnknownTopicOrPartitionError as error:
            raise StreamingError(
                f"the topic {topic} does not exist; create it with `greenlane topics apply`"
            ) from error
        return self._partitions[topic]

    async def _send(self, batch: Any, place: tuple[str, int]) -> asyncio.Future[Any]:
        batch.close()
        acknowledgement: asyncio.Future[Any] = await self._producer.send_batch(batch, place[0], partition=place[1])
        return acknowledgement


def _last_offset(acknowledgement: asyncio.Future[Any], batch: Any) -> int | None:
    first: int = acknowledgement.result().offset
    return None if first < 0 else first + batch.record_count() - 1
