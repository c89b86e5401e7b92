"""What stands after a seller's events: the newest version of every parcel and dimension, whatever the order."""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from tests.unit.methodology.honest import METHOD

from greenlane.contracts.assessing import assessment_of
from greenlane.contracts.declarations import declaration_of, standing, version_of
from greenlane.contracts.events import CancelledEvent, FulfilmentEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.factors.loading import load_method
from greenlane.methodology.seller.account import assess
from greenlane.methodology.vocabulary import Dimension

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HANOI = {"country": "VN", "code": "01"}
SENT: dict[str, Any] = {"mass_g": 500, "origin": HANOI, "destination": HANOI, "attempts": 1}


def event(name: str, number: int, /, *, seller: str = "ann", day: int = 1, **data: Any) -> FulfilmentEvent:
    document = {
        "specversion": "1.0",
        "type": name,
        "source": "/marketplaces/shop",
        "id": f"event-{number}",
        "time": f"2026-06-{day:02}T23:30:00-05:00",
        "subject": seller,
        "data": {"parcel_id": "p1"} | data,
    }
    return read_document(json.dumps(document).encode(), NOW)


PACKED = event("greenlane.parcel.packed.v1", 1, country="VN")
CORRECTED = event("greenlane.parcel.packed.v1", 2, country="BR", revision=1, correction_reason="data_entry")
LATER = event("greenlane.parcel.packed.v1", 0, day=2, country="BR")
DELIVERED = event("greenlane.parcel.delivered.v1", 3, **SENT)
RETURNED = event("greenlane.parcel.returned.v1", 4, **SENT)
RECOVERED = event("greenlane.packaging.recovered.v1", 5, kind="used_packaging", mass_g=80)
CANCELLED = event("greenlane.parcel.cancelled.v1", 6)


@pytest.mark.parametrize("events", list(permutations([PACKED, CORRECTED, LATER])))
def test_the_highest_revision_then_the_latest_event_stands_in_any_order(events: tuple[FulfilmentEvent, ...]) -> None:
    (only,) = standing(events)["shop/ann"]
    assert not isinstance(CORRECTED, CancelledEvent)
    assert only == declaration_of(CORRECTED)
    without = [item for item in events if item is not CORRECTED]
    assert not isinstance(LATER, CancelledEvent)
    assert standing(without)["shop/ann"] == (declaration_of(LATER),)


@pytest.mark.parametrize("events", list(permutations([PACKED, CANCELLED, DELIVERED])))
def test_of_a_cancelled_parcel_nothing_stands(events: tuple[FulfilmentEvent, ...]) -> None:
    assert standing(events) == {"shop/ann": ()}


def test_every_dimension_of_a_parcel_stands_by_itself_and_every_seller_too() -> None:
    other = event("greenlane.parcel.packed.v1", 9, seller="bob", country="VN")
    found = standing([PACKED, DELIVERED, RETURNED, RECOVERED, other])
    assert [one.dimension for one in found["shop/ann"]] == list(Dimension)
    assert [one.dimension for one in found["shop/bob"]] == [Dimension.PACKAGING]


@pytest.mark.parametrize("said", [PACKED, CORRECTED, DELIVERED, RETURNED, RECOVERED, CANCELLED])
def test_versions_days_and_sums_are_those_of_the_scorers_assessment(said: FulfilmentEvent) -> None:
    record = _Record()
    assessment = assessment_of(record, said, load_method())
    assert version_of(said) == assessment.version
    if not isinstance(said, CancelledEvent):
        declaration = declaration_of(said)
        assert declaration.facts.day == assessment.day
        assert declaration.parcel_id == assessment.parcel_id
        assert assess(declaration, METHOD).data_category == getattr(assessment, "data_category")  # noqa: B009 - a retraction has none


class _Record:
    topic = "greenlane.fulfilment.shop.v1"
    partition = 0
    offset = 0
    timestamp = 0
    key = b"ann"
    value = b""
    headers = ()
