"""Reads the ordinary fulfilment record fast: what `read_event` would give, or nothing at all when only it can tell."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from annotated_types import Ge
from pydantic import BaseModel

from greenlane.contracts.derived import REFUSED, decoder_of, struct_of
from greenlane.contracts.events import EVENT_MODELS, EventEnvelope
from greenlane.contracts.reading import FUTURE_TOLERANCE, KafkaRecord
from greenlane.contracts.topics import MAX_EVENT_BYTES, marketplace_of


class QuickEvent(NamedTuple):
    """An event that was read and checked; `time` is in UTC and `data` has the fields and methods of its model."""

    type: str
    marketplace: str
    id: str
    subject: str
    time: datetime
    data: Any


class _Type(msgspec.Struct):
    """All that is looked at to choose the decoder of a structured event."""

    type: str


def _body(event: type[BaseModel]) -> type[BaseModel]:
    body = event.model_fields["data"].annotation
    assert isinstance(body, type), "an event has one kind of body"
    return body


_TYPE = msgspec.json.Decoder(_Type)
_ENVELOPE = struct_of(EventEnvelope)
_EVENTS = {name: decoder_of(model) for name, model in EVENT_MODELS.items()}
_BODIES = {name: decoder_of(_body(model)) for name, model in EVENT_MODELS.items()}
_EARLIEST: Any = next(rule.ge for rule in EventEnvelope.model_fields["time"].metadata if isinstance(rule, Ge))
_TOLERANCE_MS = FUTURE_TOLERANCE / timedelta(milliseconds=1) - 1
"""A millisecond short: the last one is rounded in floating point, so the exact reader decides on it."""

_CONTENT_TYPE = "datacontenttype"
_ATTRIBUTES = ("type", *(name for name in EventEnvelope.model_fields if name != _CONTENT_TYPE))
_HEADERS = {f"ce_{name}": name for name in _ATTRIBUTES} | {"content-type": _CONTENT_TYPE}
_marketplace = lru_cache(maxsize=1024)(marketplace_of)


def quick_event(record: KafkaRecord) -> QuickEvent | None:
    """The event as `read_event` gives it; None for everything out of the ordinary, refusals included."""
    value = record.value
    if value is None or len(value) > MAX_EVENT_BYTES:
        return None
    try:
        if record.headers and (headers := _binary(record)):
            event_type = headers.pop("type")
            envelope = msgspec.convert(headers, _ENVELOPE)
            data = _BODIES[event_type].decode(value)
        else:
            event_type = _TYPE.decode(value).type
            envelope = _EVENTS[event_type].decode(value)
            data = envelope.data
        time = datetime.fromisoformat(envelope.time).astimezone(UTC)
    except (*REFUSED, KeyError, ValueError, OverflowError):
        return None
    marketplace, subject = _marketplace(record.topic), envelope.subject
    if marketplace is None or envelope.source != f"/marketplaces/{marketplace}" or record.key != subject.encode():
        return None
    if time < _EARLIEST or time.timestamp() * 1000 > record.timestamp + _TOLERANCE_MS:
        return None
    return QuickEvent(event_type, marketplace, envelope.id, subject, time, data)


def _binary(record: KafkaRecord) -> dict[str, str]:
    """The attributes of a record in binary mode, none in structured mode.

    Raises KeyError for a header that stands twice and for an attribute that the envelope does not have.
    """
    headers = dict(record.headers)
    if len(headers) != len(record.headers):
        raise KeyError("twice")
    if "ce_type" not in headers and "ce_specversion" not in headers:
        return {}
    attributes = {_HEADERS[name]: (raw or b"").decode() for name, raw in headers.items() if name in _HEADERS}
    if len(attributes) < len(headers) and any(name.startswith("ce_") for name in headers.keys() - _HEADERS.keys()):
        raise KeyError("not of the envelope")
    return attributes
