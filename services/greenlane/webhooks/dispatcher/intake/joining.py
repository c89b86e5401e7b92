"""Where reading begins: each partition is set to its place before anything of it is taken."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from sqlalchemy.ext.asyncio import AsyncEngine

from greenlane.database.connection import will_pass
from greenlane.database.direct import direct
from greenlane.fetching.with_aiokafka import committed
from greenlane.streaming.kafka.topic_ids import KafkaTopic, is_of_another, note_of
from greenlane.webhooks.dispatcher.intake.positions import Committed, Mark, SourcePartition, find, lower, start_of

_log = structlog.get_logger("greenlane.webhook_dispatcher")


class Joining(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Hears of the partitions that come and go; `placed` are those that may be read.

    aiokafka fetches while it tells of partitions, from wherever Kafka's commit is: what comes of a partition before it
    was placed must be dropped, and comes again. `failure` is what placing failed with, for whoever reads to raise.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        topics: Mapping[str, KafkaTopic],
        pause: float,
        waits: Callable[[bool], None],
    ) -> None:
        self.consumer: Any = None
        self.placed: frozenset[TopicPartition] = frozenset()
        self.failure: Exception | None = None
        self._engine = engine
        self.topics = topics
        self._pause = pause
        self._waits = waits
        self._closed = asyncio.Event()

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Nothing is read until partitions are given again."""
        self.placed = frozenset()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Set each partition to its place; wait for the database, whose positions are the truth."""
        places = list(assigned)
        try:
            marks = await self._marks()
            if marks is not None:
                await self._place(places, marks)
                self.placed = frozenset(places)
        except Exception as error:  # noqa: BLE001 - aiokafka would log it and read on
            self.failure = error

    def close(self) -> None:
        """Wait for the database no longer."""
        self._closed.set()

    def note(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, OffsetAndMetadata]:
        """The offsets as they are committed: with the id of their topic."""
        return {at: OffsetAndMetadata(offset, note_of(self._id(at))) for at, offset in offsets.items()}

    def marks(self, offsets: Mapping[TopicPartition, int]) -> dict[SourcePartition, Mark]:
        """The offsets as they are kept in the database."""
        return {SourcePartition(at.topic, at.partition): Mark(self._id(at), offset) for at, offset in offsets.items()}

    async def _marks(self) -> dict[SourcePartition, Mark] | None:
        while not self._closed.is_set():
            try:
                async with direct(self._engine) as connection:
                    found = await find(connection, self.topics)
            except Exception as error:
                if not will_pass(error):
                    raise
                self._waits(True)
                _log.warning("webhook intake waits for the database", kind=type(error).__name__)
            else:
                self._waits(False)
                return found
            try:
                async with asyncio.timeout(self._pause):
                    await self._closed.wait()
            except TimeoutError:
                continue
        return None

    async def _place(self, places: list[TopicPartition], marks: dict[SourcePartition, Mark]) -> None:
        commits = await committed(self.consumer, places) if places else {}
        ends: Mapping[TopicPartition, int] = await self.consumer.end_offsets(places) if places else {}
        for at in places:
            topic_id, mark = self._id(at), marks.get(SourcePartition(at.topic, at.partition))
            if mark is not None and mark.topic_id == topic_id and mark.next_offset > ends[at]:
                _log.error(
                    "kafka lost the end of a partition; what is appended from now on is accepted",
                    topic=at.topic, partition=at.partition, offset=mark.next_offset,
                )  # fmt: skip
                async with direct(self._engine) as connection:
                    await lower(connection, SourcePartition(at.topic, at.partition), ends[at])
                mark = Mark(topic_id, ends[at])
            told = commits.get(at)
            known = None if told is None else Committed(told.offset, is_of_another(told.metadata, topic_id))
            start = start_of(topic_id, mark, known)
            if (known is not None and start < known.next_offset) or (mark is not None and mark.topic_id != topic_id):
                _log.warning(
                    "webhook intake reads again: the topic was made anew, or the database is behind kafka's commit",
                    topic=at.topic, partition=at.partition, offset=start,
                )  # fmt: skip
            self.consumer.seek(at, start)

    def _id(self, at: TopicPartition) -> str:
        return self.topics[at.topic].topic_id
