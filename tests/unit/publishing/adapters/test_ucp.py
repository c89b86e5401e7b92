"""UCP orders of both versions: the log of shipments becomes events; what it does not say is refused or undeclared."""

from itertools import permutations
from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import HANOI, SAIGON, bodies, converted, kinds, only_refusal, sample, sender

from greenlane.contracts.declarations import standing
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.sender import Known

SAMPLE = "ucp/shipped-and-delivered.json"
PACKED_AT = "2026-07-01T09:30:00+07:00"


def order(*log: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = sample(SAMPLE)
    if log:
        found["fulfillment"]["events"] = list(log)
    return found | changes


def entry(kind: str, when: str = PACKED_AT, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{kind}-{when}",
        "type": kind,
        "occurred_at": when,
        "line_items": [*lines("li-cup", 2), *lines("li-rice", 15)],
        "tracking_number": "SAMPLE-0001",
    } | changes


def lines(name: str, quantity: int) -> list[dict[str, Any]]:
    return [{"id": name, "quantity": quantity}]


def test_a_shipment_is_packed_then_delivered_with_the_attempts_of_its_log() -> None:
    packed, delivered = bodies(converted("ucp", sample(SAMPLE)))

    assert [(line.quantity, line.mass_g, line.length_mm) for line in packed.items] == [(2, 310, 90), (1, 1500, None)]
    assert [line.stated_by for line in packed.items] == [StatedBy.MARKETPLACE, StatedBy.MARKETPLACE]
    assert (packed.outer, packed.components) == (None, None)
    assert (delivered.mass_g, delivered.attempts) == (2120, 2)
    assert (delivered.origin, delivered.destination.code) == (SAIGON, HANOI.code)
    assert delivered.destination.stated_by is StatedBy.MARKETPLACE


def test_a_shop_of_the_sellers_own_states_as_the_seller() -> None:
    _, delivered = bodies(converted("ucp", sample(SAMPLE), sender(stated_by=StatedBy.SELLER)))
    assert delivered.destination.stated_by is StatedBy.SELLER


def test_version_2026_01_11_lists_capabilities_and_has_no_currency() -> None:
    new = sample(SAMPLE)
    old = {name: value for name, value in new.items() if name != "currency"}
    old["ucp"] = {
        "version": "2026-01-11",
        "capabilities": [{"name": "dev.ucp.shopping.order", "version": "2026-01-11"}],
    }
    old["event_id"], old["created_time"] = "hook-1", "2026-07-03T04:00:01Z"

    assert converted("ucp", old).events == converted("ucp", new).events
    new["ucp"]["version"] = "2026-01-11"
    path, problem = only_refusal(converted("ucp", new))
    assert (path, problem) == ("ucp.capabilities", "is no list")
    del new["currency"]
    new["ucp"]["version"] = "2026-04-08"
    assert only_refusal(converted("ucp", new)) == ("", "is no order: it lacks currency")


def test_an_order_in_an_answer_of_mcp_is_the_same_order() -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"structuredContent": sample(SAMPLE), "content": []}}
    assert converted("ucp", answer).events == converted("ucp", sample(SAMPLE)).events


def test_snapshots_in_any_order_and_any_number_come_to_the_same() -> None:
    log = sample(SAMPLE)["fulfillment"]["events"]
    log[1], log[2] = log[2], log[1]  # the failed attempt was reported after the delivery
    snapshots = [converted("ucp", order(*log[: length + 1])).events for length in range(len(log))]
    whole = standing(snapshots[-1])

    for shuffled in permutations([*snapshots, snapshots[0]]):
        assert standing(event for events in shuffled for event in events) == whole


@pytest.mark.parametrize("kind", ["shipped", "delivered"])
def test_of_several_entries_the_last_counts_so_that_a_later_snapshot_wins(kind: str) -> None:
    first = entry(kind, "2026-07-02T09:30:00+07:00")
    late, earlier = entry(kind, "2026-07-03T09:30:00+07:00"), entry(kind, "2026-07-01T09:30:00+07:00")
    failed = entry("failed_attempt", "2026-07-01T12:00:00+07:00")
    logs = [[first], [first, earlier], [first, earlier, failed], [first, earlier, failed, late]]
    snapshots = [converted("ucp", order(*log)).events for log in logs]

    for shuffled in permutations(snapshots):
        assert standing(event for events in shuffled for event in events) == standing(snapshots[-1])


@pytest.mark.parametrize("kind", ["shipped", "delivered", "returned_to_sender"])
def test_entries_of_one_type_and_parcel_that_name_different_goods_are_refused(kind: str) -> None:
    cup = entry(kind, line_items=lines("li-cup", 2))
    rice = entry(kind, "2026-07-02T09:30:00+07:00", line_items=lines("li-rice", 15))

    found = converted("ucp", order(cup, rice))

    assert not found.events
    assert found.refusals[0].path == "fulfillment.events.1.line_items"
    assert found.refusals[0].problem == f"names other goods than an earlier entry of type {kind} for the same parcel"


