"""Haravan: Shopify's names, and the days on which the carrier did what."""

from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Conversion, Draft
from greenlane.publishing.adapters.shop_orders import Dialect
from greenlane.publishing.adapters.shop_orders import convert as convert_shop

DIALECT = Dialect(
    name="Haravan",
    created="created_at",
    changed="updated_at",
    packed=("ready_to_pick_date", "created_at"),
    delivered=("delivered_date",),
    returned=("return_date",),
    attempted=("not_meet_customer_date",),
    cancelled_at=("cancel_date",),
    travelled=("picking_date", "delivering_date", "delivered_date", "return_date"),
    destination=((), ("shipping_address",)),
)


def convert(draft: Draft, stated_by: StatedBy) -> Conversion:
    """The events of an order or a fulfilment."""
    return convert_shop(draft, stated_by, DIALECT)
