"""One record as the rules see it, from a topic or from a file."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from greenlane.contracts.assessing import HEARTBEAT
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading.cloud_events import declared_type, misplaced_attributes
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.reading.media_types import is_cloud_event
from greenlane.contracts.records import KafkaRecord
from greenlane.publishing.files.reading import FileEvent

LOG_APPEND_TIME = 1
"""How kafka-python marks a record whose time is the broker's."""


class OnTopic(NamedTuple):
    """What only a record of a topic tells. `appended_ms` is None where the topic keeps its producers' times."""

    partition: int
    appended_ms: int | None
    mode: str
    mode_problem: str


class Observation(NamedTuple):
    """A record: where it stands, the event or the code of its refusal, its size, and unknown fields."""

    place: str
    event: FulfilmentEvent | None
    code: DeadLetterCode | None
    message: str
    size: int
    unknown: int
    on_topic: OnTopic | None


def of_topic(records: Iterable[KafkaRecord]) -> Iterator[Observation]:
    """What the rules see of a topic's records."""
    for record in records:
        reading = read_event(record)
        if reading.type == HEARTBEAT:
            continue
        code, message = None, ""
        if reading.refusal is not None:
            code, message = reading.refusal.code, str(reading.refusal)
        broker_time = getattr(record, "timestamp_type", LOG_APPEND_TIME) == LOG_APPEND_TIME
        mode, problem = _mode(record)
        on_topic = OnTopic(record.partition, record.timestamp if broker_time else None, mode, problem)
        place = f"partition {record.partition} offset {record.offset}"
        yield Observation(place, reading.event, code, message, _size(record), reading.unknown, on_topic)


def of_file(events: Iterable[FileEvent]) -> Iterator[Observation]:
    """What the rules see of a file's events."""
    for item in events:
        code, message = None, ""
        if item.refusal is not None:
            code, message = item.refusal.code, str(item.refusal)
        yield Observation(f"line {item.line}", item.event, code, message, len(item.raw), 0, None)


def _mode(record: KafkaRecord) -> tuple[str, str]:
    """The mode of a record, and what is wrong with how it says it."""
    hint = misplaced_attributes(record)
    if hint is not None:
        return "unclear", hint
    content = next((value for name, value in record.headers if name == "content-type"), None)
    if declared_type(record) is not None:
        return "binary", "" if content else "binary mode without the header content-type"
    if content and is_cloud_event(content):
        return "structured", ""
    return "structured", "structured mode without the header content-type: application/cloudevents+json"


def _size(record: KafkaRecord) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers
