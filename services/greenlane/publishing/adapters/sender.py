"""Whose document it is, and what the marketplace knows beside it. Nothing here is guessed: the caller states it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Bounds

from greenlane.contracts.events import Country, Identifier, ItemLine, MassG, Place
from greenlane.methodology.vocabulary import ChainRole, StatedBy, Vehicle

MOST_KNOWN = 1_000_000
MARKETPLACE_PATTERN = "^[a-z0-9][a-z0-9-]{0,39}$"


class KnownParcel(BaseModel):
    """What is known of a parcel: its mass and both its ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mass_g: MassG | None = None
    origin: Place | None = None
    destination: Place | None = None


class KnownLeg(BaseModel):
    """What a carrier's category of transport is: its place in the chain, and its vehicle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: ChainRole
    vehicle: Vehicle | None = None
    stated_by: StatedBy = StatedBy.SELLER


class Known(BaseModel):
    """Facts that documents lack and the marketplace has: of products, of parcels, of what carriers call them.

    `products` has the line of one piece under the document's id of it; `parcels` the id that the events carry; `legs`
    the carrier's `tocId`, or the `mode` of a transport activity; `shipments` the parcel's id under the one that a
    carrier or a warehouse gave it; `origin` is where the seller's parcels begin. `edition` rises whenever one of them
    changes: it is added to every revision, so that events made with newer facts win.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    products: Annotated[dict[str, ItemLine], Bounds(max_length=MOST_KNOWN)] = {}
    parcels: Annotated[dict[str, KnownParcel], Bounds(max_length=MOST_KNOWN)] = {}
    legs: Annotated[dict[str, KnownLeg], Bounds(max_length=10_000)] = {}
    shipments: Annotated[dict[str, Identifier], Bounds(max_length=MOST_KNOWN)] = {}
    origin: Place | None = None
    edition: Annotated[int, Bounds(ge=0, le=10_000)] = 0

    def parcel_of(self, shipment: str) -> str:
        """The parcel's id of the marketplace, if it is another one than the document's."""
        return self.shipments.get(shipment, shipment)


class Sender(BaseModel):
    """The marketplace and the seller of the events, and where the parcels are packed (ISO 3166-1 alpha-2).

    `stated_by` says who states what the document says; None means whom the vocabulary names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    marketplace: Annotated[str, Bounds(pattern=MARKETPLACE_PATTERN)]
    seller_id: Identifier
    country: Country | None = None
    stated_by: StatedBy | None = None
    known: Known = Known()
