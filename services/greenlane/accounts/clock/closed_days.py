"""Which days are closed already, as the log says: read backwards from its end, and not without bound."""

import time
from contextlib import closing
from datetime import date
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from greenlane.accounts.clock.day_closer import day_closed_key, utc_day
from greenlane.contracts.assessments import DayClosed
from greenlane.contracts.topics import ASSESSMENTS
from greenlane.fetching.with_kafka_python import read_with_care

STEP = 5_000
MOST_READ = 100_000
"""Offsets looked through at most; a closing that lies further back is not found."""

READ_MS = 500
READ_SECONDS = 60.0


def closed_through(bootstrap_servers: str, marketplace: str) -> date | None:
    """The last day that the latest closing of the marketplace names; None if none is found near the end of the log.

    Every partition is told the same, so one of them is read. Raises KafkaError.
    """
    read_with_care()
    consumer: Any = KafkaConsumer(
        bootstrap_servers=bootstrap_servers.split(","),
        client_id="greenlane-clock",
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        allow_auto_create_topics=False,
        check_crcs=False,
    )
    place = TopicPartition(ASSESSMENTS, 0)
    with closing(consumer):
        if not consumer.partitions_for_topic(ASSESSMENTS):
            return None
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        first = max(consumer.beginning_offsets([place])[place], end - MOST_READ)
        while end > first:
            start = max(first, end - STEP)
            found = _last_between(consumer, place, start, end, day_closed_key(marketplace))
            if found is not None:
                return found
            end = start
    return None


def _last_between(consumer: Any, place: TopicPartition, start: int, end: int, key: bytes) -> date | None:
    consumer.seek(place, start)
    found: date | None = None
    deadline = time.monotonic() + READ_SECONDS
    while consumer.position(place) < end and time.monotonic() < deadline:
        for record in consumer.poll(timeout_ms=READ_MS).get(place, ()):
            if record.key == key and record.offset < end:
                found = _day(record) or found
    return found


def _day(record: Any) -> date | None:
    """The last day that the record closes; None if the aggregator refuses it, for it was not over."""
    try:
        closed = DayClosed.model_validate_json(record.value or b"")
    except ValidationError:
        return None
    return closed.last_day if closed.last_day < utc_day(record.timestamp) else None
