"""Dead letters of the intake: the refused record's own bytes, where they stood, and why."""

import base64
from typing import Any

from greenlane import __version__
from greenlane.contracts.dead_letters import (
    RAW_OMITTED,
    DeadLetter,
    DeadLetterCode,
    DeadLetterData,
    Failure,
    Origin,
    Problem,
    Processor,
    Refusal,
    dead_letter_id,
)
from greenlane.contracts.topics import MAX_EVENT_BYTES
from greenlane.contracts.unreadable import Unreadable

STAGE = "webhook_intake"
_WORTH_REPEATING = {DeadLetterCode.UNEXPECTED_ERROR, DeadLetterCode.UNKNOWN_TYPE}
_RAW_OMITTED = Problem(
    path="",
    keyword=RAW_OMITTED,
    message="the record is too large to be copied here; read it at its origin before retention removes it",
)


def dead_letter(record: Any, refusal: Refusal) -> DeadLetter:
    """The dead letter of a refused aiokafka record; the same record always gives the same id."""
    headers = record.headers or ()
    size = len(record.key or b"") + len(record.value or b"") + sum(len(name) + len(raw or b"") for name, raw in headers)
    lost = isinstance(record.value, Unreadable)
    copied = not lost and size <= MAX_EVENT_BYTES
    return DeadLetter(
        source="/services/webhook_dispatcher",
        id=dead_letter_id(record.topic, record.partition, record.offset, STAGE),
        data=DeadLetterData(
            failure=Failure(
                stage=STAGE,
                code=refusal.code,
                retriable=refusal.code in _WORTH_REPEATING,
                first_at_ms=record.timestamp,
                messages=refusal.problems if copied or lost else (*refusal.problems, _RAW_OMITTED),
            ),
            origin=Origin(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp,
                key_b64=_b64(record.key) if copied else None,
                headers=tuple((name, _b64(raw) or "") for name, raw in headers) if copied else (),
            ),
            processor=Processor(service="webhook_dispatcher", version=__version__, method_version=""),
            raw_b64=_b64(record.value) if copied else None,
        ),
    )


def _b64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
