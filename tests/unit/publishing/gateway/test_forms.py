"""From a request's headers and body to its events: three modes, and whatever else a stranger may send."""

import json
from pathlib import Path

import pytest

from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.publishing.gateway.checking import Checked, check
from greenlane.publishing.gateway.forms import (
    BATCH,
    LARGEST_EVENT,
    MAX_EVENTS,
    STRUCTURED,
    EventsError,
    Mode,
    WrongMediaTypeError,
    events_of,
    head_of,
)
from greenlane.publishing.gateway.verdicts import Refused

EXAMPLES = sorted((Path(__file__).parents[4] / "schemas" / "examples").glob("greenlane.pa*/*.json"))
TOPIC = "greenlane.fulfilment.demo-vn.v1"
NOW_MS = 1_800_000_000_000
EVENT = json.loads(next(path for path in EXAMPLES if "average-vietnamese" in path.name).read_text(encoding="utf-8"))


def headers(content_type: str, **attributes: str) -> list[tuple[bytes, bytes]]:
    named = [(f"ce-{name}".encode(), value.encode()) for name, value in attributes.items()]
    return [(b"content-type", content_type.encode()), *named]


def binary_headers(**changed: str) -> list[tuple[bytes, bytes]]:
    attributes = {name: EVENT[name] for name in ("specversion", "type", "source", "id", "subject", "time")}
    return headers("application/json", **(attributes | changed))


def verdict_of(value: bytes, marketplace: str = "demo-vn") -> Checked | Refused:
    return check(0, value, marketplace, f"greenlane.fulfilment.{marketplace}.v1", NOW_MS)


@pytest.mark.parametrize("path", EXAMPLES, ids=[f"{path.parent.name}/{path.stem}" for path in EXAMPLES])
def test_every_published_example_is_accepted_in_every_mode(path: Path) -> None:
    raw = path.read_bytes()
    event = json.loads(raw)
    attributes = {name: value for name, value in event.items() if name not in {"data", "datacontenttype"}}
    forms = (
        events_of(head_of(headers(STRUCTURED)), raw),
        events_of(head_of(headers(f"{BATCH}; charset=utf-8")), b"[" + raw + b"]"),
        events_of(head_of(headers("application/json", **attributes)), json.dumps(event["data"]).encode()),
    )
    for (value,) in forms:
        marketplace = event["source"].removeprefix("/marketplaces/")
        verdict = verdict_of(value, marketplace)
        assert isinstance(verdict, Checked), verdict
        assert (verdict.id, verdict.key) == (event["id"], event["subject"].encode())
        assert verdict.value == value


def test_what_was_sent_is_what_is_passed_on_to_the_byte() -> None:
    written = b'{ "a" : 1.10,\n"b":"\\u00e9" }'
    assert [bytes(item) for item in events_of(head_of(headers(BATCH)), b"[" + written + b" , 7]")] == [written, b"7"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b"[1,]", b"[{]", b"\xff", b"[" * 100_000, b'"text"', b"[] []", b"null", b'{"a":[]}']
)
def test_a_batch_that_is_no_list_is_refused_whole(body: bytes) -> None:
    with pytest.raises(EventsError, match="list"):
        events_of(head_of(headers(BATCH)), body)


def test_a_batch_has_at_most_so_many_events() -> None:
    body = b"[" + b"1," * MAX_EVENTS + b"1]"
    with pytest.raises(EventsError, match=f"are {MAX_EVENTS + 1}"):
        events_of(head_of(headers(BATCH)), body)
    assert len(events_of(head_of(headers(BATCH)), body.replace(b"1,", b"", 1))) == MAX_EVENTS


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/cloudevents+xml", "application/cloudevents",
     "application/cloudevents-batch+avro", "application/json", "é"],
)  # fmt: skip
def test_other_media_types_are_refused_with_those_that_are_offered(content_type: str) -> None:
    with pytest.raises(WrongMediaTypeError, match=r"application/cloudevents\+json"):
        head_of([(b"content-type", content_type.encode("latin-1"))])
    with pytest.raises(WrongMediaTypeError):
        head_of([])


