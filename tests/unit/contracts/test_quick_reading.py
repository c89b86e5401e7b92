"""The derived decoders against the models they follow: the same values for whatever they accept, the same bytes out."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from greenlane.contracts.assessing import Owner, assess_record, output_key
from greenlane.contracts.assessments import Assessment, SourcePosition
from greenlane.contracts.dead_letters import Refusal
from greenlane.contracts.events import EVENT_MODELS, FulfilmentEvent
from greenlane.contracts.quick.assessing import find
from greenlane.contracts.quick.derived import REFUSED, decoder_of, struct_of
from greenlane.contracts.quick.reading import quick_event
from greenlane.contracts.reading.fulfilment import read_event
from greenlane.factors.loading import load_method
from greenlane.publishing.history.timeline import RawRecord
from greenlane.publishing.sdk.encoding import encode
from greenlane.publishing.simulator.malformed import malformed_records
from greenlane.publishing.simulator.marketplace import SimulationPlan, simulate

METHOD = load_method()
OWNERS: tuple[Owner, ...] = ("packaging_scorer", "delivery_scorer")
SEED_EVENTS = [
    timed.payload
    for timed in islice(simulate(SimulationPlan(sellers=40, days=12, malformed=0)), 600)
    if not isinstance(timed.payload, RawRecord)
]
EVENTS = [event for kind in EVENT_MODELS for event in [e for e in SEED_EVENTS if e.type == kind][:6]]

ODD: tuple[Any, ...] = (
    None, True, 0, -0.0, 1, 1.0, 2, -1, 0.5, 1e300, 10**30, "", "0", "VN", "VN\n", "A", "a b", "é", "\x00",
    "\x7f\u2028",
    "2026-02-29", "2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00", "20260131T000000Z",
    "2026-01-31t10:00:00z", "2026-01-31T24:00:00Z", "2026-01-31T10:00:60Z", "2026-01-31T10:00:00.1234567Z",
    "1999-12-31T23:59:59Z", "2026-01-31T10:00:00+07:60", "2026-01-31T10:00:00-00:00", "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+12:00", "electricity", "diesel", "measurement", "home", "box", "greenlane.parcel.packed.v1",
    "greenlane.parcel.returned.v1", [], {}, [{}], [None], "x" * 64, "x" * 65, "x" * 129,
)  # fmt: skip


ODD_VALUES = (
    None, b"", b"\xff", b"1.0", b"caf\xc3\xa9 \x01", *(odd.encode() for odd in ODD if isinstance(odd, str))
)  # fmt: skip
ODD_NAMES = (
    "ce_traceparent", "x", "id", "type", "ce_data", "ce_datacontenttype", "ce_specversion", "ce_type", "ce_id",
    "content-type",
)  # fmt: skip


def record(raw: RawRecord, **changed: Any) -> Any:
    fields = {"topic": "greenlane.fulfilment.demo-vn.v1", "partition": 1, "offset": 7, "timestamp": 1_790_000_000_000}
    fields |= {"key": raw.key, "value": raw.value, "headers": raw.headers}
    return SimpleNamespace(**fields | changed)


@st.composite
def records(draw: st.DrawFn) -> Any:
    """A real event with a few things wrong, or merely odd, in its document, headers or bytes."""
    raw = encode(draw(st.sampled_from(EVENTS)), draw(st.sampled_from(["binary", "structured"])))
    document = json.loads(raw.value or b"")
    for _ in range(draw(st.integers(0, 2))):
        _disturb(draw, document)
    value = json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    value = _disturb_bytes(draw, value) if draw(st.integers(0, 4)) == 0 else value
    headers = _disturb_headers(draw, list(raw.headers)) if draw(st.booleans()) else raw.headers
    key = draw(st.sampled_from([raw.key, raw.key, raw.key, b"other", None]))
    return record(raw, key=key, value=value, headers=headers)


def _disturb(draw: st.DrawFn, document: Any) -> None:
    place: Any = document
    while children := [name for name in _names(place) if isinstance(place[name], dict | list) and place[name]]:
        name = draw(st.sampled_from([None, *children]))
        if name is None:
            break
        place = place[name]
    names = _names(place)
    action = draw(st.sampled_from(["replace", "remove", "add", "nudge"])) if names else "none"
    name = draw(st.sampled_from(names)) if names else None
    if action == "replace":
        place[name] = deepcopy(draw(st.sampled_from(ODD)))
    elif action == "remove":
        del place[name]
    elif action == "add" and isinstance(place, dict):
        name = draw(st.sampled_from(["extra", "revision", "correction_reason", "distance_km", "kwh", "type"]))
        place[name] = deepcopy(draw(st.sampled_from(ODD)))
    elif action == "nudge" and isinstance(place[name], int | float):
        place[name] = draw(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 200_000))


def _names(place: Any) -> list[Any]:
    return list(place) if isinstance(place, dict) else list(range(len(place)))


def _disturb_bytes(draw: st.DrawFn, value: bytes) -> bytes:
    at = draw(st.integers(0, len(value)))
    put = draw(
        st.sampled_from([b"", b"\xff", b"\x00", b" ", b",", b'"', b"}", b"\\ud800", b"NaN", b"\xef\xbb\xbf", b"[" * 40])
    )
    return value[:at] + put + value[at + draw(st.integers(0, 2)) :]


def _disturb_headers(draw: st.DrawFn, headers: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    action = draw(st.sampled_from(["remove", "replace", "rename", "again", "unknown"]))
    at = draw(st.integers(0, len(headers) - 1))
    if action == "remove":
        del headers[at]
    elif action == "replace":
        headers[at] = (headers[at][0], draw(st.sampled_from(ODD_VALUES)))
    elif action == "rename":
        headers[at] = (draw(st.sampled_from(ODD_NAMES)), headers[at][1])
    elif action == "again":
        headers.append(headers[at])
    else:
        headers.append((draw(st.sampled_from(ODD_NAMES)), b"more"))
    return headers


def content(part: Any) -> Any:
    """A model's or a struct's values, with their types."""
    if isinstance(part, BaseModel):
        return {name: content(getattr(part, name)) for name in type(part).model_fields}
    if isinstance(part, msgspec.Struct):
        return {name: content(getattr(part, name)) for name in part.__struct_fields__}
    return [content(item) for item in part] if isinstance(part, tuple) else (type(part), part)


def answer(record: Any, owner: Owner) -> Any:
    """What the models alone lead to."""
    try:
        found = assess_record(record, owner, METHOD)
    except Refusal as refusal:
        return refusal.code, refusal.problems
    if found is None:
        return None
    message, unknown = found
    return output_key(message), message.model_dump_json().encode(), unknown


def quick_answer(record: Any, owner: Owner) -> Any:
    try:
        found = find(record, owner, METHOD)
    except Refusal as refusal:
        return refusal.code, refusal.problems
    return None if found is None else (found.key, found.value, found.unknown)


BODY_THAT_IS_A_WHOLE_EVENT = record(encode(EVENTS[0], "structured"), headers=(("ce_specversion", b"1.0"),))


@given(records())
@example(BODY_THAT_IS_A_WHOLE_EVENT)
def test_what_is_read_quickly_is_what_the_models_read(record: Any) -> None:
    quick = quick_event(record)
    if quick is not None:
        event = read_event(record).event
        assert event is not None, quick
        assert content(quick.data) == content(event.data)
        assert (quick.type, quick.id, quick.subject) == (event.type, event.id, event.subject)
        assert f"/marketplaces/{quick.marketplace}" == event.source
        assert (quick.time, quick.time.tzinfo) == (event.time, UTC)


@given(records())
@example(BODY_THAT_IS_A_WHOLE_EVENT)
def test_the_hot_path_answers_as_the_models_do(record: Any) -> None:
    for owner in OWNERS:
        assert quick_answer(record, owner) == answer(record, owner)


@pytest.mark.parametrize("place", range(len(encode(EVENTS[0]).headers)))
def test_a_header_with_an_odd_value_or_name_leads_to_what_the_models_say(place: int) -> None:
    raw = encode(EVENTS[0])
    name, value = raw.headers[place]
    odd_names = ((odd, said) for odd in ODD_NAMES for said in (value, b"text/plain", None))
    for odd in [*((name, odd) for odd in ODD_VALUES), *odd_names]:
        changed = record(raw, headers=(*raw.headers[:place], odd, *raw.headers[place + 1 :]))
        for owner in OWNERS:
            assert quick_answer(changed, owner) == answer(changed, owner), odd


OFFSETS = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.timedeltas(timedelta(0), timedelta(days=9_000)), OFFSETS, st.booleans())
def test_a_time_is_written_to_the_microsecond_in_utc(since: timedelta, offset: timezone, whole: bool) -> None:
    raw = encode(EVENTS[0])
    time = (datetime(2000, 1, 1, tzinfo=UTC) + since).astimezone(offset)
    text = (time.replace(microsecond=0) if whole else time).isoformat().encode()
    timed = record(raw, headers=tuple((name, text if name == "ce_time" else value) for name, value in raw.headers))
    assert quick_event(timed) is not None
    assert quick_answer(timed, "packaging_scorer") == answer(timed, "packaging_scorer")


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_every_ordinary_event_takes_the_hot_path(mode: Any) -> None:
    for event in EVENTS:
        assert quick_event(record(encode(event, mode))) is not None


def test_every_malformed_record_is_refused_for_the_same_reasons() -> None:
    for case in malformed_records("demo-vn"):
        for owner in OWNERS:
            assert quick_answer(record(case.record), owner) == answer(record(case.record), owner)


def test_a_sum_that_is_out_of_its_bounds_is_the_models_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    event: FulfilmentEvent = EVENTS[0]
    monkeypatch.setattr("greenlane.contracts.quick.assessing.SUM_LIMIT", 1)
    assert quick_answer(record(encode(event)), "packaging_scorer") == answer(record(encode(event)), "packaging_scorer")


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 2**53),
    st.dictionaries(st.text(max_size=3), st.integers(0, 9)),
)
def test_an_assessment_is_encoded_to_the_models_own_bytes(text: str, number: int, sums: dict[str, int]) -> None:
    origin = {"topic": text, "partition": 0, "offset": number, "appended_ms": number}
    fields: dict[str, Any] = {
        "marketplace": text,
        "seller_id": text,
        "parcel_id": text,
        "revision": 0,
        "occurred_at": "2026-01-31T10:00:00.000000Z",
        "event_id": text,
        "dimension": "packaging",
        "contribution": sums,
        "data_category": "primary",
        "factor_ids": (text, text),
        "method_version": text,
    }
    struct = struct_of(Assessment)(**fields, origin=struct_of(SourcePosition)(**origin))
    model = Assessment(**fields, origin=SourcePosition(**origin))
    assert msgspec.json.encode(struct) == model.model_dump_json().encode()
    read = decoder_of(Assessment, "type").decode(msgspec.json.encode(struct))
    assert (read.version, read.day, read.contribution) == (model.version, model.day, model.contribution)


def test_a_model_that_cannot_be_followed_is_refused() -> None:
    class Folded(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _folded(cls, value: str) -> str:
            return value.casefold()

    class Stamped(BaseModel):
        part: list[int] = Field(default_factory=list)

    class Part(BaseModel):
        code: str = Field(pattern="x$")

    for model in (Folded, Stamped, Part):
        with pytest.raises(TypeError):
            struct_of(model)


def test_a_pattern_means_the_whole_text() -> None:
    class Coded(BaseModel):
        code: str = Field(pattern=r"^\d$")

    for code in ("1\n", "٣", "12"):
        with pytest.raises(REFUSED):
            decoder_of(Coded).decode(json.dumps({"code": code}))
