"""An event as a Kafka record: CloudEvents over the Kafka binding, binary or structured mode; the key is the seller."""

from typing import Literal

from greenlane.contracts.events import FulfilmentEvent
from greenlane.publishing.history.timeline import RawRecord

Mode = Literal["binary", "structured"]

_STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


def encode(event: FulfilmentEvent, mode: Mode = "binary") -> RawRecord:
    """The record that carries `event`. What is undeclared is left out, not sent as null."""
    key = event.subject.encode()
    if mode == "structured":
        return RawRecord(key, event.model_dump_json(exclude_none=True).encode(), _STRUCTURED)
    headers = (
        ("ce_specversion", event.specversion.encode()),
        ("ce_type", event.type.encode()),
        ("ce_source", event.source.encode()),
        ("ce_id", event.id.encode()),
        ("ce_subject", key),
        ("ce_time", event.time.isoformat().encode()),
        ("content-type", b"application/json"),
    )
    return RawRecord(key, event.data.model_dump_json(exclude_none=True).encode(), headers)


def size_of(record: RawRecord) -> int:
    """Bytes that the record holds while it waits: key, value and headers."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name) + len(value)
    return size
