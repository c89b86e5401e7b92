"""Fulfilments of shops: one is one parcel; webhooks come late, twice and out of order; signatures are checked."""

import base64
import hashlib
import hmac
from itertools import permutations
from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import bodies, converted, kinds, only_refusal, sample, sender

from greenlane.contracts.declarations import standing
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.sender import Known
from greenlane.publishing.adapters.signatures import HEADERS, is_signed

SCANNED = "shopify/fulfilment-with-scans.json"
ORDER = "shopify/order-in-two-parcels.json"
SAMPLES = {"shopify": SCANNED, "haravan": "haravan/order-delivered.json", "sapo": "sapo/order-received.json"}


def fulfilment(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = sample(SCANNED)["fulfillment"]
    return found | changes


@pytest.mark.parametrize(("shop", "attempts"), [("shopify", 2), ("haravan", 2), ("sapo", 1)])
def test_a_fulfilment_is_packed_and_delivered_with_the_goods_mass(shop: str, attempts: int) -> None:
    found = converted(shop, sample(SAMPLES[shop]))
    packed, delivered = bodies(found)

    assert not found.refusals
    assert [(line.quantity, line.mass_g) for line in packed.items] == [(2, 310)]
    assert (packed.outer, packed.components) == (None, None)
    assert (delivered.mass_g, delivered.attempts) == (620, attempts)
    assert (delivered.origin.code, delivered.destination.code) == ("79", "01")
    assert delivered.destination.stated_by is StatedBy.SELLER
    assert [event.time.isoformat()[:10] for event in found.events] == ["2026-07-01", "2026-07-03"]


def test_a_shop_that_the_marketplace_runs_states_as_the_marketplace() -> None:
    packed, delivered = bodies(converted("shopify", sample(SCANNED), sender(stated_by=StatedBy.MARKETPLACE)))
    assert {packed.items[0].stated_by, delivered.destination.stated_by} == {StatedBy.MARKETPLACE}


def test_an_order_has_a_parcel_for_each_fulfilment_and_a_cancelled_one_never_counted() -> None:
    found = converted("shopify", sample(ORDER))

    assert kinds(found) == ["packed", "cancelled"]
    assert [body.parcel_id for body in bodies(found)] == ["9100002", "9100003"]


def test_webhooks_in_any_order_and_any_number_come_to_the_last_version() -> None:
    lines = fulfilment()["line_items"]
    versions = [
        fulfilment(line_items=[lines[0] | {"quantity": quantity}], updated_at=f"2026-07-{day}T09:30:0{second}+07:00")
        for quantity, day, second in ((2, "01", 0), (3, "01", 1), (4, "01", 2), (5, "12", 0))
    ]
    found = [converted("shopify", version).events for version in versions]
    last = standing(found[-1])

    assert [events[0].data.model_dump()["revision"] for events in found[:3]] == [0, 1, 2]
    for order in permutations([*found, found[0]]):
        assert standing(event for events in order for event in events) == last


def test_a_cancellation_that_comes_first_stays() -> None:
    late, early = converted("shopify", fulfilment(status="cancelled")).events, converted("shopify", fulfilment()).events
    assert standing([*late, *early]) == standing([*early, *late]) == {"demo-vn/seller-0042": ()}


def test_what_travelled_and_came_back_is_a_return_and_no_cancellation() -> None:
    order = sample(SAMPLES["sapo"])
    order["order"]["fulfillments"][0] |= {
        "status": "cancelled",
        "received_on": None,
        "cancel_date": "2026-07-02T04:00:00Z",
        "receive_cancellation_on": "2026-07-06T04:00:00Z",
    }
    returned = sample(SAMPLES["haravan"])
    returned["fulfillments"][0] |= {"delivered_date": None, "return_date": "2026-07-06T04:00:00Z"}
    unsent = sample(SAMPLES["haravan"])
    unsent["fulfillments"][0] = fulfilment(cancel_date="2026-07-01T04:00:00Z")

    assert kinds(converted("sapo", order)) == ["packed", "returned"]
    assert kinds(converted("haravan", returned)) == ["packed", "returned"]
    assert kinds(converted("haravan", unsent)) == ["cancelled"]


@pytest.mark.parametrize("status", ["in_transit", "out_for_delivery", "attempted_delivery", "delivered"])
def test_what_the_carrier_has_moved_is_not_cancelled(status: str) -> None:
    scanned = sample(SCANNED)
    scanned["fulfillment"]["status"] = "cancelled"
    printed = {**scanned, "fulfillment_events": [scanned["fulfillment_events"][0] | {"status": "label_printed"}]}
    scanned["fulfillment_events"] = [scanned["fulfillment_events"][0] | {"status": status}]

    assert kinds(converted("shopify", scanned))[0] == "packed"
    assert kinds(converted("shopify", fulfilment(status="cancelled", shipment_status=status)))[0] == "packed"
    assert kinds(converted("shopify", printed)) == ["cancelled"]


@pytest.mark.parametrize("status", ["success", "cancelled"])
def test_goods_that_need_no_shipping_make_no_parcel(status: str) -> None:
    lines = [line | {"requires_shipping": False} for line in fulfilment()["line_items"]]

    found = converted("shopify", fulfilment(line_items=lines, status=status))

    assert not found.events
    assert only_refusal(found) == ("line_items", "need no shipping")


@pytest.mark.parametrize(
    ("shop", "document", "path", "problem"),
    [
        ("shopify", {"fulfillment_event": {"status": "delivered"}}, "fulfillment_event", "is a carrier's scan alone"),
        ("shopify", {"id": 1, "fulfillments": []}, "fulfillments", "names no parcel yet"),
        ("shopify", {"id": 1}, "", "is no order and no fulfilment of Shopify"),
        ("shopify", fulfilment(status="failure"), "status", "says that nothing was sent"),
        ("shopify", fulfilment(status="pending"), "status", "says that the warehouse has yet to pack it"),
        ("shopify", fulfilment(created_at="2026-07-01"), "created_at", "is no RFC 3339 date-time"),
        ("shopify", fulfilment(id="đơn 1"), "id", "is no id that our events take"),
        ("shopify", fulfilment(line_items={}), "line_items", "is no list"),
        ("shopify", {"fulfillment": [], "line_items": []}, "fulfillment", "is no object"),
        ("sapo", fulfilment(fulfillment_line_items=[]), "", "is not packed yet"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(shop: str, document: dict[str, Any], path: str, problem: str) -> None:
    refused_path, refused_problem = only_refusal(converted(shop, document))
    assert refused_path == path
    assert refused_problem.startswith(problem)


def test_a_bad_fulfilment_leaves_its_neighbours_alone() -> None:
    order = sample(ORDER)
    order["fulfillments"][0]["status"] = 7

    found = converted("shopify", order)

    assert only_refusal(found)[0] == "fulfillments.0.status"
    assert kinds(found) == ["cancelled"]


def test_scans_of_another_parcel_are_refused() -> None:
    document = sample(SCANNED)
    document["fulfillment_events"][0]["fulfillment_id"] = 1

    found = converted("shopify", document)

    assert only_refusal(found) == ("fulfillment_events.0.fulfillment_id", "is not this fulfilment")
    assert kinds(found) == ["packed"]


def test_a_mass_of_nothing_is_undeclared_and_a_delivery_without_mass_is_refused() -> None:
    document = sample(SCANNED)
    document["fulfillment"]["line_items"][0]["grams"] = 0

    found = converted("shopify", document, sender(known=Known()))

    assert bodies(found)[0].items[0].mass_g is None
    assert only_refusal(found)[1].endswith("says: mass")


@pytest.mark.parametrize(
    ("shop", "document", "line", "key"),
    [
        ("shopify", sample(SCANNED), "fulfillment.line_items.0", "sku"),
        ("woocommerce", sample("woocommerce/order-completed.json"), "line_items.0", "sku"),
        ("sapo", sample(SAMPLES["sapo"]), "order.fulfillments.0.fulfillment_line_items.0", "variant_id"),
    ],
)
def test_the_id_by_which_a_product_is_known_is_used_and_no_other(shop: str, document: Any, line: str, key: str) -> None:
    product = document
    for part in line.split("."):
        product = product[int(part) if part.isdecimal() else part]
    products = {str(product[key]): {"mass_g": 310}}
    known, unknown = (
        Known.model_validate({**sender().known.model_dump(), "products": found}) for found in (products, {})
    )

    assert f"{line}.{key}" not in converted(shop, document, sender(known=known)).unused
    assert f"{line}.{key}" in converted(shop, document, sender(known=unknown)).unused
    assert f"{line}.grams" not in converted(shop, document, sender(known=unknown)).unused
    assert "grams" not in product or f"{line}.grams" in converted(shop, document, sender(known=known)).unused


@pytest.mark.parametrize("shop", HEADERS)
def test_a_signature_is_that_of_the_very_bytes(shop: str) -> None:
    body, secret = b'{"id": 1}', "a-secret"
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()

    assert is_signed(body, signature, secret), shop
    assert not is_signed(body + b" ", signature, secret)
    assert not is_signed(body, signature, "another")
    assert not is_signed(body, signature[:-1], secret)
    assert not is_signed(body, "chữ ký", secret)
    assert not is_signed(body, "", secret)
    assert not is_signed(body, base64.b64encode(hmac.new(b"", body, hashlib.sha256).digest()).decode(), "")
