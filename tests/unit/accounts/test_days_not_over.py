"""What lies in the future of its own append time is refused, by the aggregator and by the oracle with the same word."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlane.accounts.aggregator.intake import read
from greenlane.accounts.oracle.refusals import refusal_of
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.rules import AGGREGATOR_RECORD, RulesAdopted

DAY_MS = 86_400_000
APPENDED = date(2026, 7, 10)
MIDNIGHT_MS = int(datetime(2026, 7, 10, tzinfo=UTC).timestamp() * 1000)


class Incoming(NamedTuple):
    """A record of the assessments topic."""

    value: bytes | None
    timestamp: int
    topic: str = "greenlane.assessments.v1"
    partition: int = 0
    offset: int = 0
    key: bytes | None = b"m/s"
    headers: Sequence[tuple[str, bytes]] = ()


def closing(first: str, last: str, timestamp: int = MIDNIGHT_MS) -> Incoming:
    document = {"type": "greenlane.day-closed.v1", "marketplace": "m", "first_day": first, "last_day": last}
    return Incoming(json.dumps(document).encode(), timestamp)


def retraction(day: str, timestamp: int = MIDNIGHT_MS, **changed: Any) -> Incoming:
    document = {
        "type": "greenlane.retraction.v1",
        "marketplace": "m",
        "seller_id": "s",
        "parcel_id": "p",
        "occurred_at": f"{day}T12:00:00.000000Z",
        "event_id": "e",
        "origin": {"topic": "t", "partition": 0, "offset": 0, "appended_ms": 0},
    } | changed
    return Incoming(json.dumps(document).encode(), timestamp)


def assessment(day: str, timestamp: int = MIDNIGHT_MS, **changed: Any) -> Incoming:
    more = {"dimension": "packaging", "contribution": {"parcels": 1}, "data_category": "default", "factor_ids": []}
    kind = {"type": "greenlane.assessment.v1", "revision": 0, "method_version": "1.0.0"}
    return retraction(day, timestamp, **more | kind | changed)


def wrong_sum() -> Incoming:
    return assessment("2026-07-01", contribution={"parcel": 1})


def refusals(record: Incoming) -> tuple[DeadLetterCode | None, DeadLetterCode | None]:
    """What the aggregator and the oracle say."""
    try:
        read(record)
    except Refusal as refusal:
        told: DeadLetterCode | None = refusal.code
    else:
        told = None
    message = AGGREGATOR_RECORD.validate_json(record.value or b"")
    assert not isinstance(message, RulesAdopted)
    return told, refusal_of(record, message)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (closing("2026-07-09", "2026-07-09"), None),
        (closing("2026-07-09", "2026-07-09", MIDNIGHT_MS - 1), DeadLetterCode.DAY_NOT_OVER),
        (closing("2026-07-09", "2026-07-10", MIDNIGHT_MS + DAY_MS - 1), DeadLetterCode.DAY_NOT_OVER),
        (closing("2026-07-09", "2036-07-09"), DeadLetterCode.DAY_NOT_OVER),
        (closing("2026-07-09", "9999-12-31"), DeadLetterCode.SCHEMA_VIOLATION),
        (closing("9999-12-31", "9999-12-31"), DeadLetterCode.DAY_NOT_OVER),
        (closing("2026-07-09", "2026-07-08"), DeadLetterCode.SCHEMA_VIOLATION),
        (closing("0001-01-01", "2026-07-09"), DeadLetterCode.SCHEMA_VIOLATION),
        (closing("0001-01-01", "0001-01-01"), DeadLetterCode.SCHEMA_VIOLATION),
        (closing("1970-01-01", "1970-01-01"), None),
        (closing("1970-01-01", "2026-07-09"), DeadLetterCode.SCHEMA_VIOLATION),
        (closing("2016-07-02", "2026-07-09"), None),
        (closing("2016-07-01", "2026-07-09"), DeadLetterCode.SCHEMA_VIOLATION),
        (closing("2026-07-09", "2026-07-09", -1), DeadLetterCode.DAY_NOT_OVER),
        (assessment("2026-07-12"), None),
        (assessment("2026-07-13"), DeadLetterCode.FUTURE_TIME),
        (assessment("9999-12-31"), DeadLetterCode.FUTURE_TIME),
        (assessment("2026-07-13", unknown="slow reader"), DeadLetterCode.FUTURE_TIME),
        (assessment("0001-01-01"), None),
        (assessment("2026-02-30"), DeadLetterCode.SCHEMA_VIOLATION),
        (wrong_sum(), DeadLetterCode.SCHEMA_VIOLATION),
        (retraction("2026-07-12"), None),
        (retraction("2026-07-13"), DeadLetterCode.FUTURE_TIME),
        (retraction("2026-02-30"), DeadLetterCode.SCHEMA_VIOLATION),
    ],
)
def test_both_refuse_the_same_with_the_same_word(record: Incoming, code: DeadLetterCode | None) -> None:
    assert refusals(record) == (code, code)


DAYS = st.dates(date(1960, 1, 1), date(2100, 1, 1)) | st.dates(APPENDED - timedelta(days=4), APPENDED)


@given(first=DAYS, last=DAYS, timestamp=st.integers(MIDNIGHT_MS - 3 * DAY_MS, MIDNIGHT_MS + 3 * DAY_MS))
def test_both_agree_on_every_run_of_days(first: date, last: date, timestamp: int) -> None:
    told, wanted = refusals(closing(str(first), str(last), timestamp))
    assert told == wanted


@given(day=DAYS, timestamp=st.integers(MIDNIGHT_MS - 3 * DAY_MS, MIDNIGHT_MS + 3 * DAY_MS))
def test_both_agree_on_every_assessed_day(day: date, timestamp: int) -> None:
    told, wanted = refusals(assessment(str(day), timestamp))
    assert told == wanted