def test_attributes_in_headers_are_percent_encoded() -> None:
    head = head_of(binary_headers(subject="seller%2D7", time="2026-07-01T09:30:00%2B07:00"))
    assert head.mode is Mode.BINARY
    (value,) = events_of(head, json.dumps(EVENT["data"]).encode())
    verdict = verdict_of(value)
    assert isinstance(verdict, Checked), verdict
    assert verdict.key == b"seller-7"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ((b"ce-id", b"again"), "ce-id"),
        ((b"ce-data", b"{}"), "ce-data"),
        ((b"ce-datacontenttype", b"application/json"), "ce-datacontenttype"),
        ((b"ce-", b"x"), "ce-"),
        ((b"ce-a\xffb", b"x"), "ce-"),
        ((b"ce-extension", b"%ff"), "ce-extension"),
    ],
)
def test_headers_that_are_no_attributes_are_refused_by_name(more: tuple[bytes, bytes], field: str) -> None:
    with pytest.raises(EventsError) as refused:
        head_of([*binary_headers(), more])
    assert refused.value.field.startswith(field)


@pytest.mark.parametrize("body", [b"", b"{", b"{} {}", b'{}, "id": "other"', b"\xff"])
def test_data_cannot_leave_its_place(body: bytes) -> None:
    with pytest.raises(EventsError, match="not JSON"):
        events_of(head_of(binary_headers()), body)


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        (b"", DeadLetterCode.NOT_JSON, "event"),
        (b"7", DeadLetterCode.NOT_A_CLOUD_EVENT, "event"),
        (b'"\xff"', DeadLetterCode.NOT_UTF8, "event"),
        (b"{}", DeadLetterCode.NOT_A_CLOUD_EVENT, "specversion"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, DeadLetterCode.TOO_DEEP, "event"),
        (b'{"id":"a","id":"b"}', DeadLetterCode.NOT_JSON, "event"),
        (b" " * (LARGEST_EVENT + 1), DeadLetterCode.TOO_LARGE, "event"),
        (json.dumps(EVENT | {"source": "/marketplaces/other"}).encode(), DeadLetterCode.SOURCE_MISMATCH, "source"),
        (json.dumps(EVENT | {"time": "2027-07-01T00:00:00Z"}).encode(), DeadLetterCode.FUTURE_TIME, "time"),
        (json.dumps(EVENT | {"time": "2026-07-01T00:00:00"}).encode(), DeadLetterCode.NAIVE_TIME, "time"),
        (json.dumps(EVENT | {"buyer": "Nguyen"}).encode(), DeadLetterCode.NOT_A_CLOUD_EVENT, "buyer"),
        (json.dumps(EVENT | {"subject": "a seller"}).encode(), DeadLetterCode.NOT_A_CLOUD_EVENT, "subject"),
        (json.dumps(EVENT | {"data": {"parcel_id": 1}}).encode(), DeadLetterCode.SCHEMA_VIOLATION, "data.parcel_id"),
    ],
)
def test_a_bad_event_is_refused_by_field_problem_and_remedy(value: bytes, code: DeadLetterCode, field: str) -> None:
    verdict = verdict_of(value)
    assert isinstance(verdict, Refused)
    assert verdict.code == code
    assert field in {item.field for item in verdict.errors}
    assert all(item.problem and item.remedy for item in verdict.errors)
    assert "Nguyen" not in repr(verdict)


def test_a_refused_event_is_named_by_its_id_alone_and_only_if_it_is_one() -> None:
    def named(event_id: object) -> str | None:
        verdict = verdict_of(json.dumps(EVENT | {"specversion": "2.0", "id": event_id}).encode())
        assert isinstance(verdict, Refused)
        return verdict.id

    assert named("order-7.packed") == "order-7.packed"
    assert [named(wrong) for wrong in ("Nguyễn Văn A", "a b", "x" * 200, 7, None, "a\n")] == [None] * 6


def test_a_refusals_remedy_is_what_follows_the_problem() -> None:
    verdict = verdict_of(b"{}")
    assert isinstance(verdict, Refused)
    assert (verdict.errors[0].problem, verdict.errors[0].remedy) == ("is missing", "add it")
