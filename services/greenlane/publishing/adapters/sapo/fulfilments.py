"""Sapo: a fulfilment says when it was packed, shipped, received and cancelled; no mass stands in it."""

from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.shop_orders import Dialect
from greenlane.publishing.adapters.shop_orders import convert as convert_shop

DIALECT = Dialect(
    name="Sapo",
    created="created_on",
    changed="modified_on",
    packed=("packed_on",),
    lines="fulfillment_line_items",
    grams=None,
    products=("variant_id", "product_id"),
    delivered=("received_on",),
    returned=("receive_cancellation_on",),
    travelled=("shipped_on",),
    cancelled_at=("cancel_date",),
    destination=(("shipping_address",),),
    country=("country_code", "country"),
    region=("province",),
    city=("city",),
)


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The events of an order or a fulfilment."""
    return convert_shop(draft, stated_by, DIALECT)
