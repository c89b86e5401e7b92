"""Facts that several vocabularies state alike: lines of goods, places, and what a delivery needs."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from greenlane.contracts.events import (
    LEAST_MASS_G,
    CorrectionReason,
    HubOperation,
    ItemLine,
    ParcelDelivered,
    ParcelPacked,
    ParcelReturned,
    Place,
    TransportChainElement,
)
from greenlane.methodology.vocabulary import PlaceKind, StatedBy
from greenlane.publishing.adapters.document import Field, PartRefused
from greenlane.publishing.adapters.sender import KnownParcel, Sender
from greenlane.publishing.adapters.versions import corrected
from greenlane.publishing.files.place_names import place_names, plain

GRAMS_PER_KG = 1000
GRAMS = {"KGM": Decimal(1000), "GRM": Decimal(1), "LBR": Decimal("453.59237"), "ONZ": Decimal("28.349523125")}
"""Units of mass by their codes of UN/ECE Recommendation 20."""

_REGION = re.compile(r"[A-Z0-9]{1,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_VIETNAM = frozenset({"VIETNAM", "VNM"})
_PREFIXES = {"VN": ("TINH", "THANHPHO", "TP")}
"""What addresses write before a province's name: tỉnh, thành phố, TP."""

_OF_PROVINCES = frozenset({"VN"})
"""Countries whose table names regions. Brazil's names municipalities, some of them like another state."""


def weaker(first: StatedBy, second: StatedBy) -> StatedBy:
    """Whose word a fact is that two have stated a part of; the vocabulary names the weakest first."""
    return next(word for word in StatedBy if word in {first, second})


def item(sender: Sender, stated_by: StatedBy, product: str, quantity: int, mass_g: Decimal | None = None) -> ItemLine:
    """A line of goods: what is known of the product, else the mass of a piece that the document states."""
    known = sender.known.products.get(product)
    if known is not None:
        return ItemLine.model_validate({**known.model_dump(), "quantity": quantity})
    mass = None if mass_g is None or mass_g < Decimal(str(LEAST_MASS_G)) else float(mass_g)
    return ItemLine(quantity=quantity, mass_g=mass, stated_by=stated_by)


def line_item(
    sender: Sender, stated_by: StatedBy, line: Field, products: Sequence[str], grams: str | None = None
) -> ItemLine:
    """A line of a shop's order: the first of the fields `products` that names a known product, else its grams."""
    known = sender.known.products
    named = next((field for name in products if (field := line[name]).value and str(field.value) in known), None)
    quantity = line["quantity"].count()
    if named is not None:
        return item(sender, stated_by, named.label(), quantity)
    return item(sender, stated_by, "", quantity, None if grams is None else line[grams].decimal())


def packed(part: Field, sender: Sender, parcel_id: str, items: Sequence[ItemLine], version: int = 0) -> ParcelPacked:
    """The body of a packed event. Raises PartRefused where it is not known in which country it was packed."""
    if sender.country is None:
        raise PartRefused(part.path, "does not say in which country the parcel was packed", "give --country")
    return ParcelPacked(
        parcel_id=parcel_id,
        revision=version,
        correction_reason=corrected(version),
        country=sender.country,
        items=tuple(items),
    )


def place(
    country: str | None,
    regions: Sequence[str | None],
    stated_by: StatedBy,
    kind: PlaceKind = PlaceKind.HOME,
    cities: Sequence[str | None] = (),
) -> Place | None:
    """The place that a country and the names of a region or a city mean; None if they do not mean exactly one.

    In a country whose places we know, the first name that has one code decides; no region is looked for among
    municipalities. Elsewhere a region's short code in capitals is taken as it is. Codes of the first kind are not
    looked up: shops have codes of their own.
    """
    country = "VN" if country is not None and plain(country[:20]) in _VIETNAM else country
    if country is None or not _COUNTRY.fullmatch(country):
        return None
    codes = [_region(country, text) for text in regions if text is not None]
    codes += [_named(country, text) for text in cities if text is not None]
    code = next((code for code in codes if code is not None), None)
    return None if code is None else Place(country=country, code=code, kind=kind, stated_by=stated_by)


