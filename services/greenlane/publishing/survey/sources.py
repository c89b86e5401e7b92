"""Events to look at, from a file or a topic: each with its place, and the event or why it is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from greenlane.contracts.assessing import HEARTBEAT
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import fulfilment_topic, marketplace_of
from greenlane.operations.topics_reader import Progress, TopicsReader
from greenlane.publishing.files.checking import Where
from greenlane.publishing.files.reading import FileEvent

_PARTITION_BITS = 16


class Source(NamedTuple):
    """Events, and how to say where one stands. Place 0 is the whole."""

    events: Iterator[FileEvent]
    where: Where


def on_topic(place: int) -> str:
    """A place on a topic."""
    if not place:
        return "the topic"
    return f"partition {place & (1 << _PARTITION_BITS) - 1} offset {(place >> _PARTITION_BITS) - 1}"


def topic_of(name: str) -> str:
    """The fulfilment topic that is meant by its own name or by its marketplace's."""
    return name if marketplace_of(name) else fulfilment_topic(name)


@contextmanager
def topic_events(servers: str, topic: str, progress: Progress) -> Iterator[Source]:
    """Every record that the topic holds now. Raises TopicsUnreadableError where there is no such topic."""
    with TopicsReader(servers, [topic], progress) as reader:
        yield Source(_records(reader, topic), on_topic)


def _records(reader: TopicsReader, topic: str) -> Iterator[FileEvent]:
    for record in reader.records(topic):
        reading = read_event(record)
        if reading.type != HEARTBEAT:
            place = record.offset + 1 << _PARTITION_BITS | record.partition
            yield FileEvent(place, record.value or b"", reading.event, reading.refusal)
