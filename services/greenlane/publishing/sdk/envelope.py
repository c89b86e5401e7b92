"""Puts the body of an event into its CloudEvents envelope."""

from datetime import datetime
from typing import NamedTuple

from greenlane.contracts.events import (
    CANCELLED,
    DELIVERED,
    EVENT_MODELS,
    PACKED,
    RECOVERED,
    RETURNED,
    FulfilmentEvent,
    PackagingRecovered,
    ParcelCancelled,
    ParcelDelivered,
    ParcelPacked,
    ParcelReturned,
)

Data = ParcelPacked | ParcelDelivered | ParcelReturned | PackagingRecovered | ParcelCancelled

_TYPES: dict[type[Data], str] = {
    ParcelPacked: PACKED,
    ParcelDelivered: DELIVERED,
    ParcelReturned: RETURNED,
    PackagingRecovered: RECOVERED,
    ParcelCancelled: CANCELLED,
}


class Address(NamedTuple):
    """Whose event it is: the marketplace in `source`, the seller in `subject`."""

    marketplace: str
    seller_id: str


def enveloped(address: Address, event_id: str, happened: datetime, data: Data) -> FulfilmentEvent:
    """The event that says `data` happened at `happened` (aware). Raises ValidationError for a bad envelope."""
    event_type = _TYPES[type(data)]
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/marketplaces/{address.marketplace}",
        "subject": address.seller_id,
        "time": happened,
        "type": event_type,
        "data": data,
    }
    return EVENT_MODELS[event_type].model_validate(attributes)
