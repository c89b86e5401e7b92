"""CloudEvents 1.0 over Kafka: which mode a record is in, and its attributes with its data as one document."""

import base64
from typing import Any

from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.reading.json_text import load
from greenlane.contracts.reading.media_types import essence, is_cloud_event
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.contracts.unreadable import refuse_unreadable

CONTEXT = ("specversion", "type", "source", "id", "time", "subject")
"""The attributes that every event needs."""

_PREFIX = "ce_"
_CONTENT_TYPE = "content-type"
_MEDIA = "datacontenttype"
_STRUCTURED_JSON = "application/cloudevents+json"
_LONGEST_NAME = 64


def declared_type(record: KafkaRecord) -> str | None:
    """The event type of a record in binary mode, "" if it names none; None if the value must be read for it.

    The content type decides the mode. Without one that says so, a record is in binary mode if it has a header
    `ce_type` or `ce_specversion`, whatever that holds.
    """
    named: bytes | None = None
    binary, content = False, b""
    for name, value in record.headers:
        if name == "ce_type":
            if not binary or named is None:
                named = value
            binary = True
        elif name == "ce_specversion":
            binary = True
        elif name == _CONTENT_TYPE and not content:
            content = value or b""
    if not binary or is_cloud_event(content):
        return None
    return (named or b"").decode("utf-8", "replace")


def sized(value: bytes | None) -> bytes:
    """The value if there is one, within its bounds. Raises Refusal."""
    refuse_unreadable(value)
    if value is None:
        raise Refusal.because(DeadLetterCode.NULL_VALUE, "", "the value is null; publish an event, not a tombstone")
    if len(value) > MAX_EVENT_BYTES:
        raise Refusal.because(DeadLetterCode.TOO_LARGE, "", f"the value is over {MAX_EVENT_BYTES} bytes; split it")
    return value


def structured_object(value: bytes) -> dict[str, Any]:
    """The JSON object that a structured event is, as it stands. Raises Refusal."""
    document = load(value)
    if not isinstance(document, dict):
        message = "a structured CloudEvent is a JSON object with specversion, type, source, id, time, subject and data"
        raise Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, "", message)
    return document


def unwrapped(document: dict[str, Any]) -> dict[str, Any]:
    """A structured event without what is unset (null), and with `data_base64` as the data it stands for.

    Both as the JSON event format of CloudEvents says. Raises Refusal.
    """
    found = {name: value for name, value in document.items() if value is not None}
    if "data_base64" not in found:
        return found
    encoded = found.pop("data_base64")
    if "data" in found:
        raise _no_event("data_base64", "was sent together with data; send only one of the two")
    if not isinstance(encoded, str):
        raise _no_event("data_base64", "must be text in base64")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise _no_event("data_base64", "is not base64 (RFC 4648); encode the bytes of the data, or send data") from None
    return found | {"data": load(raw, "data_base64")}


def check_content_type(record: KafkaRecord) -> None:
    """Refuse a content type that says the value is a whole event in another format than JSON. Raises Refusal."""
    for name, value in record.headers:
        if name == _CONTENT_TYPE and is_cloud_event(value):
            found = essence(_text(name, value))
            if found != _STRUCTURED_JSON:
                message = f"must be {_STRUCTURED_JSON}, one event a record, or the media type of the data"
                raise _no_event(_CONTENT_TYPE, message)


def binary_document(record: KafkaRecord, value: bytes) -> dict[str, Any]:
    """Attributes from headers, data from the value. A header without a value sets nothing. Raises Refusal.

    A header that stands twice with the same value is one; so are two content types that differ in parameters only.
    """
    document: dict[str, Any] = {}
    for name, raw in record.headers:
        attribute = _MEDIA if name == _CONTENT_TYPE else name.removeprefix(_PREFIX)
        if raw is None or (attribute == name and name != _CONTENT_TYPE):
            continue
        text = _text(name, raw)
        earlier = document.setdefault(attribute, text)
        if earlier != text and not (attribute == _MEDIA and essence(earlier) == essence(text)):
            raise _no_event(name, "was sent twice with different values; send each CloudEvents attribute once")
    document["data"] = load(value)
    return document


def misplaced_attributes(record: KafkaRecord) -> str | None:
    """What to do about headers that look like CloudEvents attributes and are not named as Kafka's binding has them."""
    for name, _ in record.headers:
        if name[:3].lower() in {"ce-", "ce_"} and not name.startswith(_PREFIX):
            return f"headers begin with {name[:3]}; over Kafka CloudEvents attributes are named ce_type, ce_id …"
    return None


def _text(name: str, raw: bytes | None) -> str:
    try:
        return (raw or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise _no_event(name, "the header is not UTF-8; encode it as UTF-8") from None


def _no_event(path: str, message: str) -> Refusal:
    return Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, path[:_LONGEST_NAME], message)
