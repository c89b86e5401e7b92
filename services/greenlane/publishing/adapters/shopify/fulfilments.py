"""Shopify: a fulfilment is a parcel; its scans (`fulfillment_events`) say when it arrived."""

from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.shop_orders import Dialect
from greenlane.publishing.adapters.shop_orders import convert as convert_shop

DIALECT = Dialect(
    name="Shopify",
    created="created_at",
    changed="updated_at",
    packed=("created_at",),
    waiting=frozenset({"pending", "open"}),
    destination=(("destination",), ("shipping_address",)),
    origin="origin_address",
    log="fulfillment_events",
    progress="shipment_status",
    moving=frozenset({"carrier_picked_up", "in_transit", "out_for_delivery", "attempted_delivery", "delivered"}),
)


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The events of an order or a fulfilment."""
    return convert_shop(draft, stated_by, DIALECT)
