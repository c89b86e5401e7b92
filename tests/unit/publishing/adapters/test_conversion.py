"""What holds for every vocabulary: bounds, ids from the document alone, nothing unsaid, nothing personal."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publishing.adapters.samples import SAMPLES, converted, only_refusal, sample, sender

from greenlane.contracts.declarations import standing
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.errors import WrongUseError
from greenlane.factors.loading import load_method
from greenlane.methodology.vocabulary import DefaultUsed, Dimension, StatedBy
from greenlane.publishing.adapters.conversion import MAX_ATTEMPTS
from greenlane.publishing.adapters.document import MAX_DOCUMENT_BYTES, Sheet
from greenlane.publishing.adapters.sender import Known
from greenlane.publishing.adapters.versions import CARRIERS_REVISION, GREATEST_REVISION, revision
from greenlane.publishing.adapters.vocabularies import VOCABULARIES, convert

NOW = datetime(2026, 12, 1, tzinfo=UTC)
METHOD = load_method()
PERSONAL = (
    "Sample Person",
    "Person",
    "900 000 000",
    "900000000",
    "Sample Street",
    "person@",
    "neighbour",
    "SAMPLE-0001",
)
TWICE = "an object that has a key twice"
DAMAGE: tuple[Any, ...] = (
    *(None, "Sample Person", -1, 0, 10**30, 1e300, 1.5, True, "é" * 70, "12.5", "\0"),
    *("2026-07-01T09:30:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:30:00Z", "0001-01-01T01:00:00Z"),
    *([], {}, [{}], [[]], {"a": {"b": 1}}, {"Sample Person": 1}, TWICE),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_makes_events_that_are_accepted_and_says_what_it_left(path: Path) -> None:
    raw, vocabulary = path.read_bytes(), path.parent.name

    found = convert(vocabulary, raw, sender())

    assert found.events
    for event in found.events:
        assert read_document(event.model_dump_json(exclude_none=True).encode(), NOW) == event
    assert convert(vocabulary, raw, sender()) == found
    assert converted(vocabulary, json.loads(raw)).events == found.events
    assert convert(vocabulary, json.dumps(json.loads(raw), sort_keys=True).encode(), sender()).events == found.events
    assert found.unused
    said = json.dumps([event.model_dump(mode="json") for event in found.events]) + json.dumps(found.report())
    assert not [word for word in PERSONAL if word in said]


def test_every_vocabulary_has_a_sample() -> None:
    assert {path.parent.name for path in SAMPLES} == set(VOCABULARIES)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@given(document=st.dictionaries(st.text(max_size=9), JSON, max_size=5))
def test_any_object_is_events_or_refusals_and_never_an_error(vocabulary: str, document: dict[str, Any]) -> None:
    found = convert(vocabulary, json.dumps(document).encode(), sender(), METHOD)
    assert found.events or found.refusals


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
@given(data=st.data())
def test_any_damage_of_a_sample_is_events_or_refusals_and_repeats_no_value(path: Path, data: st.DataObject) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    places = list(_places(document))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, name = data.draw(st.sampled_from(places))
        holder[name] = data.draw(st.sampled_from(DAMAGE))

    raw = json.dumps(document).replace(f'"{TWICE}"', '{"Sample Person": 1, "Sample Person": 2}')
    found = convert(path.parent.name, raw.encode(), sender(), METHOD)

    assert found.events or found.refusals
    assert "Sample Person" not in json.dumps(found.report())
    for event in found.events:
        assert read_document(event.model_dump_json(exclude_none=True).encode(), NOW) == event


def _places(value: Any) -> Any:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in list(children):
        yield value, name
        yield from _places(child)


@pytest.mark.parametrize("country", ["VN", "BR"])
@pytest.mark.parametrize("time", ["9999-12-31T23:30:00Z", "0001-01-01T01:00:00Z"])
def test_a_time_whose_local_day_leaves_the_calendar_is_refused(time: str, country: str) -> None:
    document = sample("ucp/shipped-and-delivered.json")
    document["fulfillment"]["events"][0]["occurred_at"] = time

    found = convert("ucp", json.dumps(document).encode(), sender(country), METHOD)

    assert found.refusals[0].path == "fulfillment.events.0.occurred_at"
    assert found.refusals[0].problem == "lies within a day of the ends of the years 1 to 9999"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b" " * (MAX_DOCUMENT_BYTES + 1), "has over 1,000,000 bytes"),
        (b"[" * 40 + b"]" * 40, "is nested deeper than 16 levels"),
        (b"[" + b"1," * 20_000 + b"1]", "holds more than 10,000 values"),
        (b"[]", "is no JSON object"),
        (b'{"a": 1, "a": 2}', "the key a appears twice in one object"),
        (b'{"Sample Person; a": 1, "Sample Person; a": 2}', "the key ? appears twice in one object"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"{", "not JSON at line 1, column 2: Expecting property name enclosed in double quotes"),
    ],
)
def test_a_document_out_of_bounds_is_refused_whole(raw: bytes, problem: str) -> None:
    for vocabulary in VOCABULARIES:
        assert only_refusal(convert(vocabulary, raw, sender())) == ("", problem)


def test_a_document_of_too_many_events_is_split_by_its_sender() -> None:
    document = sample("ileap/transport-activities.json")["data"][1]
    document["consignmentIds"] = [f"c{number}" for number in range(MAX_ATTEMPTS + 5)]
    parcels = {name: {"mass_g": 700} for name in document["consignmentIds"]}
    known = Known.model_validate({**sender().known.model_dump(), "parcels": parcels})

    found = converted("ileap", document, sender(known=known))

    assert len(found.events) == MAX_ATTEMPTS
    assert only_refusal(found) == ("", "tells of more than 2,000 events")


def test_an_unknown_vocabulary_and_a_wrong_word_for_who_states_it_are_wrong_use() -> None:
    with pytest.raises(WrongUseError, match="there is no vocabulary edifact"):
        convert("edifact", b"{}", sender())
    with pytest.raises(WrongUseError, match="documents of UCP orders are not verifier's; use marketplace, seller"):
        convert("ucp", b"{}", sender(stated_by=StatedBy.VERIFIER))


def test_what_is_undeclared_comes_with_its_cost_the_dearest_first() -> None:
    raw = json.dumps(sample("ucp/shipped-and-delivered.json")).encode()

    conversion = convert("ucp", raw, sender(), METHOD)
    found = conversion.undeclared

    assert found[0].default is DefaultUsed.PACKAGING_UNDECLARED
    assert found[0].events == 1
    assert [item.points or Decimal(0) for item in found] == sorted(item.points or Decimal(0) for item in found)[::-1]
    assert found[0].points is not None
    assert found[0].points > 1
    assert "Declare the components" in found[0].meaning
    assert [total.dimension for total in conversion.together] == [Dimension.PACKAGING, Dimension.DELIVERY]
    for total in conversion.together:
        assert total.points > sum(item.points or 0 for item in found if item.dimension is total.dimension)


def test_unused_names_every_value_and_hides_keys_that_are_no_names() -> None:
    document = {"id": "a", "Nguyễn Văn A": 1, "0900000000": 2, "a@b.vn": 3, "dev.ucp.x": [None, {"b": {}}], "c": []}
    sheet = Sheet(document)

    sheet.root["id"].text()
    sheet.keep()

    assert sheet.unused() == ("?", "?", "?", "[dev.ucp.x].0", "[dev.ucp.x].1.b", "c")


@pytest.mark.parametrize(
    "name",
    [
        *("person@example", "@person", "nguyen.van.a", "nguyen.van.a.0901234567", "com.shop.0901234567"),
        *("tel0901234567", "tel_090-123-4567", "a123456"),
    ],
)
def test_a_key_that_may_be_a_person_is_not_shown(name: str) -> None:
    assert Sheet({name: 1}).unused() == ("?",)


@pytest.mark.parametrize("name", ["@context", "shop:packedBy", "address_1", "variant_id", "_wc_shipment"])
def test_a_plain_key_is_shown(name: str) -> None:
    assert Sheet({name: 1}).unused() == (name,)


def test_what_a_refused_part_read_is_not_used() -> None:
    document = sample("ucp/shipped-and-delivered.json")

    found = converted("ucp", document, sender(known=Known()))

    assert [refused.path for refused in found.refusals] == ["fulfillment.events.2"]
    assert "fulfillment.events.2.occurred_at" in found.unused
    assert "fulfillment.events.0.occurred_at" not in found.unused


def test_a_later_version_of_a_document_never_has_a_lesser_revision() -> None:
    began = datetime(2026, 7, 1, tzinfo=UTC)
    after = [-5, 0, 0.5, 1, 60, 499_999, 500_000, 500_059, 500_060, 86_400 * 300, 86_400 * 9_000]

    numbers = [revision(began, began + timedelta(seconds=seconds)) for seconds in after]

    assert numbers == sorted(numbers)
    assert numbers[:7] == [0, 0, 0, 1, 60, 499_999, 500_000]
    assert numbers[7:9] == [500_000, 500_001]
    assert numbers[-1] < CARRIERS_REVISION < GREATEST_REVISION
    assert revision(began, None) == 0


def test_events_made_with_a_later_edition_of_the_known_facts_win_in_any_order() -> None:
    document = sample("ucp/shipped-and-delivered.json")
    facts = sender().known.model_dump()
    facts["products"]["cup-blue"]["mass_g"] = 320
    later = sender(known=Known.model_validate(facts | {"edition": 1}))

    before, after = converted("ucp", document).events, converted("ucp", document, later).events

    assert standing([*before, *after]) == standing([*after, *before]) == standing(after) != standing(before)


def test_no_edition_lifts_a_shops_revision_to_those_of_carriers() -> None:
    shop, carrier = sample("shopify/fulfilment-with-scans.json"), sample("ileap/shipment-footprint.json")
    shop["fulfillment"]["updated_at"] = "2027-07-01T09:30:00+07:00"
    facts = sender().known.model_dump() | {"edition": 10_000}
    late = sender(known=Known.model_validate(facts))

    revisions = [
        event.data.model_dump()["revision"]
        for vocabulary, document in (("shopify", shop), ("ileap", carrier))
        for event in converted(vocabulary, document, late).events
    ]

    assert revisions[:-1] == [CARRIERS_REVISION - 1] * 2
    assert CARRIERS_REVISION + 10_000 < revisions[-1] <= GREATEST_REVISION
