"""Reads one record of a fulfilment topic, in CloudEvents binary or structured mode, or refuses it with reasons."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from greenlane.contracts.dead_letters import DeadLetterCode, Problem, Refusal
from greenlane.contracts.events import EVENT_MODELS, FulfilmentEvent
from greenlane.contracts.reading.cloud_events import (
    CONTEXT,
    binary_document,
    check_content_type,
    declared_type,
    misplaced_attributes,
    sized,
    structured_object,
    unwrapped,
)
from greenlane.contracts.reading.known_fields import Unknown, known_fields
from greenlane.contracts.reading.problems import bounded, code_of, extra_fields, problems_of
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import marketplace_of

__all__ = ["FUTURE_TOLERANCE", "KafkaRecord", "Reading", "check_time", "declared_type", "read_document", "read_event"]

FUTURE_TOLERANCE = timedelta(hours=24)
"""How far ahead of its append time an event may claim to have happened: the widest honest clock error we accept."""


class Reading(NamedTuple):
    """A record's type, known even when the rest is wrong ("" if it is not), and the event or the refusal.

    `unknown` counts the fields that the contract lacks. They are in no event: nothing is written of them.
    """

    type: str
    event: FulfilmentEvent | None
    refusal: Refusal | None
    unknown: int = 0


def read_event(record: KafkaRecord) -> Reading:
    """Read and check one record: envelope, body, source against topic, key against subject, time against append."""
    declared = declared_type(record)
    event_type, unknown = declared or "", Unknown()
    try:
        value = sized(record.value)
        check_content_type(record)
        if declared is None:
            document = structured_object(value)
            event_type = _type_of(document)
            document = unwrapped(document)
        else:
            document = binary_document(record, value)
        if event_type not in EVENT_MODELS:
            raise _without_model(document, misplaced_attributes(record))
        event = _validated(event_type, known_fields(document, EVENT_MODELS[event_type], unknown))
        _check_origin(record, event)
        check_time(event, datetime.fromtimestamp(record.timestamp / 1000, UTC))
    except Refusal as refusal:
        return Reading(event_type, None, refusal, unknown.count)
    return Reading(event_type, event, None, unknown.count)


def read_document(value: bytes, now: datetime) -> FulfilmentEvent:
    """Check one structured event before it is published: as `read_event`, and a field the contract lacks is refused.

    `now` stands for the append time. There is no topic yet to compare source and key with. Raises Refusal.
    """
    document = structured_object(sized(value))
    event_type, unknown = _type_of(document), Unknown()
    document = unwrapped(document)
    if event_type not in EVENT_MODELS:
        raise _without_model(document, None)
    known = known_fields(document, EVENT_MODELS[event_type], unknown)
    strange = extra_fields(unknown)
    try:
        event = _validated(event_type, known)
    except Refusal as refusal:
        problems = bounded((*strange, *refusal.problems))
        raise Refusal(code_of(problems), problems) from None
    if strange:
        raise Refusal(code_of(strange), strange)
    check_time(event, now)
    return event


def _type_of(document: dict[str, Any]) -> str:
    named = document.get("type")
    return named if isinstance(named, str) else ""


def _without_model(document: dict[str, Any], hint: str | None) -> Refusal:
    missing = [name for name in CONTEXT if name not in document]
    if missing and hint is not None:
        return Refusal.because(DeadLetterCode.NOT_A_CLOUD_EVENT, "", hint)
    if missing:
        absent = [Problem(path=name, keyword="missing", message="is missing; add it") for name in missing]
        return Refusal(DeadLetterCode.NOT_A_CLOUD_EVENT, absent)
    return Refusal.because(DeadLetterCode.UNKNOWN_TYPE, "type", f"must be one of {', '.join(EVENT_MODELS)}")


def _validated(event_type: str, document: dict[str, Any]) -> FulfilmentEvent:
    try:
        return EVENT_MODELS[event_type].model_validate_json(json.dumps(document))
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
        message = "lies more than 24 hours in the future; publish what has happened"
        raise Refusal.because(DeadLetterCode.FUTURE_TIME, "time", message)
