"""The one builder of dead letters: whatever a record holds, its letter fits into the dead-letter topic."""

import base64
import re
from typing import Final, NamedTuple

from greenlane.contracts.dead_letters import (
    MAX_REDRIVES,
    RAW_OMITTED,
    REDRIVE_HEADER,
    REDRIVE_OF_HEADER,
    DeadLetter,
    DeadLetterCode,
    DeadLetterData,
    Failure,
    Origin,
    Problem,
    Processor,
    Redrive,
    Refusal,
    dead_letter_id,
)
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.topics import MAX_DEAD_LETTER_BYTES, MAX_EVENT_BYTES
from greenlane.contracts.unreadable import Unreadable

HEADERS_OMITTED: Final = "headers_omitted"
"""Keyword of the problem that says a letter is without the record's headers."""

_LARGEST = MAX_DEAD_LETTER_BYTES - 1_024
"""Bytes of an encoded letter: the topic's limit counts its key and its batch too."""

_FRAME_BYTES = 4_096
"""Room for the letter's own fields: topic, stage, service and versions."""

_MOST_PROBLEMS = 60
_LONGEST_PATH, _LONGEST_MESSAGE = 200, 500
_WORTH_REPEATING = {
    DeadLetterCode.UNEXPECTED_ERROR,
    DeadLetterCode.SKIPPED,
    DeadLetterCode.UNKNOWN_TYPE,
    DeadLetterCode.FUTURE_TIME,
    DeadLetterCode.DAY_NOT_OVER,
    DeadLetterCode.UNKNOWN_MARKETPLACE,
    DeadLetterCode.OTHER_RULES,
}
_LETTER_ID = re.compile(rb"[0-9a-f]{32}")
_READ_AT_ORIGIN = "read it at its origin before retention removes it"
_HEADERS = Problem(
    path="", keyword=HEADERS_OMITTED, message=f"the record's headers are too large to be copied here; {_READ_AT_ORIGIN}"
)
_RAW = Problem(path="", keyword=RAW_OMITTED, message=f"the record is too large to be copied here; {_READ_AT_ORIGIN}")


class Stamp(NamedTuple):
    """Who refuses: the stage, and the service with its versions."""

    stage: str
    service: str
    version: str
    method_version: str


class Letter(NamedTuple):
    """A dead letter's id, which is its key, and its bytes."""

    id: str
    value: bytes


def letter_of(record: KafkaRecord, refusal: Refusal, stamp: Stamp) -> Letter:
    """The letter of one refused record; the same record and stage always give the same id.

    Where it would be larger than its topic takes, first the headers are left out, then key and value; it says so.
    """
    lost = isinstance(record.value, Unreadable)
    problems = tuple([_shortened(item) for item in refusal.problems[:_MOST_PROBLEMS]])
    room = _LARGEST - _FRAME_BYTES - sum(len(item.model_dump_json().encode()) + 1 for item in problems)
    content = _b64_bytes(record.key) + _b64_bytes(record.value)
    fits = len(record.key or b"") + len(record.value or b"") <= MAX_EVENT_BYTES  # or its topic took it no second time
    whole = not lost and fits and content <= room
    headed = whole and content + _header_bytes(record) <= room
    cuts = [] if lost or headed or not record.headers else [_HEADERS]
    if not (lost or whole):
        cuts.append(_RAW)
    identity = dead_letter_id(record.topic, record.partition, record.offset, stamp.stage)
    letter = DeadLetter(
        source=f"/services/{stamp.service}",
        id=identity,
        data=DeadLetterData(
            failure=Failure(
                stage=stamp.stage,
                code=refusal.code,
                retriable=refusal.code in _WORTH_REPEATING,
                first_at_ms=record.timestamp,
                messages=(*problems, *cuts),
            ),
            origin=Origin(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp,
                key_b64=_b64(record.key) if whole else None,
                headers=tuple((name, _b64(value)) for name, value in record.headers) if headed else (),
            ),
            processor=Processor(service=stamp.service, version=stamp.version, method_version=stamp.method_version),
            raw_b64=_b64(record.value) if whole else None,
            redrive=_redrive(record),
        ),
    )
    return Letter(identity, letter.model_dump_json().encode())


def _b64_bytes(raw: bytes | None) -> int:
    return 4 + 4 * (len(raw or b"") + 2) // 3


def _header_bytes(record: KafkaRecord) -> int:
    """Bytes of the encoded headers at most: a character of a name takes six when it is escaped."""
    return sum(6 * len(name.encode("utf-8", "replace")) + _b64_bytes(value) + 8 for name, value in record.headers)


def _shortened(problem: Problem) -> Problem:
    return Problem(
        path=problem.path[:_LONGEST_PATH], keyword=problem.keyword, message=problem.message[:_LONGEST_MESSAGE]
    )


def _redrive(record: KafkaRecord) -> Redrive:
    """What the record says of its re-drives; a text that is no small number counts as none, one that is no id as none.

    A record that names its first letter was re-driven at least once.
    """
    said = [value or b"" for name, value in record.headers if name == REDRIVE_HEADER]
    count = max((int(value) for value in said if len(value) <= 3 and value.isdigit()), default=0)
    first = next((value or b"" for name, value in record.headers if name == REDRIVE_OF_HEADER), b"")
    return Redrive(count=min(MAX_REDRIVES, count), of=first.decode() if _LETTER_ID.fullmatch(first) else None)


def _b64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
