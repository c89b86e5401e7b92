"""WooCommerce orders: one parcel when completed, none when it never was; the last version wins in any order."""

from itertools import permutations
from typing import Any

import pytest
from tests.unit.publishing.adapters.samples import bodies, converted, kinds, only_refusal, sample, sender

from greenlane.contracts.declarations import standing
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.sender import Known


def order(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = sample("woocommerce/order-completed.json")
    return found | changes


def test_a_completed_order_is_a_packed_parcel_whose_goods_the_catalogue_knows() -> None:
    found = converted("woocommerce", order())
    (packed,) = bodies(found)

    assert (packed.parcel_id, found.events[0].time.isoformat()) == ("6001", "2026-07-01T02:30:00+00:00")
    assert [(line.quantity, line.mass_g, line.stated_by) for line in packed.items] == [(2, 310, StatedBy.MARKETPLACE)]
    (unknown,) = bodies(converted("woocommerce", order(), sender(known=Known())))
    assert [(line.quantity, line.mass_g, line.stated_by) for line in unknown.items] == [(2, None, StatedBy.SELLER)]


@pytest.mark.parametrize("status", ["cancelled", "failed", "trash"])
def test_an_order_that_was_never_sent_says_nothing_and_counts_once_it_is_completed(status: str) -> None:
    unpaid = converted("woocommerce", order(status=status, date_completed_gmt=None))
    paid = converted("woocommerce", order())

    assert only_refusal(unpaid) == ("status", "says that nothing was sent")
    (account,) = standing([*unpaid.events, *paid.events]).values()
    assert account


def test_an_order_that_was_sent_counts_whatever_became_of_it() -> None:
    assert kinds(converted("woocommerce", order(status="cancelled"))) == ["packed"]
    assert kinds(converted("woocommerce", order(status="refunded"))) == ["packed"]


def test_versions_in_any_order_come_to_the_last() -> None:
    line = order()["line_items"][0]
    versions = [
        order(line_items=[line | {"quantity": second}], date_modified_gmt=f"2026-07-01T02:30:0{second}")
        for second in (2, 3, 4)
    ]
    found = [converted("woocommerce", version).events for version in versions]

    for shuffled in permutations(found):
        assert standing(event for events in shuffled for event in events) == standing(found[-1])


@pytest.mark.parametrize(
    ("document", "path", "problem"),
    [
        (order(status="processing", date_completed_gmt=None), "status", "says that nothing was sent yet"),
        (order(status="completed", date_completed_gmt=None), "date_completed_gmt", "is missing, so the time"),
        (order(status="wc-shipped", date_completed_gmt=None), "status", "is a status of the shop's own"),
        (order(date_completed_gmt="yesterday"), "date_completed_gmt", "is no time"),
        (order(date_created_gmt=None), "date_created_gmt", "is missing"),
        (order(line_items=[{"quantity": 1.5}]), "line_items.0.quantity", "is no whole number"),
        (order(meta_data=[{"key": "_wc_shipment_tracking_items", "value": [{}, {}]}]), "meta_data.0.value", "names"),
        ({"id": 1}, "", "is no WooCommerce order: it lacks status, date_created_gmt, date_modified_gmt, line_items"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(document: dict[str, Any], path: str, problem: str) -> None:
    refused_path, refused_problem = only_refusal(converted("woocommerce", document))
    assert refused_path == path
    assert refused_problem.startswith(problem)
