"""Every malformed record is refused for the reason it stands for."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.simulator.malformed import MalformedRecord, malformed_records

RECORDS = malformed_records("demo-vn")
APPENDED = datetime(2026, 11, 22, tzinfo=UTC)

BEYOND_A_PUBLISHER = {
    DeadLetterCode.TOO_LARGE,  # the broker refuses such a record first
    DeadLetterCode.UNREADABLE_BATCH,
    DeadLetterCode.DAY_NOT_OVER,  # of the assessments topic, to which no publisher writes
    DeadLetterCode.UNKNOWN_MARKETPLACE,
    DeadLetterCode.OTHER_RULES,
    DeadLetterCode.OUTPUT_TOO_LARGE,
    DeadLetterCode.UNEXPECTED_ERROR,
    DeadLetterCode.SKIPPED,
}


@dataclass(frozen=True)
class Record:
    """A record as a consumer meets it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    topic: str = fulfilment_topic("demo-vn")
    partition: int = 0
    offset: int = 0
    timestamp: int = int(APPENDED.timestamp() * 1000)


def as_read(record: RawRecord) -> Record:
    return Record(record.key, record.value, record.headers)


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case.name)
def test_is_refused_for_its_reason(case: MalformedRecord) -> None:
    refusal = read_event(as_read(case.record)).refusal

    assert refusal is not None
    assert (refusal.code, refusal.problems != ()) == (case.code, True), str(refusal)


def test_there_are_at_least_sixty_and_none_twice() -> None:
    assert len(RECORDS) >= 60
    assert len({case.name for case in RECORDS}) == len(RECORDS)
    assert len({case.record for case in RECORDS}) == len(RECORDS)


def test_every_reason_a_publisher_can_give_rise_to_is_there() -> None:
    assert {case.code for case in RECORDS} == set(DeadLetterCode) - BEYOND_A_PUBLISHER


def test_no_problem_repeats_the_wrong_value() -> None:
    case = next(case for case in RECORDS if case.name == "reason_in_free_text")

    refusal = read_event(as_read(case.record)).refusal

    assert refusal is not None
    assert "driver" not in str(refusal)
