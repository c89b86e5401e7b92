"""A ShipmentFootprint as the delivery of a parcel: its elements are the chain, its hubs have the carrier's CO2e."""

from collections.abc import Callable
from datetime import datetime

from greenlane.contracts.events import HubOperation, ParcelDelivered, TransportChainElement
from greenlane.methodology.vocabulary import StatedBy
from greenlane.publishing.adapters.conversion import Draft
from greenlane.publishing.adapters.document import Field
from greenlane.publishing.adapters.facts import GRAMS_PER_KG, Journey
from greenlane.publishing.adapters.ileap.legs import element, leg_of, location

_OWN = "greenlane:"
"""How the categories of `greenlane ileap` begin. Its figures are computed: read back, they would pass for measured."""


class Footprint:
    """The footprint of one shipment, which is one parcel."""

    def __init__(self, draft: Draft, stated_by: StatedBy, found: Field, version: Callable[[], int]) -> None:
        """`version` reads the revision of the document around it."""
        self._draft = draft
        self._stated_by = stated_by
        self._found = found
        self._version = version

    def event(self) -> None:
        """The delivery. Raises PartRefused if there is no element."""
        elements = self._found["tces"].entries()
        if not elements:
            raise self._found["tces"].refusal("holds no transport chain element", "send at least one")
        self._draft.attempt(self._found, lambda: self._delivered(elements))

    def _delivered(self, elements: list[Field]) -> tuple[ParcelDelivered, datetime]:
        shipment = self._found["shipmentId"]
        known = self._draft.sender.known
        journey = Journey(self._draft.sender, known.parcel_of(shipment.identifier()))
        mass = self._found["mass"].decimal()
        journey.mass_g = journey.mass_g if mass is None else float(mass * GRAMS_PER_KG)
        for tce in elements:
            for name in ("tocId", "hocId"):
                if (tce[name].text() or "").startswith(_OWN):
                    raise tce[name].refusal(
                        "is of a footprint that Greenlane computed, defaults included; no carrier states it",
                        "send the carrier's own footprint",
                    )
            if tce["shipmentId"].value not in (None, shipment.value):
                raise tce["shipmentId"].refusal("is another shipment", "send one footprint for each shipment")
        arrivals = [(at, place) for place, tce in enumerate(elements) if (at := tce["arrivalAt"].instant()) is not None]
        if not arrivals:
            raise self._found["tces"].refusal(
                "no element has arrivalAt, so the time of the delivery is unknown", "add it to the last element"
            )
        arrived, last = max(arrivals)
        journey.origin = location(elements[0]["origin"], self._stated_by) or journey.origin
        journey.destination = location(elements[last]["destination"], self._stated_by) or journey.destination
        journey.hubs = tuple(self._hub(tce) for tce in elements if not tce["hocId"].absent)
        journey.chain = self._chain([tce for tce in elements if tce["hocId"].absent])
        return journey.delivered(self._found, self._version()), arrived

    def _hub(self, tce: Field) -> HubOperation:
        tce["hocId"].text()
        kilograms = tce["co2eWTW"].decimal()
        grams = None if kilograms is None else float(kilograms * GRAMS_PER_KG)
        return HubOperation(co2e_g=grams, stated_by=self._stated_by)

    def _chain(self, transports: list[Field]) -> tuple[TransportChainElement, ...] | None:
        """All elements, or none: a part of the chain alone would look shorter than it was."""
        legs = [(tce, leg_of(self._draft.sender, tce["tocId"].text() or "")) for tce in transports]
        unknown = [tce for tce, leg in legs if leg is None]
        for tce in unknown:
            self._draft.refuse(
                tce["tocId"],
                "is a category of the carrier that is not known, so the transport chain stays undeclared",
                "state its role and vehicle in --known under legs and this tocId",
            )
        if unknown or not legs:
            return None
        return tuple(element(leg, tce["distance"], self._stated_by) for tce, leg in legs if leg is not None)
