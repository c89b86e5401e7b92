"""Every rule of `conformance` passes for what is right, fails for what breaks it, and is not judged where untried."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from greenlane.factors.loading import load_method
from greenlane.publishing.conformance.observations import of_file, of_topic
from greenlane.publishing.conformance.rules import Conformance, Row, Verdict
from greenlane.publishing.files.reading import FileEvent
from greenlane.publishing.simulator.malformed import malformed_records

METHOD = load_method()
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
STRUCTURED = (("content-type", b"application/cloudevents+json"),)
Document = dict[str, Any]


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = b"seller-1"
    headers: tuple[tuple[str, bytes], ...] = STRUCTURED
    partition: int = 0
    offset: int = 0
    topic: str = "greenlane.fulfilment.demo-vn.v1"
    timestamp: int = round(NOW.timestamp() * 1000)
    timestamp_type: int = 1


def event(kind: str, parcel: str = "P-1", **changes: Any) -> Document:
    times = {"packed": "2026-07-01T09:00:00+07:00", "delivered": "2026-07-01T15:00:00+07:00"}
    place = {"country": "VN", "code": "79"}
    bodies: dict[str, Document] = {
        "packed": {"country": "VN"},
        "delivered": {"mass_g": 400.0, "origin": place, "destination": place, "attempts": 1},
        "cancelled": {},
    }
    return {
        "specversion": "1.0", "type": f"greenlane.parcel.{kind}.v1", "source": "/marketplaces/demo-vn",
        "id": f"{parcel}.{kind}", "subject": "seller-1", "time": times.get(kind, "2026-07-01T16:00:00+07:00"),
        "data": {"parcel_id": parcel, **bodies[kind]},
    } | changes  # fmt: skip


def record(document: Document, **changes: Any) -> Record:
    return Record(json.dumps(document).encode(), **changes)


def judged(*records: Record) -> dict[str, Row]:
    seen = Conformance(METHOD)
    for item in of_topic(records):
        seen.look(item)
    return {row.name: row for row in seen.rows()}


def corrected(**changes: Any) -> Document:
    document = event("packed", id="P-1.packed.r1", **changes)
    return document | {"data": document["data"] | {"revision": 1, "correction_reason": "measurement", "country": "BR"}}


SOUND = (
    record(event("packed")),
    record(event("delivered")),
    record(corrected()),
    record(event("packed", "P-2")),
    record(event("cancelled", "P-2")),
)


def test_what_is_right_breaks_no_rule() -> None:
    rows = judged(*SOUND)
    assert {row.verdict for name, row in rows.items() if name != "declared"} == {Verdict.PASS}
    assert rows["declared"].verdict is Verdict.FAIL, "nothing is declared in them"


def test_what_was_not_tried_is_not_passed() -> None:
    assert {row.verdict for row in judged().values()} == {Verdict.NOT_JUDGED}
    rows = judged(record(event("packed")))
    untried = {name for name, row in rows.items() if row.verdict is Verdict.NOT_JUDGED}
    assert untried == {"order of steps", "corrections", "retractions", "one partition a seller"}
    alone = judged(record(corrected()), record(event("cancelled", "P-9")))
    assert {alone[name].verdict for name in ("corrections", "retractions")} == {Verdict.NOT_JUDGED}


def test_a_file_has_no_keys_headers_or_partitions() -> None:
    seen = Conformance(METHOD, NOW)
    raw = json.dumps(event("packed")).encode()
    reading = next(of_topic([Record(raw)]))
    for item in of_file([FileEvent(1, raw, reading.event, None)]):
        seen.look(item)
    verdicts = {row.name: row.verdict for row in seen.rows()}
    for name in ("mode and headers", "source", "key", "one partition a seller", "delay"):
        assert verdicts[name] is Verdict.NOT_JUDGED
    assert verdicts["envelope"] is Verdict.PASS


BREAKS: dict[str, Callable[[], tuple[Record, ...]]] = {
    "envelope": lambda: (Record(b"{}"),),
    "mode and headers": lambda: (record(event("packed"), headers=()),),
    "source": lambda: (record(event("packed", source="/marketplaces/olist-br")),),
    "key": lambda: (record(event("packed"), key=b"someone"),),
    "one partition a seller": lambda: (record(event("packed")), record(event("delivered"), partition=1)),
    "body": lambda: (record(event("packed", data={"parcel_id": "P-1", "country": "vn"})),),
    "unknown fields": lambda: (record(event("packed", data={"parcel_id": "P-1", "country": "VN", "note": "x"})),),
    "ids": lambda: (record(event("packed")), record(event("packed", "P-2", id="P-1.packed"))),
    "time zone": lambda: (record(event("packed", time="2026-07-01T09:00:00")),),
    "clock": lambda: (record(event("packed", time="2026-07-01T16:00:00Z")),),
    "order of steps": lambda: (record(event("packed", time="2026-07-01T18:00:00+07:00")), record(event("delivered"))),
    "corrections": lambda: (record(event("packed")), record(corrected(time="2026-07-01T10:00:00+07:00"))),
    "retractions": lambda: (
        record(event("packed")), record(event("cancelled", subject="seller-2"), key=b"seller-2"),
    ),
    "sizes": lambda: (Record(b" " * 262_145),),
    "delay": lambda: (record(event("packed", time="2026-06-20T09:00:00+07:00")),),
    "refused": lambda: (Record(b"{}"),),
    "declared": lambda: (record(event("packed")),),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_each_rule_fails_for_what_breaks_it_and_names_place_and_remedy(name: str) -> None:
    row = judged(*BREAKS[name]())[name]
    assert row.verdict is Verdict.FAIL
    assert row.remedy
    assert name == "declared" or row.example.startswith("partition ")


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert set(BREAKS) == set(judged())


def test_times_of_producers_say_nothing_of_clock_and_delay() -> None:
    rows = judged(record(event("packed"), timestamp_type=0))
    assert {rows[name].verdict for name in ("clock", "delay")} == {Verdict.NOT_JUDGED}


def test_malformed_records_are_counted_and_the_worst_rows_come_first() -> None:
    records = [Record(item.record.value, item.record.key, item.record.headers) for item in malformed_records("demo-vn")]
    rows = judged(*records)
    assert rows["refused"].seen.startswith(f"{len(records)} of {len(records)} refused")
    order = list(Verdict)
    verdicts = [order.index(row.verdict) for row in rows.values()]
    assert verdicts == sorted(verdicts)
