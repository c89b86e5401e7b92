"""Which events of a request may be appended, and what is wrong with each of the others; reads no clock."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.events import PATTERN_WORDS, EventEnvelope
from greenlane.contracts.quick.reading import quick_document
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.publishing.gateway.forms import LARGEST_EVENT
from greenlane.publishing.gateway.verdicts import Refused, details_of

_LONGEST_ID = 128


class Checked(NamedTuple):
    """An event that keeps the contract: its place in the request, its id, its seller as the key, and its bytes."""

    place: int
    id: str
    key: bytes
    value: bytes


class _Identified(msgspec.Struct):
    """What is read of a refused event, so that its sender finds it again."""

    id: str


_ID = msgspec.json.Decoder(_Identified)
_ID_PATTERN = re.compile(
    next(rule.pattern for rule in EventEnvelope.model_fields["id"].metadata if hasattr(rule, "pattern"))
)
assert _ID_PATTERN.pattern in PATTERN_WORDS, "the id's rule is the contract's"


def check(index: int, value: bytes, marketplace: str, topic: str, now_ms: int) -> Checked | Refused:
    """The verdict of one structured event that is to be appended to this marketplace's topic at `now_ms`.

    Its bytes are not changed: what was sent is what stands in Kafka.
    """
    if len(value) > LARGEST_EVENT:
        message = f"is over {LARGEST_EVENT} bytes; split it"
        return refused_as(index, value, Refusal.because(DeadLetterCode.TOO_LARGE, "", message))
    quick = quick_document(value, topic, now_ms)
    if quick is not None:
        return Checked(index, quick.id, quick.subject.encode(), value)
    try:
        event = read_document(value, datetime.fromtimestamp(now_ms / 1000, UTC))
    except Refusal as refusal:
        return refused_as(index, value, refusal)
    source = f"/marketplaces/{marketplace}"
    if event.source != source:
        message = f"must be {source}, the marketplace of the key; use the key of the other marketplace for its events"
        return refused_as(index, value, Refusal.because(DeadLetterCode.SOURCE_MISMATCH, "source", message))
    return Checked(index, event.id, event.subject.encode(), value)


def refused_as(index: int, value: bytes, refusal: Refusal) -> Refused:
    """The verdict that a refusal is."""
    return Refused(index, refusal.code, tuple(details_of(refusal)), _id_of(value))


def _id_of(value: bytes) -> str | None:
    """The event's id if it has one that is none of a person: nothing else of a refused event is repeated."""
    if len(value) > LARGEST_EVENT:
        return None
    try:
        found = _ID.decode(value).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if len(found) <= _LONGEST_ID and _ID_PATTERN.fullmatch(found) else None
