"""EPCIS events: packing, arriving, reusable assets, declared errors; what is no EPCIS or says nothing is refused."""

from itertools import permutations
from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import bodies, converted, kinds, only_refusal, sample, sender

from greenlane.contracts.declarations import standing
from greenlane.methodology.vocabulary import ComponentRole, StatedBy
from greenlane.publishing.adapters.epcis.keys import GRAI, GTIN, SSCC, key_of
from greenlane.publishing.adapters.sender import Known

SAMPLE = "epcis/packed-in-a-reusable-box.json"
PARCEL = "sscc:089300000000000019"
PARCEL_URN = "urn:epc:id:sscc:8930000.0000000001"
CUP = "urn:epc:id:sgtin:8930000.000001."
BOX = "urn:epc:id:grai:8930000.00003.77"


def event(kind: str, step: str | None, action: str = "ADD", **changes: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "eventTime": "2026-07-01T09:30:00+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": action,
        **({} if step is None else {"bizStep": step}),
    } | changes


def packing(pieces: int = 2, name: str = "1", **changes: Any) -> dict[str, Any]:
    children = [f"{CUP}{number}" for number in range(pieces)]
    return event("AggregationEvent", "packing", parentID=PARCEL_URN, childEPCs=children, eventID=name) | changes


def document(*events: dict[str, Any]) -> dict[str, Any]:
    return {"type": "EPCISDocument", "schemaVersion": "2.0", "epcisBody": {"eventList": list(events)}}


def error(*correctives: str) -> dict[str, Any]:
    return {"declarationTime": "2026-07-04T09:00:00+07:00", "correctiveEventIDs": list(correctives)}


def test_packing_accepting_and_collecting_are_a_parcel_in_a_reusable_box() -> None:
    found = converted("epcis", sample(SAMPLE))
    packed, delivered, recovered = bodies(found)

    assert not found.refusals
    assert {packed.parcel_id, delivered.parcel_id, recovered.parcel_id} == {PARCEL}
    assert [(line.quantity, line.mass_g) for line in packed.items] == [(2, 250), (1, 1500)]
    (component,) = packed.components
    assert (component.role, component.material, component.mass_g) == (ComponentRole.OUTER, None, 900)
    assert component.reusable_asset.asset_id == recovered.asset_id == "grai:08930000000033.77"
    assert component.stated_by is StatedBy.SELLER
    assert (delivered.mass_g, delivered.destination.code, delivered.attempts) == (2900, "01", 1)
    assert recovered.mass_g == 900
    assert "epcisBody.eventList.0.shop:packedBy" in found.unused


@pytest.mark.parametrize(
    ("document_by", "mass_by", "expected"),
    [
        (StatedBy.CARRIER, StatedBy.SELLER, StatedBy.SELLER),
        (StatedBy.SELLER, StatedBy.MARKETPLACE, StatedBy.SELLER),
        (StatedBy.CARRIER, StatedBy.MARKETPLACE, StatedBy.MARKETPLACE),
        (StatedBy.MARKETPLACE, None, StatedBy.MARKETPLACE),
    ],
)
def test_an_asset_is_stated_by_the_weaker_of_its_document_and_of_its_known_mass(
    document_by: StatedBy, mass_by: StatedBy | None, expected: StatedBy
) -> None:
    products = {} if mass_by is None else {"08930000000033": {"mass_g": 900, "stated_by": mass_by}}
    known = Known.model_validate({**sender().known.model_dump(), "products": products})

    (component,) = bodies(converted("epcis", sample(SAMPLE), sender(known=known, stated_by=document_by)))[0].components

    assert component.stated_by is expected


def test_a_return_goes_back_and_a_voided_shipment_is_cancelled() -> None:
    back = event("ObjectEvent", "receiving", "OBSERVE", epcList=[PARCEL_URN], disposition="returned")
    void = event("ObjectEvent", "urn:epcglobal:cbv:bizstep:void_shipping", "DELETE", epcList=[PARCEL_URN])

    assert kinds(converted("epcis", back)) == ["returned"]
    assert bodies(converted("epcis", back))[0].origin.code == "01"
    assert kinds(converted("epcis", void)) == ["cancelled"]


