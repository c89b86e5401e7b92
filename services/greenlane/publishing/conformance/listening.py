"""Records of a topic: what stands there, and then what arrives until a time has passed."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from greenlane.contracts.records import KafkaRecord
from greenlane.fetching.with_kafka_python import read_with_care
from greenlane.operations.topics_reader import TopicsUnreadableError

POLL_MS = 500


def arriving(
    servers: str, topic: str, seconds: float, *, from_beginning: bool, clock: Callable[[], float] = time.monotonic
) -> Iterator[KafkaRecord]:
    """Records that arrive within `seconds`, after those that stand there already where it reads from the beginning.

    It commits nothing and joins no group. Raises TopicsUnreadableError where there is no such topic.
    """
    read_with_care()
    consumer: Any = KafkaConsumer(
        bootstrap_servers=servers.split(","),
        client_id="greenlane-conformance",
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        allow_auto_create_topics=False,
    )
    try:
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise TopicsUnreadableError(f"topic {topic} does not exist; create it with: greenlane topics apply")
        places = [TopicPartition(topic, partition) for partition in sorted(partitions)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        firsts = consumer.beginning_offsets(places) if from_beginning else ends
        for place in places:
            consumer.seek(place, firsts[place])
        deadline = clock() + seconds
        while clock() < deadline:
            for batch in consumer.poll(timeout_ms=POLL_MS).values():
                yield from batch
    finally:
        consumer.close()
