"""Reads the committed records of one partition from an offset on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

FETCH_BYTES = 2 * 1024 * 1024
"""Most bytes one fetch takes; more is no faster."""


@dataclass(frozen=True, slots=True)
class Changelog:
    """One partition of a compacted topic; as text, the name that messages give it."""

    bootstrap_servers: str
    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"

    async def read(self, start: int | None = None, last: int | None = None) -> AsyncIterator[list[ConsumerRecord]]:
        """Committed records from offset `start` (the beginning, if None) to the end as it is now, a fetch at a time.

        Nothing if the end is not beyond `start`. With `last`, reading ends when that offset was passed.
        """
        place = TopicPartition(self.topic, self.partition)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            consumer.assign([place])
            if start is None:
                await consumer.seek_to_beginning(place)
            else:
                consumer.seek(place, start)
            end = (await consumer.end_offsets([place]))[place] if last is None else last + 1
            while await consumer.position(place) < end:
                fetched = await consumer.getmany(place, timeout_ms=200)
                yield fetched.get(place, [])
        finally:
            await consumer.stop()