def test_both_ways_of_writing_a_key_are_one_key() -> None:
    pairs = {
        SSCC: ("urn:epc:id:sscc:4012345.0000000333", "https://id.gs1.org/00/040123450000003338"),
        GTIN: ("urn:epc:idpat:sgtin:4012345.098765.*", "https://shop.example/p/01/04012345987652/10/lot"),
        GRAI: ("urn:epc:id:grai:4012345.66666.87", "https://id.gs1.org/8003/0401234566666387"),
    }
    for scheme, (urn, link) in pairs.items():
        assert key_of(urn) == key_of(link)
        found = key_of(urn)
        assert found is not None
        assert found.scheme == scheme


@pytest.mark.parametrize(
    "text",
    ["urn:epc:id:sscc:4012345.333", "https://id.gs1.org/00/040123450000003339", "urn:epc:id:giai:4012345.1", ""],
)  # fmt: skip
def test_a_key_with_wrong_digits_is_none(text: str) -> None:
    assert key_of(text) is None


def test_a_corrective_event_has_a_higher_revision_and_wins_in_any_order() -> None:
    first = document(packing(2))
    second = document(packing(2, errorDeclaration=error("2")), packing(3, "2"))
    third = document(
        packing(3, "2", errorDeclaration=error("3")), packing(4, "3"), packing(2, errorDeclaration=error("2"))
    )

    found = [converted("epcis", one).events for one in (first, second, third)]

    assert [event.data.model_dump()["revision"] for events in found for event in events] == [0, 1, 2]
    for order in permutations([*found, found[0]]):
        (account,) = standing(event for events in order for event in events).values()
        assert account[0].facts == standing(found[2])["demo-vn/seller-0042"][0].facts


OTHER = "sscc:089300000000000026"
OTHER_URN = "urn:epc:id:sscc:8930000.0000000002"


def associated(name: str, asset: str = BOX, parcel: str = PARCEL_URN, **changes: Any) -> dict[str, Any]:
    return event("AssociationEvent", "packing", parentID=asset, childEPCs=[parcel], eventID=name) | changes


def test_a_packing_that_was_of_another_parcel_is_taken_back() -> None:
    first = converted("epcis", packing()).events
    second = converted("epcis", document(packing(errorDeclaration=error("2")), packing(2, "2", parentID=OTHER_URN)))

    assert [(event.type.split(".")[2], event.data.parcel_id) for event in second.events] == [
        ("cancelled", PARCEL),
        ("packed", OTHER),
    ]
    (account,) = standing([*second.events, *first]).values()
    assert [declared.parcel_id for declared in account] == [OTHER]


def test_an_arrival_that_was_of_another_parcel_is_refused_as_no_packing() -> None:
    wrong = ARRIVED | {"eventID": "1", "errorDeclaration": error("2")}
    right = [ARRIVED | {"eventID": "2", "epcList": [urn]} for urn in (PARCEL_URN, OTHER_URN)]

    same, other = (converted("epcis", document(wrong, corrective)) for corrective in right)

    assert (kinds(same), same.refusals) == (["delivered"], ())
    assert other.refusals[0].path == "epcisBody.eventList.0.errorDeclaration"
    assert other.refusals[0].problem.startswith("takes back an event that is no packing")


def test_the_longest_way_of_corrections_counts() -> None:
    events = [
        packing(2, "a", errorDeclaration=error("d")),
        packing(2, "b", errorDeclaration=error("c")),
        packing(2, "c", errorDeclaration=error("d")),
        packing(3, "d"),
    ]
    for order in permutations(events):
        assert [body.revision for body in bodies(converted("epcis", document(*order)))] == [2]


@pytest.mark.parametrize("corrective", [associated("a2", BOX + "8"), associated("a2", BOX, OTHER_URN)])
def test_a_corrected_association_raises_the_revision_of_the_packing(corrective: dict[str, Any]) -> None:
    other = packing(2, "2", parentID=OTHER_URN)
    first = converted("epcis", document(packing(), other, associated("a1"))).events
    second = converted(
        "epcis", document(packing(), other, associated("a1", errorDeclaration=error("a2")), corrective)
    ).events

    assert [event.data.model_dump()["revision"] for event in first] == [0, 0]
    assert second[0].data.model_dump()["revision"] == 1
    assert standing([*first, *second]) == standing([*second, *first]) == standing(second)


