"""Faust's consumer with its commit arithmetic mended for batches; the only place that touches its private parts."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.app.base import BootStrategy
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from greenlane.fetching.with_aiokafka import committed, read_with_care
from greenlane.streaming.engine_settings import FETCH_MIN_BYTES, FETCH_WAIT_MS
from greenlane.streaming.kafka.topic_ids import is_of_another, note_of

logger = logging.getLogger(__name__)


class CommittedReads(AIOKafkaConsumerThread):
    """Hands over no record of an aborted transaction: what its writer took back never happened.

    The broker holds an answer back for a moment, or until it is worth a batch.
    """

    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        # Faust reads committed records only under `exactly_once`, and has a setting for none of these.
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - set before the consumer starts and reads it
        consumer._fetch_min_bytes = FETCH_MIN_BYTES  # noqa: SLF001 - set before the consumer starts
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - set before the consumer starts
        name_topics(consumer, cast("BatchApp", self.app).topic_ids)
        return consumer

    def last_answer_ms(self) -> int | None:
        """When the broker last answered a fetch of any partition owned now, in milliseconds since 1970; None if never.

        From any thread: what is looked at is replaced, not changed, when partitions come and go.
        """
        subscription = None if self._consumer is None else self._consumer._subscription.subscription  # noqa: SLF001 - aiokafka's own method refuses a partition that has just gone
        assignment = None if subscription is None else subscription.assignment
        if assignment is None:
            return None
        answers: list[int | None] = [assignment.state_value(tp).timestamp for tp in assignment.tps]
        return max((at for at in answers if at is not None), default=None)


def name_topics(consumer: AIOKafkaConsumer, topic_ids: Mapping[str, str]) -> None:
    """Have the consumer note the topic's id in each commit, and begin anew where the note names another topic.

    Faust passes no note to a commit and reads none back; both of its ways lead through these two methods.
    """
    commit = consumer.commit

    async def noted(offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        await commit(
            {tp: OffsetAndMetadata(at.offset, note_of(topic_ids.get(tp.topic, ""))) for tp, at in offsets.items()}
        )

    async def seek_to_committed(*partitions: TopicPartition) -> dict[TopicPartition, int | None]:
        places = partitions or tuple(consumer.assignment())
        positions: dict[TopicPartition, int | None] = dict.fromkeys(places)
        for place, at in (await committed(consumer, places)).items():
            if is_of_another(at.metadata, topic_ids.get(place.topic, "")):
                logger.error(
                    "%s was deleted and created anew: partition %d, committed up to %d of the old topic, is read from "
                    "its beginning",
                    place.topic,
                    place.partition,
                    at.offset,
                )
                await consumer.seek_to_beginning(place)
            elif at.offset > 0:
                consumer.seek(place, at.offset)
                positions[place] = at.offset
        return positions

    consumer.commit, consumer.seek_to_committed = noted, seek_to_committed


class ReadOffset(int):
    """An offset that is never nothing: Faust asks `if offset`, and so ignores what is missing behind offset 0."""

    def __bool__(self) -> bool:
        return True


class ReadOffsets(defaultdict[TP, int | None]):
    """The offset that was read last of each partition; None where nothing was read."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        super().__setitem__(tp, None if offset is None else ReadOffset(offset))


class BatchConsumer(Consumer):
    """Counts the offsets between two batches as done once the second one is, and the second one only when it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = ReadOffsets()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Faust's own gap contains the record that revealed it: duplicates in its list of
        # acknowledged offsets, and each commit would advance by one batch only.
        await super()._add_gap(tp, offset_from, offset_to - 1)

    def on_buffer_full(self, tp: TP) -> None:
        """Keep reading the partition: a full buffer makes the reader wait, and what comes meanwhile one larger batch.

        Faust would set the partition aside, and with all of them aside sleep for a second.
        """

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing was set aside."""

    def last_answer_ms(self) -> int | None:
        """When the broker last answered a fetch, in milliseconds since 1970; None if never of what is owned now."""
        return cast("CommittedReads", self._thread).last_answer_ms()

    def _new_consumer_thread(self) -> CommittedReads:
        return CommittedReads(self, loop=self.loop, beacon=self.beacon)


class BatchTransport(Transport):
    """A transport whose consumer understands batches."""

    Consumer = BatchConsumer


class ReadOnlyBoot(BootStrategy):
    """Starts neither Faust's producer nor its web server: all records leave through the engine's own writers."""

    enable_kafka_producer = False
    enable_web = False


class BatchApp(faust.App):
    """A Faust app without tables, producer, web server and folders: membership, fetching, order and commits only."""

    BootStrategy = ReadOnlyBoot
    topic_ids: Mapping[str, str] = MappingProxyType({})

    async def on_first_start(self) -> None:
        """Faust would create folders for its tables here; there are none."""


def batch_app(configuration: dict[str, Any], topic_ids: Mapping[str, str] | None = None) -> BatchApp:
    """An app that does not run yet, on this configuration alone; its commits carry the ids of their topics."""
    read_with_care()
    app = BatchApp(**configuration)
    app.topic_ids = topic_ids or {}
    app.transport = BatchTransport(app.conf.broker_consumer, app)
    return app
