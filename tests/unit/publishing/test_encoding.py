"""Encoding: what is published reads back as the same event, in both modes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pytest

from greenlane.contracts.events import FulfilmentEvent
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.contracts.topics import fulfilment_topic
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.encoding import encode, size_of
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

APPENDED = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)
EVENTS = tuple(
    item.payload
    for item in simulate(SimulationPlan(sellers=16, days=12, malformed=0))
    if not isinstance(item.payload, RawRecord)
)
ONE_OF_EACH_TYPE = tuple({event.type: event for event in EVENTS}.values())


@dataclass(frozen=True)
class Record:
    """A record as a consumer meets it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    topic: str = fulfilment_topic("demo-vn")
    partition: int = 0
    offset: int = 0
    timestamp: int = APPENDED


def test_the_sample_has_every_type() -> None:
    assert len(ONE_OF_EACH_TYPE) == 5


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("event", ONE_OF_EACH_TYPE, ids=lambda event: event.type)
def test_reads_back_as_the_same_event(event: FulfilmentEvent, mode: Literal["binary", "structured"]) -> None:
    record = encode(event, mode)

    assert read_event(Record(record.key, record.value, record.headers)).event == event


def test_binary_mode_keeps_the_envelope_in_headers_and_out_of_the_value() -> None:
    record = encode(ONE_OF_EACH_TYPE[0])

    names = [name for name, _ in record.headers]
    assert names == ["ce_specversion", "ce_type", "ce_source", "ce_id", "ce_subject", "ce_time", "content-type"]
    assert b"specversion" not in (record.value or b"")


def test_what_is_undeclared_is_left_out() -> None:
    undeclared = next(event for event in EVENTS if "undeclared" in event.subject)

    assert b"null" not in (encode(undeclared).value or b"")


def test_size_counts_key_value_and_headers() -> None:
    assert size_of(RawRecord(b"key", b"value", (("name", b"text"),))) == 3 + 5 + 8
    assert size_of(RawRecord(None, None)) == 0
