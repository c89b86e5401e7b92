"""Reads one record of a fulfilment topic, in CloudEvents binary or structured mode, or refuses it with reasons."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import ValidationError

from greenlane.contracts.dead_letters import DeadLetterCode, Problem, Refusal
from greenlane.contracts.events import EVENT_MODELS, FulfilmentEvent
from greenlane.contracts.problems import code_of, problems_of
from greenlane.contracts.topics import MAX_EVENT_BYTES, marketplace_of
from greenlane.contracts.unreadable import refuse_unreadable

MAX_DEPTH = 16
FUTURE_TOLERANCE = timedelta(hours=24)
"""How far ahead of its append time an event may claim to have happened: the widest honest clock error we accept."""

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*+"')
_BRACKET = re.compile(r"[\[\]{}]")
_CONTEXT = ("specversion", "type", "source", "id", "time", "subject")


class KafkaRecord(Protocol):
    """What is needed of a record, whichever client read it."""

    @property
    def topic(self) -> str:
        """Where it stands."""
        ...

    @property
    def partition(self) -> int:
        """Its partition."""
        ...

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """When the broker appended it, milliseconds since 1970 UTC."""
        ...

    @property
    def key(self) -> bytes | None:
        """The seller's id."""
        ...

    @property
    def value(self) -> bytes | None:
        """The event, or its data in binary mode."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """CloudEvents attributes in binary mode."""
        ...


class Reading(NamedTuple):
    """A record's type, known even when the rest is wrong ("" if it is not), and the event or the refusal."""

    type: str
    event: FulfilmentEvent | None
    refusal: Refusal | None


def declared_type(record: KafkaRecord) -> str | None:
    """The event type if the record says it in a header (binary mode); None if the value must be read for it."""
    for name, value in record.headers:
        if name == "ce_type":
            return (value or b"").decode("utf-8", "replace")
    return None


def read_event(record: KafkaRecord) -> Reading:
    """Read and check one record: envelope, body, source against topic, key against subject, time against append."""
    event_type = declared_type(record) or ""
    try:
        value = _sized(record.value)
        if event_type or any(name == "ce_specversion" for name, _ in record.headers):
            document = _binary(record, value)
        else:
            document = _structured(value)
        named = document.get("type", "")
        event_type = named if isinstance(named, str) else ""
        event = _parse(event_type, document)
        _check_origin(record, event)
        check_time(event, datetime.fromtimestamp(record.timestamp / 1000, UTC))
    except Refusal as refusal:
        return Reading(event_type, None, refusal)
    return Reading(event_type, event, None)


def read_document(value: bytes, now: datetime) -> FulfilmentEvent:
    """Check one structured event before it is published: as `read_event`, and a field the contract lacks is refused.

    `now` stands for the append time. There is no topic yet to compare source and key with. Raises Refusal.
    """
    document = _structured(_sized(value))
    named = document.get("type", "")
    event = _parse(named if isinstance(named, str) else "", document, extra="forbid")
    check_time(event, now)
    return event


def _sized(value: bytes | None) -> bytes:
    refuse_unreadable(value)
    if value is None:
        raise Refusal.because(DeadLetterCode.NULL_VALUE, "", "the value is null; publish an event, not a tombstone")
    if len(value) > MAX_EVENT_BYTES:
        raise Refusal.because(DeadLetterCode.TOO_LARGE, "", f"the value is over {MAX_EVENT_BYTES} bytes; split it")
    return value


def _load(value: bytes) -> Any:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; encode the event as UTF-8"
        raise Refusal.because(DeadLetterCode.NOT_UTF8, "", message) from None
    _check_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}; correct the syntax"
        raise Refusal.because(DeadLetterCode.NOT_JSON, "", message) from None
    except ValueError:
        message = "a number has too many digits; publish numbers within the schema's bounds"
        raise Refusal.because(DeadLetterCode.NOT_JSON, "", message) from None


def _refuse_constant(name: str) -> Any:
    message = f"{name} is not JSON; leave an unknown number out"
    raise Refusal.because(DeadLetterCode.NOT_JSON, "", message)


def _check_depth(text: str) -> None:
    brackets = _BRACKET.findall(_TEXT.sub("", text))
    depth = max(accumulate(1 if bracket in "{[" else -1 for bracket in brackets), default=0)
    if depth > MAX_DEPTH:
        message = f"nested deeper than {MAX_DEPTH} levels; publish the event as its schema has it"
        raise Refusal.because(DeadLetterCode.TOO_DEEP, "", message)


def _structured(value: bytes) -> dict[str, Any]:
    document = _load(value)
    if not isinstance(document, dict):
        message = "a structured CloudEvent is a JSON object with specversion, type, source, id, time, subject and data"
        raise Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, "", message)
    return document


def _binary(record: KafkaRecord, value: bytes) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, raw in record.headers:
        attribute = "datacontenttype" if name == "content-type" else name.removeprefix("ce_")
        if attribute == name and name != "content-type":
            continue
        if attribute in document:
            message = "the header stands twice; send each CloudEvents attribute once"
            raise Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, name, message)
        try:
            document[attribute] = (raw or b"").decode("utf-8")
        except UnicodeDecodeError:
            message = "the header is not UTF-8; encode it as UTF-8"
            raise Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, name, message) from None
    document["data"] = _load(value)
    return document


def _parse(event_type: str, document: dict[str, Any], extra: Literal["ignore", "forbid"] = "ignore") -> FulfilmentEvent:
    model = EVENT_MODELS.get(event_type)
    if model is None:
        missing = [name for name in _CONTEXT if name not in document]
        if missing:
            absent = [Problem(path=name, keyword="missing", message="is missing; add it") for name in missing]
            raise Refusal(DeadLetterCode.NOT_A_CLOUD_EVENT, absent)
        message = f"must be one of {', '.join(EVENT_MODELS)}"
        raise Refusal.because(DeadLetterCode.UNKNOWN_TYPE, "type", message)
    try:
        return model.model_validate_json(json.dumps(document), extra=extra)
    except ValidationError as error:
        problems = problems_of(error)
        raise Refusal(code_of(problems), problems) from None


def _check_origin(record: KafkaRecord, event: FulfilmentEvent) -> None:
    marketplace = marketplace_of(record.topic)
    if event.source != f"/marketplaces/{marketplace}":
        message = f"must be /marketplaces/{marketplace}, the marketplace this topic belongs to"
        raise Refusal.because(DeadLetterCode.SOURCE_MISMATCH, "source", message)
    if record.key is None or record.key != event.subject.encode():
        message = "the record's key must be the seller id that stands in subject"
        raise Refusal.because(DeadLetterCode.KEY_MISMATCH, "subject", message)


def check_time(event: FulfilmentEvent, appended: datetime) -> None:
    """Raises Refusal for an event that happened further after `appended` than an honest clock error explains."""
    if event.time > appended + FUTURE_TOLERANCE:
        message = "lies more than 24 hours after the event was appended; publish what has happened"
        raise Refusal.because(DeadLetterCode.FUTURE_TIME, "time", message)
