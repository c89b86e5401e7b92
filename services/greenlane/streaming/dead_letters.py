"""Dead letters from refusals: the record's own bytes, where they stood, and why they could not be processed."""

import base64
from dataclasses import dataclass

from greenlane.contracts.dead_letters import (
    MAX_REDRIVES,
    RAW_OMITTED,
    REDRIVE_HEADER,
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
from greenlane.contracts.topics import DEAD_LETTERS, MAX_EVENT_BYTES
from greenlane.contracts.unreadable import Unreadable
from greenlane.streaming.records import Outcome, Output, SourceRecord

DEAD_LETTERED = "dead_lettered"
"""Name of the outcome of every refused record."""

_WORTH_REPEATING = {
    DeadLetterCode.UNEXPECTED_ERROR,
    DeadLetterCode.UNKNOWN_TYPE,
    DeadLetterCode.FUTURE_TIME,
    DeadLetterCode.DAY_NOT_OVER,
    DeadLetterCode.UNKNOWN_MARKETPLACE,
    DeadLetterCode.OTHER_RULES,
}
_RAW_OMITTED = Problem(
    path="",
    keyword=RAW_OMITTED,
    message="the record is too large to be copied here; read it at its origin before retention removes it",
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The processing step that refuses records, as its dead letters name it."""

    name: str
    service: str
    version: str
    method_version: str

    def refuse(self, record: SourceRecord, refusal: Refusal) -> Outcome:
        """The outcome of a refused record: one dead letter and nothing else."""
        return Outcome(DEAD_LETTERED, (dead_letter(record, refusal, self),))


def dead_letter(record: SourceRecord, refusal: Refusal, stage: Stage) -> Output:
    """The dead letter of one refused record; the same record and stage always give the same key."""
    lost = isinstance(record.value, Unreadable)
    copied = not lost and _size(record) <= MAX_EVENT_BYTES
    identity = dead_letter_id(record.topic, record.partition, record.offset, stage.name)
    letter = DeadLetter(
        source=f"/services/{stage.service}",
        id=identity,
        data=DeadLetterData(
            failure=Failure(
                stage=stage.name,
                code=refusal.code,
                retriable=refusal.code in _WORTH_REPEATING,
                first_at_ms=record.timestamp,
                messages=refusal.problems if copied or lost else (*refusal.problems, _RAW_OMITTED),
            ),
            origin=_origin(record, copied=copied),
            processor=Processor(service=stage.service, version=stage.version, method_version=stage.method_version),
            raw_b64=_b64(record.value) if copied else None,
            redrive=Redrive(count=_redrives(record)),
        ),
    )
    return Output(DEAD_LETTERS, identity.encode(), letter.model_dump_json().encode())


def _origin(record: SourceRecord, *, copied: bool) -> Origin:
    return Origin(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key_b64=_b64(record.key) if copied else None,
        headers=tuple((name, _b64(value) or "") for name, value in record.headers) if copied else (),
    )


def _redrives(record: SourceRecord) -> int:
    counts = [int(value) for name, value in record.headers if name == REDRIVE_HEADER and (value or b"").isdigit()]
    return min(MAX_REDRIVES, max(counts, default=0))


def _b64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()


def _size(record: SourceRecord) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers
