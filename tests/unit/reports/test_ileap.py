"""The iLEAP export: valid by the public schema, adding up to the assessment, with honest distances."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from greenlane.contracts.events import DeliveredEvent, ReturnedEvent
from greenlane.contracts.reading.fulfilment import read_document
from greenlane.factors.loading import load_method
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.sums import DeliverySums
from greenlane.reports.ileap import shipment_footprint

METHOD = load_method()
ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / ".." / "shared" / "data" / "vocab" / "ileap" / "schemas" / "shipment-footprint.json"
EXAMPLES = sorted(
    path
    for kind in ("delivered", "returned")
    for path in (ROOT / "schemas" / "examples" / f"greenlane.parcel.{kind}.v1").glob("*.json")
)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def event_of(path: Path, **changes: Any) -> DeliveredEvent | ReturnedEvent:
    document = json.loads(path.read_bytes())
    document["data"] |= changes
    event = read_document(json.dumps(document).encode(), NOW)
    assert isinstance(event, DeliveredEvent | ReturnedEvent)
    return event


def example(stem: str, **changes: Any) -> DeliveredEvent | ReturnedEvent:
    return event_of(next(path for path in EXAMPLES if path.stem == stem), **changes)


def assessed_mg(event: DeliveredEvent | ReturnedEvent) -> int:
    facts = event.data.to_facts(event.time.astimezone(UTC))
    assess = assess_delivered if isinstance(event, DeliveredEvent) else assess_returned
    sums = assess(facts, METHOD).sums
    return sums.delivery_co2e_mg if isinstance(sums, DeliverySums) else sums[1]


def kilograms(footprint: dict[str, Any], field: str) -> Decimal:
    return sum((Decimal(element[field]) for element in footprint["tces"]), Decimal(0))


HUBS: list[list[dict[str, float]]] = [[], [{"co2e_g": 5.5}, {}]]


@pytest.mark.foreign_file("data/vocab/ileap/schemas/shipment-footprint.json")
def test_every_footprint_satisfies_the_public_schema() -> None:
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for path in EXAMPLES:
        for hubs in HUBS:
            validator.validate(shipment_footprint(event_of(path, hubs=hubs), METHOD))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("hubs", HUBS, ids=["no hub", "hubs"])
def test_every_footprint_adds_up(path: Path, hubs: list[dict[str, float]]) -> None:
    event = event_of(path, hubs=hubs)
    footprint = shipment_footprint(event, METHOD)
    assert kilograms(footprint, "co2eWTW") == Decimal(assessed_mg(event)).scaleb(-6)
    assert all(Decimal(element["co2eTTW"]) <= Decimal(element["co2eWTW"]) for element in footprint["tces"])


def test_the_elements_stand_in_the_order_of_the_journey() -> None:
    chain = [
        {"role": "last_mile", "vehicle": "bicycle", "round": {"distance_km": 40.0, "parcels": 40}},
        {"role": "first_mile", "vehicle": "van_diesel", "round": {"distance_km": 60.0, "parcels": 100}},
        {"role": "line_haul", "vehicle": "train", "distance_km": 1700.0, "distance_basis": "actual"},
    ]
    event = example("articulated-lorry-from-hanoi-to-ho-chi-minh-city", transport_chain=chain)
    first, second, third, hubs = shipment_footprint(event, METHOD)["tces"]
    assert (hubs["hocId"], hubs["co2eWTW"]) == ("greenlane:2.0.0:default", "0.05456")
    assert [part["tocId"].split(":")[2] for part in (first, second, third)] == ["first_mile", "line_haul", "last_mile"]
    assert first["prevTceIds"] == []
    assert (second["prevTceIds"], third["prevTceIds"]) == ([first["tceId"]], [second["tceId"]])
    assert second["distance"] == {"actual": "1700"}
    assert second["transportActivity"] == "0.85"
    assert second["co2eWTW"] == "0.027829"
    assert second["co2eTTW"] == "0.021956"
    assert third["co2eWTW"] == third["co2eTTW"] == "0"
    assert "arrivalAt" in third
    assert "arrivalAt" not in second


def test_electricity_has_no_tank_to_wheel_part() -> None:
    elements = shipment_footprint(example("electric-motorbike-with-measured-energy"), METHOD)["tces"]
    electric = next(one for one in elements if one.get("tocId", "").endswith("motorbike_electric"))
    assert electric["co2eTTW"] == "0" != electric["co2eWTW"]


def test_an_assumed_distance_is_stated_as_shortest_feasible_and_a_flown_one_as_great_circle() -> None:
    assumed = shipment_footprint(example("nothing-declared-about-the-chain"), METHOD)["tces"]
    assert {key for element in assumed if "tocId" in element for key in element["distance"]} == {"sfd"}
    chain = [{"role": "line_haul", "vehicle": "aircraft_domestic"}]
    flown = example("articulated-lorry-from-hanoi-to-ho-chi-minh-city", transport_chain=chain)
    assert "gcd" in shipment_footprint(flown, METHOD)["tces"][1]["distance"]


def test_a_round_gives_the_parcels_share_of_its_kilometres_for_each_attempt() -> None:
    chain = [{"role": "last_mile", "vehicle": "motorbike_petrol", "round": {"distance_km": 60.0, "parcels": 100}}]
    event = example("usual-petrol-motorbike-round", transport_chain=chain, attempts=2)
    _, element, _ = shipment_footprint(event, METHOD)["tces"]
    assert element["distance"] == {"actual": "1.2"}
    assert (element["co2eWTW"], element["co2eTTW"]) == ("0.127856", "0.099828")


def test_a_declared_great_circle_by_road_is_stated_as_the_distance_it_was_lengthened_to() -> None:
    chain = [{"role": "line_haul", "vehicle": "train", "distance_km": 1200.0, "distance_basis": "great_circle"}]
    event = example("articulated-lorry-from-hanoi-to-ho-chi-minh-city", transport_chain=chain)
    assert shipment_footprint(event, METHOD)["tces"][1]["distance"] == {"sfd": "1440"}
