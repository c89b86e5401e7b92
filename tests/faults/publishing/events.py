"""The events of a client by their numbers: the same seed, client and number give the same event at any time."""

from random import Random
from typing import Any

MARKETPLACE = "demo-vn"
SELLERS = 5
"""Of each client."""
DAYS = ("2026-07-01", "2026-07-02", "2026-07-03")
BAD_EVERY, DELIVERED_EVERY = 17, 4
PACKED, DELIVERED = "greenlane.parcel.packed.v1", "greenlane.parcel.delivered.v1"


def is_bad(number: int) -> bool:
    """Whether the event breaks the contract, so that it must be refused."""
    return number % BAD_EVERY == BAD_EVERY - 1


def is_delivered(number: int) -> bool:
    """Whether the event says that its parcel was delivered; else that it was packed."""
    return number % DELIVERED_EVERY == DELIVERED_EVERY - 1


def id_of(client: str, number: int) -> str:
    """The id of an event."""
    return f"{client}/{number}"


def seller_of(client: str, number: int) -> str:
    """The seller of an event."""
    return f"{client}-s{number % SELLERS}"


def event_of(client: str, number: int) -> dict[str, Any]:
    """A structured CloudEvent; a bad one weighs less than nothing."""
    chance = Random(f"{client}/{number}")  # noqa: S311 - a test's event, not a secret
    mass = -1.0 if is_bad(number) else float(chance.randint(20, 2000))
    event = {
        "specversion": "1.0",
        "type": DELIVERED if is_delivered(number) else PACKED,
        "source": f"/marketplaces/{MARKETPLACE}",
        "id": id_of(client, number),
        "subject": seller_of(client, number),
        "time": f"{DAYS[number % len(DAYS)]}T09:30:00+07:00",
    }
    parcel = f"{client}-p{number}"
    if is_delivered(number):
        place = {"country": "VN", "code": "01"}
        trip = {"origin": place, "destination": {**place, "kind": "home"}, "attempts": 1}
        return event | {"data": {"parcel_id": parcel, "mass_g": mass, **trip}}
    box = {"role": "outer", "material": "corrugated_board", "mass_g": mass}
    return event | {"data": {"parcel_id": parcel, "country": "VN", "components": [box]}}
