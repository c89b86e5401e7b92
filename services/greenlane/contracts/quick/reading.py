"""Reads the ordinary fulfilment record fast: what `read_event` would give, or nothing at all when only it can tell."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, get_type_hints

import msgspec
from annotated_types import Ge
from pydantic import BaseModel

from greenlane.contracts.events import EVENT_MODELS, EventEnvelope
from greenlane.contracts.quick.derived import REFUSED, decoder_of, struct_of
from greenlane.contracts.quick.keys import keys_stand_once
from greenlane.contracts.reading.fulfilment import FUTURE_TOLERANCE, KafkaRecord
from greenlane.contracts.reading.media_types import is_cloud_event
from greenlane.contracts.topics import marketplace_of

LARGEST = 16_384
"""Bytes of the largest value that is read here: the decoder takes up to 25 µs for a number, however odd its digits."""


class QuickEvent(msgspec.Struct, gc=False):
    """An event that was read and checked; `time` is in UTC and `data` has the fields and methods of its model."""

    type: str
    marketplace: str
    id: str
    subject: str
    time: datetime
    data: Any


def _body(event: type[BaseModel]) -> type[BaseModel]:
    body = event.model_fields["data"].annotation
    assert isinstance(body, type), "an event has one kind of body"
    return body


_TYPE = re.compile(rb'"type"[ \t\r\n]*:[ \t\r\n]*"([a-z0-9.]+)"')
"""What chooses the decoder of a structured event. The decoder checks it again: a wrong choice accepts nothing."""

_ENVELOPE = struct_of(EventEnvelope)
_RULES: dict[str, Any] = get_type_hints(_ENVELOPE, include_extras=True)
_EVENTS = {name: decoder_of(model) for name, model in EVENT_MODELS.items()}
_BODIES = {name: decoder_of(_body(model)) for name, model in EVENT_MODELS.items()}
_EARLIEST: Any = next(rule.ge for rule in EventEnvelope.model_fields["time"].metadata if isinstance(rule, Ge))
_ID, _TIME = (re.compile(_RULES[name].__metadata__[0].pattern) for name in ("id", "time"))
_TOLERANCE_MS = FUTURE_TOLERANCE / timedelta(milliseconds=1) - 1
"""A millisecond short: the last one is rounded in floating point, so the exact reader decides on it."""

_CONTENT_TYPE = "datacontenttype"
_CONTENT_TYPE_HEADER = "content-type"
_WHOLE_EVENT = re.compile(rb"application/cloudevents\+json[ \t]*(;|\Z)", re.IGNORECASE)
_ATTRIBUTES = ("type", *(name for name in EventEnvelope.model_fields if name != _CONTENT_TYPE))
_HEADERS = {f"ce_{name}": name for name in _ATTRIBUTES} | {_CONTENT_TYPE_HEADER: _CONTENT_TYPE}
_SOME_EVENT = {"id": "any", "subject": "any", "time": "2026-01-31T10:00:00Z"}
"""The attributes in which the records of a marketplace differ."""

_SHARED = {header: name for header, name in _HEADERS.items() if name not in _SOME_EVENT}
"""The headers that most of its records have in common, and their attributes."""

_ABSENT: Any = object()
"""Stands for a header that is not there; one without a value is there, and empty."""

_marketplace = lru_cache(maxsize=1024)(marketplace_of)


def quick_event(record: KafkaRecord) -> QuickEvent | None:
    """The event as `read_event` gives it; None for everything out of the ordinary, refusals included."""
    value = record.value
    if value is None or len(value) > LARGEST:
        return None
    try:
        headers = dict(record.headers)
        if len(headers) != len(record.headers):  # one of them stands twice
            return None
        content = headers.get(_CONTENT_TYPE_HEADER)
        if is_cloud_event(content):
            event = _structured(record.topic, value) if _WHOLE_EVENT.match(content or b"") else None
        elif "ce_type" in headers or "ce_specversion" in headers:
            event = _binary(record, headers, value)
        else:
            event = _structured(record.topic, value)
    except (*REFUSED, KeyError, ValueError, OverflowError):
        return None
    if event is None or record.key != event.subject.encode():
        return None
    return event if _plausible(event.time, record.timestamp) else None


def quick_document(value: bytes, topic: str, now_ms: int) -> QuickEvent | None:
    """A structured event before it is published to `topic` at `now_ms` (milliseconds since 1970).

    None for everything out of the ordinary, refusals included: `read_document` tells what of it is wrong.
    """
    if len(value) > LARGEST:
        return None
    try:
        event = _structured(topic, value)
    except (*REFUSED, KeyError, ValueError, OverflowError):
        return None
    return event if event is not None and _plausible(event.time, now_ms) else None


def _plausible(time: datetime, appended_ms: int) -> bool:
    return time >= _EARLIEST and bool(time.timestamp() * 1000 <= appended_ms + _TOLERANCE_MS)


def _structured(topic: str, value: bytes) -> QuickEvent | None:
    named = _TYPE.search(value)
    if named is None:
        return None
    event_type = named[1].decode()
    envelope = _EVENTS[event_type].decode(value)
    marketplace = _marketplace(topic)
    if marketplace is None or envelope.source != f"/marketplaces/{marketplace}":
        return None
    data = envelope.data
    if not keys_stand_once(value, envelope.id, envelope.subject, data.parcel_id):
        return None
    time = datetime.fromisoformat(envelope.time).astimezone(UTC)
    return QuickEvent(event_type, marketplace, envelope.id, envelope.subject, time, data)


def _binary(record: KafkaRecord, headers: Mapping[str, bytes | None], value: bytes) -> QuickEvent | None:
    """Raises KeyError for an attribute that is missing."""
    if not headers.keys() <= _HEADERS.keys() and any(name.startswith("ce_") for name in headers.keys() - _HEADERS):
        return None
    event_type, marketplace = _shared(record.topic, *[headers.get(name, _ABSENT) for name in _SHARED])
    event_id = _text(headers["ce_id"])
    if marketplace is None or _ID.match(event_id) is None:
        return None
    data = _BODIES[event_type].decode(value)
    if not keys_stand_once(value, data.parcel_id):
        return None
    subject, time = _subject(headers["ce_subject"]), _instant(_text(headers["ce_time"]))
    return QuickEvent(event_type, marketplace, event_id, subject, time, data)


def _text(value: bytes | None) -> str:
    return (value or b"").decode()


@lru_cache(maxsize=1024)
def _shared(topic: str, *values: bytes | None) -> tuple[str, str | None]:
    """The type and the marketplace that these values of the shared headers stand for, None for another's topic.

    Only what passes is remembered, so what is kept is as short as the contract has it. Raises what `quick_event` takes
    for out of the ordinary.
    """
    said = {name: _text(value) for name, value in zip(_SHARED.values(), values, strict=True) if value is not _ABSENT}
    event_type, marketplace = said.pop("type"), _marketplace(topic)
    envelope = msgspec.convert(_SOME_EVENT | said, _ENVELOPE)
    if event_type not in EVENT_MODELS:
        raise KeyError(event_type)
    return event_type, marketplace if envelope.source == f"/marketplaces/{marketplace}" else None


@lru_cache(maxsize=16_384)
def _subject(value: bytes | None) -> str:
    """A seller's id."""
    seller: str = msgspec.convert(_text(value), _RULES["subject"])
    return seller


def _instant(text: str) -> datetime:
    """The time in UTC. Raises ValueError for one that is not written as the contract has it."""
    if _TIME.match(text) is None:
        raise ValueError(text)
    return datetime.fromisoformat(text).astimezone(UTC)
