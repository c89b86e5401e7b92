"""Reads a marketplace's topic, and the dead letters about it, into the workspace; says what they no longer hold."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from kafka.errors import KafkaError
from pydantic import ValidationError

from greenlane.contracts.dead_letters import DeadLetter
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import DEAD_LETTERS
from greenlane.operations.topics_reader import Progress, TopicsReader, TopicsUnreadableError
from greenlane.publishing.reconciliation.records import Refused, Stands, Unread, look
from greenlane.publishing.reconciliation.workspace import Workspace

LOG_APPEND_TIME = 1
"""How kafka-python marks a record whose time is the broker's."""


@dataclass(slots=True)
class TopicSide:
    """What the topic held: records read, and what became of them.

    `lost_until`: of a partition that lost its beginning, the append time of the oldest record that is left (ms; the
    latest of all such partitions). What was appended earlier may have stood there. `letters` is None where the dead
    letters could not be read, and `why_no_letters` says why.
    """

    topic: str
    records: int = 0
    accepted: int = 0
    refused: int = 0
    unreadable: int = 0
    lost_partitions: tuple[int, ...] = ()
    lost_until: int | None = None
    broker_times: bool = True
    letters: int | None = None
    why_no_letters: str = ""
    foreign_letters: int = field(default=0)


class _Bytes(NamedTuple):
    """A refused record as its letter has it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def read_topic(
    servers: str, topic: str, workspace: Workspace, now: datetime, progress: Callable[[str], Progress]
) -> TopicSide:
    """Take the dead letters about a topic and all of its records. Raises TopicsUnreadableError."""
    side = TopicSide(topic)
    with TopicsReader(servers, [topic], progress(topic)) as reader:
        kept_from = {span.partition: span.first for span in reader.spans}
        ends = {span.partition: span.end for span in reader.spans}
        side.lost_partitions = tuple(part for part, first in kept_from.items() if first > 0)
        oldest: dict[int, int] = {}
        for record in reader.records(topic):
            oldest.setdefault(record.partition, record.timestamp)
            _take(record, workspace, side)
    if side.lost_partitions:
        present = round(now.timestamp() * 1000)
        side.lost_until = max(oldest.get(part, present) for part in side.lost_partitions)
    _read_letters(servers, side, workspace, kept_from, ends, progress(DEAD_LETTERS))
    return side


def _take(record: KafkaRecord, workspace: Workspace, side: TopicSide) -> None:
    side.records += 1
    if getattr(record, "timestamp_type", LOG_APPEND_TIME) != LOG_APPEND_TIME:
        side.broker_times = False
    place = record.partition, record.offset, record.timestamp
    found = look(record)
    if isinstance(found, Stands):
        side.accepted += 1
        workspace.event(found, place)
    elif isinstance(found, Refused):
        side.refused += 1
        workspace.refusal(found, place)
    elif isinstance(found, Unread):
        side.unreadable += found.offsets


def _read_letters(  # noqa: PLR0913, PLR0917 - one step of reading both, parted for its length
    servers: str, side: TopicSide, workspace: Workspace, first: dict[int, int], end: dict[int, int], progress: Progress
) -> None:
    count = 0
    try:
        with TopicsReader(servers, [DEAD_LETTERS], progress) as reader:
            for record in reader.records(DEAD_LETTERS):
                try:
                    letter = DeadLetter.model_validate_json(record.value or b"")
                except ValidationError:
                    side.foreign_letters += 1
                    continue
                origin = letter.data.origin
                if origin.topic == side.topic and origin.offset < end.get(origin.partition, 0):
                    count += 1
                    _take_letter(letter, workspace, gone=origin.offset < first[origin.partition])
    except (KafkaError, TopicsUnreadableError) as error:
        side.why_no_letters = str(error)
        return
    side.letters = count


def _take_letter(letter: DeadLetter, workspace: Workspace, *, gone: bool) -> None:
    """A letter joins the record that it is about; of a record that is gone it stands for both."""
    origin, failure = letter.data.origin, letter.data.failure
    if not gone:
        workspace.letter(
            (origin.partition, origin.offset, origin.timestamp_ms), letter.id, str(failure.code), failure.messages
        )
        return
    found = look(_record_of(letter))
    if isinstance(found, Stands):
        made_out: tuple[str, int, str, str] = (found.parcel, found.step, found.seller, found.event_id)
    elif isinstance(found, Refused):
        made_out = (found.parcel, found.step, found.seller, found.event_id)
    else:
        made_out = ("", -1, "", "")
    refused = Refused(*made_out, str(failure.code), failure.messages)
    workspace.refusal(refused, (origin.partition, origin.offset, origin.timestamp_ms), letter.id)


def _record_of(letter: DeadLetter) -> KafkaRecord:
    origin = letter.data.origin
    return _Bytes(
        origin.topic,
        origin.partition,
        origin.offset,
        origin.timestamp_ms,
        decoded(origin.key_b64),
        decoded(letter.data.raw_b64),
        tuple((name, decoded(value) or b"") for name, value in origin.headers),
    )


def decoded(text: str | None) -> bytes | None:
    """Bytes from base64; None where a letter has none, or none that can be read."""
    try:
        return None if text is None else base64.b64decode(text)
    except binascii.Error:
        return None