def test_an_association_that_is_sent_twice_is_one_component() -> None:
    (packed,) = bodies(converted("epcis", document(packing(), associated("a1"), associated("a1"))))
    assert len(packed.components) == 1


def test_an_error_without_correction_takes_the_parcel_back() -> None:
    found = converted("epcis", packing(errorDeclaration=error()))

    assert kinds(found) == ["cancelled"]
    assert found.events[0].time.isoformat() == "2026-07-04T09:00:00+07:00"


ARRIVED = event("ObjectEvent", "accepting", "OBSERVE", epcList=[PARCEL_URN])


@pytest.mark.parametrize(
    ("found", "path", "problem"),
    [
        (ARRIVED | {"errorDeclaration": error()}, "errorDeclaration", "takes back an event that is no packing"),
        (packing(errorDeclaration=error("2")), "errorDeclaration.correctiveEventIDs", "names corrective events that"),
        (document(event("ObjectEvent", "shipping", epcList=[PARCEL_URN])), "epcisBody.eventList.0", "ObjectEvent of"),
        (event("ObjectEvent", None, epcList=[f"{CUP}1"]), "", "ObjectEvent of no standard bizStep and action ADD"),
        (event("TransactionEvent", "x:y", epcList=[]), "", "TransactionEvent of no standard bizStep"),
        (event("AssociationEvent", "packing", parentID=BOX, childEPCs=[PARCEL_URN]), "", "associates a reusable asset"),
        (event("AssociationEvent", "collecting", "DELETE", parentID=BOX), "", "takes an association back that is not"),
        (event("AggregationEvent", "packing", parentID=BOX, childEPCs=[f"{CUP}1"]), "parentID", "is no parcel: it is"),
        (packing(childEPCs=[BOX]), "childEPCs.0", "is no product: it is no GTIN"),
        (packing(eventTime="22-07-2026"), "eventTime", "is no RFC 3339 date-time"),
        (packing(eventTimeZoneOffset="7"), "eventTimeZoneOffset", "is no offset"),
        (packing(eventTimeZoneOffset="+14:30"), "eventTimeZoneOffset", "is no offset"),
        (event("ObjectEvent", "packing", "OBSERVE", epcList=[], ilmd={"a:b": "x"}), "ilmd", "belongs to action ADD"),
        (event("ObjectEvent", "sensor_reporting", sensorElementList=[{}]), "", "ObjectEvent of bizStep sensor"),
        (packing(action="SHIPPED"), "action", "is no action"),
        (packing(bizStep="wrapping"), "bizStep", "is no word of the Core Business Vocabulary"),
        (packing(disposition="in_transport"), "disposition", "is no word of the Core Business Vocabulary"),
        (packing(0), "", "names nothing: it has neither childEPCs nor childQuantityList"),
        (packing(ilmd={"soil": "x"}), "ilmd", "has a field without a namespace"),
        (packing(type="shop:Event"), "type", "is no EPCIS 2.0 document and no event"),
        (document(packing(type="shop:Event")), "epcisBody.eventList.0.type", "is no event type of EPCIS 2.0"),
        (document(), "epcisBody.eventList", "holds no event"),
        (document(packing()) | {"schemaVersion": "1.2"}, "schemaVersion", "is no version 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(found: dict[str, Any], path: str, problem: str) -> None:
    refused_path, refused_problem = only_refusal(converted("epcis", found))
    assert refused_path == path
    assert refused_problem.startswith(problem)


def test_a_circle_of_corrections_is_refused() -> None:
    circle = document(packing(1, "1", errorDeclaration=error("2")), packing(2, "2", errorDeclaration=error("1")))
    outside = document(*circle["epcisBody"]["eventList"], packing(3, "1"))

    assert converted("epcis", circle).refusals
    assert "corrects itself in a circle" in {refused.problem for refused in converted("epcis", outside).refusals}


def test_what_is_known_of_neither_parcel_nor_asset_is_refused_with_the_option() -> None:
    found = converted("epcis", sample(SAMPLE), sender(known=Known()))

    assert kinds(found) == ["packed"]
    assert [refused.path for refused in found.refusals] == ["epcisBody.eventList.2", "epcisBody.eventList.3"]
    assert all("--known" in refused.remedy for refused in found.refusals)
