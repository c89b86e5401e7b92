"""An event in the bytes in which it was given, as a Kafka record: nothing is written anew."""

from typing import NamedTuple

import msgspec

from greenlane.contracts.quick.reading import quick_document
from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.encoding import Mode

_STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
_DATA = ("content-type", b"application/json")


class Named(NamedTuple):
    """A record and the id of its event."""

    event_id: str
    record: RawRecord


class _Parts(msgspec.Struct):
    specversion: str
    type: str
    source: str
    id: str
    subject: str
    time: str
    data: msgspec.Raw


_PARTS = msgspec.json.Decoder(_Parts)
_HEADERS = tuple((name, f"ce_{name}") for name in _Parts.__struct_fields__ if name != "data")


def in_own_bytes(event: bytes, marketplace: str, now_ms: int, mode: Mode) -> Named | None:
    """The record of a structured event, checked at `now_ms` (milliseconds since 1970).

    None for everything out of the ordinary, refusals and what is sent as null included: the model decides on it.
    """
    if b"null" in event:
        return None
    quick = quick_document(event, fulfilment_topic(marketplace), now_ms)
    if quick is None:
        return None
    key = quick.subject.encode()
    if mode == "structured":
        return Named(quick.id, RawRecord(key, event, _STRUCTURED))
    parts = _PARTS.decode(event)
    headers = tuple([(header, getattr(parts, name).encode()) for name, header in _HEADERS])
    return Named(quick.id, RawRecord(key, bytes(parts.data), (*headers, _DATA)))