def _region(country: str, text: str) -> str | None:
    if _names(country):
        return _named(country, text) if country in _OF_PROVINCES else None
    return text if _REGION.fullmatch(text) else None


def _named(country: str, text: str) -> str | None:
    name = plain(text[:100])
    prefixes = _PREFIXES.get(country, ())
    prefix = next((prefix for prefix in prefixes if name.startswith(prefix) and name != prefix), "")
    return _names(country).get(name.removeprefix(prefix))


@cache
def _names(country: str) -> dict[str, str]:
    """Codes of provinces, or of municipalities, by plain names, without the names that mean several places."""
    codes: dict[str, set[str]] = {}
    for name in place_names(country):
        if name.large:
            codes.setdefault(name.plain, set()).add(name.code)
    return {name: next(iter(found)) for name, found in codes.items() if len(found) == 1}


class Journey:
    """What a delivery needs beside its time: mass, both ends, attempts, and the chain if somebody states it."""

    def __init__(self, sender: Sender, parcel_id: str) -> None:
        self.sender = sender
        self.parcel_id = parcel_id
        self.known = sender.known.parcels.get(parcel_id, KnownParcel())
        self.mass_g: float | None = self.known.mass_g
        self.origin: Place | None = self.known.origin or sender.known.origin
        self.destination: Place | None = self.known.destination
        self.failed = 0
        self.chain: tuple[TransportChainElement, ...] | None = None
        self.hubs: tuple[HubOperation, ...] = ()

    def goods(self, items: Sequence[ItemLine]) -> None:
        """Take the goods' mass for the parcel's, unless that is known or the mass of one line is not."""
        masses = [line.mass_g * line.quantity for line in items if line.mass_g is not None]
        if self.mass_g is None and masses and len(masses) == len(items):
            self.mass_g = float(sum(Decimal(repr(mass)) for mass in masses))

    def delivered(self, part: Field, version: int = 0) -> ParcelDelivered:
        """The body of a delivery. Raises PartRefused naming all that lacks."""
        mass_g, origin, destination = self._ends(part)
        way = self._way(version) | {"origin": origin, "destination": destination, "attempts": 1 + self.failed}
        return ParcelDelivered(mass_g=mass_g, **way)

    def returned(self, part: Field, version: int = 0) -> ParcelReturned:
        """The body of a return, from the destination back to the origin. Raises PartRefused naming all that lacks."""
        mass_g, origin, destination = self._ends(part)
        way = self._way(version) | {"origin": destination, "destination": origin, "attempts": 1}
        return ParcelReturned(mass_g=mass_g, **way)

    def _way(self, version: int) -> dict[str, Any]:
        """What a delivery and a return have in common, whichever way the parcel went."""
        return {
            "parcel_id": self.parcel_id,
            "revision": version,
            "correction_reason": corrected(version, CorrectionReason.CARRIER_UPDATE),
            "transport_chain": self.chain,
            "hubs": self.hubs,
        }

    def _ends(self, part: Field) -> tuple[float, Place, Place]:
        if self.mass_g is None or self.origin is None or self.destination is None:
            found = {"mass": self.mass_g, "origin": self.origin, "destination": self.destination}
            lacking = ", ".join(name for name, value in found.items() if value is None)
            raise PartRefused(
                part.path,
                f"a delivery needs mass, origin and destination; neither the document nor --known says: {lacking}",
                "state it in --known under parcels and the parcel's id, an origin of all parcels under origin",
            )
        return self.mass_g, self.origin, self.destination


def latest(instants: Sequence[datetime | None]) -> datetime | None:
    """The last of those that are there."""
    return max((instant for instant in instants if instant is not None), default=None)
