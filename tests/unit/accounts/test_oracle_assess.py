"""The fate the oracle expects of a record at the scorers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from greenlane.accounts.oracle import assess
from greenlane.accounts.oracle.assess import Expected, digest, expected_of
from greenlane.contracts.assessing import assessment_of
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.reading.fulfilment import KafkaRecord, read_event
from greenlane.factors import loading as tables
from greenlane.methodology.tables import Method

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "type": "greenlane.parcel.packed.v1",
    "source": "/marketplaces/shop",
    "id": "e1",
    "time": "2026-06-01T12:00:00Z",
    "subject": "ann",
    "data": {"parcel_id": "p", "country": "VN"},
}
BINARY_HEARTBEAT = (("ce_specversion", b"1.0"), ("ce_type", b"greenlane.heartbeat.v1"))


@dataclass
class Stored:
    """A record as a consumer hands it over."""

    value: bytes | None
    key: bytes | None = b"ann"
    topic: str = "greenlane.fulfilment.shop.v1"
    partition: int = 2
    offset: int = 7
    timestamp: int = 1_780_400_000_000
    headers: Sequence[tuple[str, bytes]] = ()


@pytest.fixture(scope="module")
def method() -> Method:
    return tables.load_method()


def event(**changes: Any) -> Stored:
    return Stored(json.dumps(EVENT | changes).encode())


def test_a_good_event_becomes_exactly_its_assessment(method: Method) -> None:
    record = event()
    understood = read_event(record).event
    assert understood is not None
    content = assessment_of(record, understood, method).model_dump_json().encode()
    assert b'"offset":7' in content
    assert expected_of(record, method) == Expected(digest(record.value), content=digest(content))


def test_a_cancellation_becomes_a_retraction(method: Method) -> None:
    record = event(type="greenlane.parcel.cancelled.v1", data={"parcel_id": "p"})
    assert expected_of(record, method).content is not None


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Stored(None), DeadLetterCode.NULL_VALUE),
        (Stored(b"{"), DeadLetterCode.NOT_JSON),
        (event(type="greenlane.parcel.lost.v1"), DeadLetterCode.UNKNOWN_TYPE),
        (event(source="/marketplaces/mall"), DeadLetterCode.SOURCE_MISMATCH),
        (event(time="2099-01-01T00:00:00Z"), DeadLetterCode.FUTURE_TIME),
    ],
)
def test_a_bad_record_becomes_a_dead_letter_with_its_code_and_bytes(
    record: KafkaRecord, code: DeadLetterCode, method: Method
) -> None:
    assert expected_of(record, method) == Expected(digest(record.value), code=code)


@pytest.mark.parametrize(
    "record", [event(type="greenlane.heartbeat.v1", data={}), Stored(b"", headers=BINARY_HEARTBEAT)]
)
def test_a_heartbeat_is_ignored_in_either_mode(record: KafkaRecord, method: Method) -> None:
    assert expected_of(record, method).ignored


def test_what_the_method_itself_fails_on_becomes_a_dead_letter(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(assess, "assessment_of", fail)
    assert expected_of(event(), method).code is DeadLetterCode.UNEXPECTED_ERROR
