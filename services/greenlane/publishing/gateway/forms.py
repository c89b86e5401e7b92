"""CloudEvents over HTTP: which mode a request is in, and its events as structured JSON, each still as it was sent."""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from greenlane.contracts.reading.media_types import JSON_PATTERN, essence
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.errors import WrongUseError

MAX_EVENTS = 1_000
"""Most events of one request."""

LARGEST_EVENT = MAX_EVENT_BYTES - 4_096
"""Bytes of the largest event: its record, with key and headers, must fit into what a fulfilment topic takes."""

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_PREFIX = "ce-"
_LONGEST_NAME = 64
_JSON = re.compile(JSON_PATTERN)
_ATTRIBUTE = re.compile(r"[a-z0-9]{1,20}")
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ONE = msgspec.json.Decoder(msgspec.Raw)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Mode(StrEnum):
    """How CloudEvents are sent over HTTP."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCH = "batch"


class Head(NamedTuple):
    """What the headers of a request say: attributes are an event's in binary mode, and repeat it in structured mode."""

    mode: Mode
    content_type: str
    attributes: Mapping[str, str]


class WrongMediaTypeError(Exception):
    """The body is in a form that is not offered; the text says which are."""


class EventsError(WrongUseError):
    """A body from which no event can be taken."""


def head_of(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The mode of a request. Raises WrongMediaTypeError, or EventsError for attributes that cannot be read."""
    content_type = ""
    attributes: dict[str, str] = {}
    for name, value in headers:
        if name == b"content-type":
            if content_type:
                raise EventsError("content-type", "was sent twice", "send it once")
            content_type = value.decode("latin-1")
        elif name.startswith(b"ce-"):
            attribute = name[len(_PREFIX) :].decode("latin-1")
            attributes[attribute] = _attribute(attribute, value, known=attribute in attributes)
    kind = essence(content_type)
    if kind == BATCH:
        if attributes:
            field = f"{_PREFIX}{next(iter(attributes))[:_LONGEST_NAME]}"
            raise EventsError(field, "stands beside a list", "leave it out: each event of the list has its own")
        return Head(Mode.BATCH, content_type, {})
    if kind == STRUCTURED:
        return Head(Mode.STRUCTURED, content_type, attributes)
    if kind.startswith("application/cloudevents") or not _JSON.fullmatch(content_type):
        raise WrongMediaTypeError(f"send {STRUCTURED}, {BATCH}, or JSON data with the attributes in ce- headers")
    if not {"type", "specversion"} & attributes.keys():
        raise WrongMediaTypeError(f"send {STRUCTURED}, or {BATCH} for a list; plain JSON needs ce- headers")
    return Head(Mode.BINARY, content_type, attributes)


def events_of(head: Head, body: bytes | bytearray) -> list[bytes]:
    """The events of a body as structured JSON, each in the bytes that were sent. Raises EventsError."""
    if head.mode is Mode.BATCH:
        return _batch(body)
    if head.mode is Mode.STRUCTURED:
        if head.attributes:
            _refuse_contradiction(head.attributes, body)
        return [bytes(body)]
    return [_structured(head, body)]


def _batch(body: bytes | bytearray) -> list[bytes]:
    try:
        items = _LIST.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        shown = "is not a JSON list of events"
        if isinstance(error, msgspec.MsgspecError):
            shown = f"{shown} ({str(error)[:200]})"
        raise EventsError("body", shown, "send a list of structured events; correct the syntax") from None
    if len(items) > MAX_EVENTS:
        raise EventsError("events", f"are {len(items)}", f"send at most {MAX_EVENTS} in one request")
    return [bytes(item) for item in items]


def _refuse_contradiction(attributes: Mapping[str, str], body: bytes | bytearray) -> None:
    """Headers may repeat the attributes of a structured event, and say nothing else: somebody may read them instead."""
    try:
        stated = _OBJECT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return  # what it is not is told by its verdict
    for name, value in attributes.items():
        if stated.get(name) != value:
            field = f"{_PREFIX}{name}"
            raise EventsError(field, "is not what the event says", "leave it out, or send the event's own value")


def _structured(head: Head, body: bytes | bytearray) -> bytes:
    """The event whose attributes are headers and whose data are the body."""
    try:
        data = bytes(_ONE.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EventsError("body", "is not JSON in UTF-8", "send the event's data as JSON") from None
    stated = dict(head.attributes) | {"datacontenttype": head.content_type}
    # `data` comes last: what begins as an object ends with it
    return b'%b,"data":%b}' % (json.dumps(stated).encode()[:-1], data)


def _attribute(name: str, value: bytes, *, known: bool) -> str:
    """A header's value: percent-encoded UTF-8, as the HTTP binding has it. Raises EventsError."""
    field = f"{_PREFIX}{name[:_LONGEST_NAME]}"
    if known:
        raise EventsError(field, "was sent twice", "send each CloudEvents attribute once")
    if not _ATTRIBUTE.fullmatch(name) or name in {"data", "datacontenttype"}:
        remedy = "use small letters and digits; the data's media type is the Content-Type, and the data are the body"
        raise EventsError(field, "is no name of an attribute", remedy)
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise EventsError(field, "is not UTF-8", "encode it as UTF-8, percent-encoded") from None
