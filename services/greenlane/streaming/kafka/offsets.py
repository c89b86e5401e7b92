"""Where a partition begins, ends and was committed, asked of Kafka without joining the group."""

from types import TracebackType
from typing import NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from greenlane.fetching.with_aiokafka import committed
from greenlane.streaming.kafka.topic_ids import is_of_another


class Bounds(NamedTuple):
    """First offset kept, offset after the last record, and the group's committed offset (the next to read) if any.

    `anew` tells that what was committed belongs to a topic of the same name that is no more.
    """

    beginning: int
    end: int
    committed: int | None
    anew: bool = False


class OffsetReader:
    """Reads offsets of any partition and the group's commits; it consumes nothing and is no member of the group."""

    def __init__(self, bootstrap_servers: str, group_id: str) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers, group_id=group_id, enable_auto_commit=False
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def bounds(self, topic: str, partition: int, topic_id: str = "") -> Bounds:
        """The bounds of one partition of the topic with this id; without an id any commit is its own."""
        place = TopicPartition(topic, partition)
        beginning = await self._consumer.beginning_offsets([place])
        end = await self._consumer.end_offsets([place])
        found = (await committed(self._consumer, [place])).get(place)
        if found is None:
            return Bounds(beginning[place], end[place], None)
        return Bounds(beginning[place], end[place], found.offset, is_of_another(found.metadata, topic_id))
