"""A carrier's footprints and activities: stated by the carrier; a chain is whole or undeclared; nothing is guessed."""

from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import bodies, converted, only_refusal, sample, sender

from greenlane.contracts.declarations import standing
from greenlane.contracts.events import DeliveredEvent, TransportChainElement
from greenlane.factors.loading import load_method
from greenlane.methodology.facts import DeliveredFacts
from greenlane.methodology.vocabulary import ChainRole, Dimension, DistanceBasis, EnergyCarrier, StatedBy, Vehicle
from greenlane.publishing.adapters.sender import Known
from greenlane.publishing.adapters.versions import CARRIERS_REVISION
from greenlane.reports.ileap import shipment_footprint

FOOTPRINT = "ileap/shipment-footprint.json"
ACTIVITIES = "ileap/transport-activities.json"


def shipment(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = sample(FOOTPRINT)["extensions"][0]["data"]
    return found | changes


def activities(*places: int, **changes: Any) -> dict[str, Any]:
    found = sample(ACTIVITIES)["data"]
    return {"data": [found[place] | changes for place in places]}


def chain(elements: tuple[TransportChainElement, ...]) -> list[tuple[str, str | None, float | None]]:
    return [(element.role, element.vehicle, element.distance_km) for element in elements]


def test_a_footprint_is_a_delivery_with_the_carriers_chain_and_hubs() -> None:
    (delivered,) = bodies(converted("ileap", sample(FOOTPRINT)))

    assert (delivered.parcel_id, delivered.mass_g, delivered.attempts) == ("ord-7001-985ac4b30e", 2120, 1)
    assert chain(delivered.transport_chain) == [
        (ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED, 1720),
        (ChainRole.LAST_MILE, Vehicle.VAN_ELECTRIC, None),
    ]
    assert delivered.transport_chain[0].distance_basis is DistanceBasis.ACTUAL
    assert [hub.co2e_g for hub in delivered.hubs] == [21]
    assert (delivered.origin.code, delivered.destination.code) == ("79", "01")
    stated = [*delivered.hubs, delivered.origin, delivered.destination]
    assert {part.stated_by for part in stated} == {StatedBy.CARRIER}
    assert {part.stated_by for part in delivered.transport_chain} == {StatedBy.MARKETPLACE}


@pytest.mark.parametrize("word", [StatedBy.SELLER, StatedBy.MARKETPLACE, StatedBy.CARRIER])
def test_a_vehicle_that_only_the_known_facts_name_is_the_word_of_who_states_those(word: StatedBy) -> None:
    legs = {"Road": {"role": "last_mile", "vehicle": "van_electric", "stated_by": word}}
    known = Known.model_validate({**sender().known.model_dump(), "legs": legs})

    (delivered,) = bodies(converted("ileap", activities(1, 0, consignmentIds=["ord-7002"]), sender(known=known)))

    assert [element.stated_by for element in delivered.transport_chain] == [StatedBy.CARRIER, word]


def test_a_carriers_figures_outrank_the_shops_for_the_parcel_that_it_knows_by_another_id() -> None:
    shop = converted("ucp", sample("ucp/shipped-and-delivered.json")).events
    known = Known.model_validate({**sender().known.model_dump(), "shipments": {"CARRIER-9": shop[1].data.parcel_id}})
    tces = [tce | {"shipmentId": "CARRIER-9"} for tce in shipment()["tces"]]
    carrier = converted("ileap", shipment(shipmentId="CARRIER-9", tces=tces), sender(known=known)).events

    for order in ([*shop, *carrier], [*carrier, *shop]):
        (account,) = standing(order).values()
        (delivery,) = [declared.facts for declared in account if declared.dimension is Dimension.DELIVERY]
        assert isinstance(delivery, DeliveredFacts)
        assert [hub.stated_by for hub in delivery.hubs] == [StatedBy.CARRIER]


def test_a_footprint_that_is_issued_later_has_a_higher_revision() -> None:
    first, second = sample(FOOTPRINT), sample(FOOTPRINT)
    second |= {"updated": "2026-07-06T02:00:00Z"}

    revisions = [bodies(converted("ileap", document))[0].revision for document in (shipment(), first, second)]

    assert revisions[0] == CARRIERS_REVISION
    assert revisions[2] == revisions[1] + 24


def test_a_chain_with_an_unknown_category_stays_undeclared() -> None:
    found = converted("ileap", sample(FOOTPRINT), sender(known=Known()))

    assert [refused.path for refused in found.refusals] == [
        "extensions.0.data.tces.0.tocId",
        "extensions.0.data.tces.2.tocId",
    ]
    assert bodies(found)[0].transport_chain is None
    assert "extensions.0.data.tces.0.distance.actual" in found.unused


def test_activities_are_a_chain_with_round_and_measured_energy() -> None:
    found = converted("ileap", activities(1, 0))
    (delivered,) = bodies(found)

    assert only_refusal(found) == (
        "data.1.consignmentIds.1",
        "is brought by no activity of this document, or by several",
    )
    assert (delivered.parcel_id, delivered.mass_g, delivered.destination.code) == ("ord-7002", 1900, "01")
    assert chain(delivered.transport_chain) == [
        (ChainRole.LINE_HAUL, Vehicle.TRAIN, 1726),
        (ChainRole.LAST_MILE, Vehicle.VAN_ELECTRIC, None),
    ]
    last = delivered.transport_chain[1]
    assert (last.round.distance_km, last.round.parcels) == (31.5, 1)
    assert (last.energy.carrier, last.energy.kwh, last.energy.parcels) == (EnergyCarrier.ELECTRICITY, 6.3, 1)


def test_an_activity_of_several_parcels_needs_the_mass_of_each() -> None:
    shared = activities(1, consignmentIds=["a", "b"])
    known = Known.model_validate({**sender().known.model_dump(), "parcels": {"a": {"mass_g": 700}}})

    found = converted("ileap", shared, sender(known=known))

    assert [(body.parcel_id, body.transport_chain[0].energy.parcels) for body in bodies(found)] == [("a", 2)]
    path, problem = only_refusal(found)
    assert path == "data.0.consignmentIds.1"
    assert problem.endswith("says: mass")


AIR = {"mode": "Air", "activityId": "sample-flight"}


@pytest.mark.parametrize(
    "changes",
    [
        AIR,
        {"activityId": None},
        {"consignmentIds": ["not an id"]},
        {"consignmentIds": [None]},
        {"consignmentIds": "ord-7002"},
        AIR | {"consignmentIds": ["not an id", "ord-7002"]},
    ],
)
def test_a_refused_activity_leaves_the_chain_undeclared(changes: dict[str, Any]) -> None:
    document = activities(1, 0)
    document["data"][1] |= changes

    found = converted("ileap", document)

    assert found.refusals
    assert [(body.parcel_id, body.transport_chain) for body in bodies(found)] == [("ord-7002", None)]


def test_a_refused_activity_of_another_parcel_leaves_the_chain_whole() -> None:
    document = activities(1, 0, 0)
    document["data"][2] |= AIR | {"consignmentIds": ["ord-7009"]}
    document["data"][1] |= {"consignmentIds": ["not an id", "ord-7002"]}

    (delivered,) = bodies(converted("ileap", document))

    assert [element.vehicle for element in delivered.transport_chain] == [Vehicle.TRAIN, Vehicle.VAN_ELECTRIC]


def test_a_consignment_that_is_named_twice_is_one() -> None:
    twice, once = activities(1, consignmentIds=["ord-7002", "ord-7002"]), activities(1)
    assert converted("ileap", twice).events == converted("ileap", once).events


def test_activities_of_a_footprint_that_is_issued_later_have_a_higher_revision() -> None:
    (activity,) = activities(1)["data"]
    extension = {"dataSchema": "https://api.ileap.sine.dev/tad.json", "data": activity}
    first = sample(FOOTPRINT) | {"extensions": [extension]}

    revisions = [
        bodies(converted("ileap", document))[0].revision
        for document in (activity, first, first | {"updated": "2026-07-06T02:00:00Z"})
    ]

    assert revisions[0] == CARRIERS_REVISION
    assert revisions[2] == revisions[1] + 24


@pytest.mark.parametrize(
    ("carriers", "energy"),
    [
        ([{"energyCarrier": "Diesel", "energyConsumption": "3.5", "energyConsumptionUnit": "l"}], 3.5),
        ([{"energyCarrier": "Diesel", "energyConsumption": "3.5", "energyConsumptionUnit": "kg"}], None),
        ([{"energyCarrier": "HVO", "energyConsumption": "3.5", "energyConsumptionUnit": "l"}], None),
        ([{"energyCarrier": "Diesel"}], None),
        ([{"energyCarrier": "Diesel"}, {"energyCarrier": "Electric"}], None),
        (None, None),
    ],
)
def test_energy_in_another_unit_or_of_several_carriers_stays_undeclared(carriers: Any, energy: float | None) -> None:
    (delivered,) = bodies(converted("ileap", activities(1, energyCarriers=carriers)))
    found = delivered.transport_chain[0].energy
    assert (None if found is None else found.litres) == energy


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        (sample(FOOTPRINT) | {"status": "Deprecated"}, "status", "is Deprecated"),
        (sample(FOOTPRINT) | {"extensions": []}, "extensions", "holds no extension of iLEAP"),
        ({"hocId": "1"}, "", "is a hub operation category (HOC): it tells of no parcel"),
        ({"tocId": "1"}, "", "is a transport operation category (TOC): it tells of no parcel"),
        ({"pcf": {}}, "", "is no ShipmentFootprint and no TAD"),
        (shipment(tces=[]), "tces", "holds no transport chain element"),
        (shipment(tces=[{"tocId": "1"}]), "tces", "no element has arrivalAt"),
        (shipment(tces=[{"shipmentId": "x"}]), "tces.0.shipmentId", "is another shipment"),
        (shipment(mass="2,12"), "mass", "is no number"),
        (shipment(mass="-1"), "", "makes an event whose mass_g is refused"),
        (shipment(shipmentId="a b"), "shipmentId", "is no id that our events take"),
        (activities(1, mode="Air"), "data.0.mode", "does not say which part of the chain it was"),
        (activities(1, consignmentIds=[]), "data.0.consignmentIds", "names no consignment"),
        (activities(1, distance={"actual": "-3"}), "data.0.consignmentIds.0", "makes an event whose"),
        (activities(), "data", "holds no transport activity"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(document: dict[str, Any], path: str, problem: str) -> None:
    refused_path, refused_problem = only_refusal(converted("ileap", document))
    assert refused_path == path
    assert refused_problem.startswith(problem)


def test_a_footprint_that_greenlane_computed_is_no_carriers_word() -> None:
    (event,) = converted("ileap", sample(FOOTPRINT)).events
    assert isinstance(event, DeliveredEvent)

    found = converted("ileap", shipment_footprint(event, load_method()))

    assert not found.events
    assert only_refusal(found)[1].startswith("is of a footprint that Greenlane computed")