def test_two_tracking_numbers_are_two_parcels() -> None:
    cup = entry("shipped", line_items=lines("li-cup", 2))
    rice = entry("shipped", line_items=lines("li-rice", 15), tracking_number="SAMPLE-0002")

    found = bodies(converted("ucp", order(cup, rice)))

    assert len({body.parcel_id for body in found}) == 2
    assert [line.mass_g for body in found for line in body.items] == [310, 1500]


def test_a_cancelled_shipment_is_cancelled_and_a_return_goes_back() -> None:
    cancelled = converted("ucp", order(entry("shipped"), entry("canceled", "2026-07-01T10:00:00+07:00")))
    returned = converted("ucp", order(entry("shipped"), entry("returned_to_sender", "2026-07-09T10:00:00+07:00")))

    assert kinds(cancelled) == ["packed", "cancelled"]
    assert kinds(returned) == ["packed", "returned"]
    assert (bodies(returned)[1].origin.code, bodies(returned)[1].destination.code) == ("01", "79")


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        (order(entry("processing", tracking_number=None)), "fulfillment.events", "names no shipment yet"),
        (order(entry("in_transit")), "fulfillment.events.0", "the log says neither shipped, delivered"),
        (order(entry("delivered")), "fulfillment.events.0", "the log does not say when the parcel was packed"),
        (order(entry("shipped", occurred_at="2026-07-01 09:30")), "fulfillment.events.0.occurred_at", "is no RFC 3339"),
        (order(entry("shipped", occurred_at="2026-07-01T09:30:00")), "fulfillment.events.0.occurred_at", "has no"),
        (order(entry("shipped"), id="đơn 1"), "id", "is no id that our events take"),
        (order(entry("shipped"), id="o" * 54), "id", "is no id that our events take"),
        (order(entry("shipped", line_items=lines("x", 1))), "fulfillment.events.0.line_items.0.id", "is no"),
        (order(entry("shipped", line_items=lines("li-cup", 0))), "fulfillment.events.0.line_items.0.quantity", "is"),
        (order(entry("shipped", line_items=lines("li-cup", 10**6))), "fulfillment.events.0", "makes an event whose"),
        (order(fulfillment={}), "fulfillment.events", "names no shipment yet"),
        ({"ucp": {"version": "2025-01-01"}}, "ucp.version", "is no version that is read"),
        ({"ucp": {"version": "2026-04-08", "status": "error"}, "messages": []}, "messages", "is an error answer"),
        ({"products": []}, "ucp", "is no UCP order: it has no version"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(document: dict[str, Any], path: str, problem: str) -> None:
    refused_path, refused_problem = only_refusal(converted("ucp", document))
    assert refused_path == path
    assert refused_problem.startswith(problem)


def test_without_mass_origin_or_country_the_remedy_names_the_option() -> None:
    found = converted("ucp", sample(SAMPLE), sender(country=None, known=Known()))

    assert [refused.remedy for refused in found.refusals] == [
        "give --country",
        "state it in --known under parcels and the parcel's id, an origin of all parcels under origin",
    ]
    assert "says: mass, origin" in found.refusals[1].problem


@pytest.mark.parametrize(
    ("country", "region", "code"),
    [("VN", "Hà Nội", "01"), ("VN", "TP. Hồ Chí Minh", "79"), ("Việt Nam", "Tỉnh Nghệ An", "40"), ("US", "TX", "TX")],
)
def test_a_region_is_known_by_its_name_or_its_short_code(country: str, region: str, code: str) -> None:
    document = order(entry("delivered"), entry("shipped"))
    document["fulfillment"]["expectations"][0]["destination"] |= {"address_country": country, "address_region": region}

    body = bodies(converted("ucp", document))[1]
    assert (body.destination.country, body.destination.code) == ("US" if country == "US" else "VN", code)


@pytest.mark.parametrize(
    ("country", "region"), [("VN", "Lào Cai"), ("VN", "01"), ("VN", "Sài Gòn"), ("Atlantis", "Hà Nội"), ("US", "Texas")]
)
def test_a_region_with_no_one_meaning_is_not_guessed(country: str, region: str) -> None:
    document = order(entry("delivered"), entry("shipped"))
    document["fulfillment"]["expectations"][0]["destination"] |= {"address_country": country, "address_region": region}

    assert only_refusal(converted("ucp", document))[1].endswith("says: destination")


def test_what_is_in_preparation_is_no_parcel_and_a_bad_entry_leaves_the_others_alone() -> None:
    prepared = entry("processing", tracking_number=None)
    bad = entry("shipped", tracking_number=7)

    found = converted("ucp", order(prepared, entry("shipped"), bad))

    assert kinds(found) == ["packed"]
    assert only_refusal(found) == ("fulfillment.events.2.tracking_number", "is no text")


def test_a_line_that_is_in_no_parcel_is_unused() -> None:
    found = converted("ucp", order(entry("shipped", line_items=lines("li-cup", 2))))

    assert "line_items.0.id" not in found.unused
    assert {"line_items.1.id", "line_items.1.item.id"} <= set(found.unused)
