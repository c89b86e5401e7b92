"""Transport activities (TAD): each consignment is a parcel; the last mile brings it, with its round and its energy."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from greenlane.contracts.events import DeliveryRound, Energy, ParcelDelivered, TransportChainElement
from greenlane.methodology.vocabulary import ChainRole, EnergyCarrier, StatedBy
from greenlane.publishing.adapters.conversion import Draft
from greenlane.publishing.adapters.document import Field, PartRefused
from greenlane.publishing.adapters.facts import GRAMS_PER_KG, Journey
from greenlane.publishing.adapters.ileap.legs import element, leg_of, location
from greenlane.publishing.adapters.sender import KnownLeg
from greenlane.publishing.adapters.versions import CARRIERS_REVISION

_CARRIERS = {
    ("Diesel", "l"): EnergyCarrier.DIESEL,
    ("Petrol", "l"): EnergyCarrier.PETROL,
    ("Electric", "kWh"): EnergyCarrier.ELECTRICITY,
}
_MOST_LEGS = 20


class _Activity(NamedTuple):
    field: Field
    leg: KnownLeg
    consignments: int


class Activities:
    """The activities of a document, by the consignments that they moved.

    A chain is whole or undeclared: without an activity that was refused it would look shorter than it was. If that
    names no consignment which can be read, it may be of any.
    """

    def __init__(
        self,
        draft: Draft,
        stated_by: StatedBy,
        fields: list[Field],
        version: Callable[[], int] = lambda: CARRIERS_REVISION,
    ) -> None:
        """`version` reads the revision of the document around them."""
        self._draft = draft
        self._stated_by = stated_by
        self._fields = fields
        self._version = version
        self._incomplete: set[str] = set()
        self._lost = False

    def events(self) -> None:
        """A delivery for each consignment. Raises PartRefused if there is no activity."""
        if not self._fields:
            raise PartRefused("data", "holds no transport activity", "send at least one TAD")
        moved: dict[str, list[_Activity]] = defaultdict(list)
        first: dict[str, Field] = {}
        for field in self._fields:
            named: dict[str, Field] = {}
            with self._draft.refusing():
                named = self._named(field)
            activity = None
            with self._draft.refusing():
                activity = self._activity(field)
            if activity is None:
                self._incomplete |= named.keys()
            self._lost = self._lost or not named
            for name, consignment in named.items():
                first.setdefault(name, consignment)
                moved[name] += [activity] if activity else []
        for name, activities in moved.items():
            if activities:
                self._draft.attempt(first[name], partial(self._delivered, first[name], name, activities))

    def _named(self, field: Field) -> dict[str, Field]:
        """The consignments of an activity by their ids; what is no id is refused alone."""
        named: dict[str, Field] = {}
        for consignment in field["consignmentIds"].entries():
            with self._draft.refusing():
                named.setdefault(consignment.identifier(), consignment)
        return named

    def _activity(self, field: Field) -> _Activity:
        field["activityId"].needed_text()
        mode = field["mode"].needed_text()
        leg = leg_of(self._draft.sender, mode)
        if leg is None:
            raise field["mode"].refusal(
                "does not say which part of the chain it was, and with which vehicle, so that chain stays undeclared",
                "state role and vehicle in --known under legs and this mode",
            )
        consignments = {str(consignment.value) for consignment in field["consignmentIds"].entries()}
        if not consignments:
            raise field["consignmentIds"].refusal("names no consignment", "name those that were moved")
        return _Activity(field, leg, len(consignments))

    def _delivered(
        self, consignment: Field, name: str, activities: list[_Activity]
    ) -> tuple[ParcelDelivered, datetime]:
        consignment.text()
        last = [activity for activity in activities if activity.leg.role is ChainRole.LAST_MILE]
        if len(last) != 1 or len(activities) > _MOST_LEGS:
            raise consignment.refusal(
                "is brought by no activity of this document, or by several",
                "send all activities that moved it together, one of them its last mile",
            )
        journey = Journey(self._draft.sender, self._draft.sender.known.parcel_of(name))
        for activity in activities:
            self._ends(journey, activity)
        if not self._lost and name not in self._incomplete:
            ordered = sorted(activities, key=lambda activity: activity.field["departureAt"].needed_instant())
            journey.chain = tuple(self._element(activity) for activity in ordered)
        return journey.delivered(consignment, self._version()), last[0].field["arrivalAt"].needed_instant()

    def _ends(self, journey: Journey, activity: _Activity) -> None:
        """What an activity says of the parcel: its mass if it moved nothing else, and where it began or ended."""
        mass = activity.field["mass"].decimal() if activity.consignments == 1 else None
        if mass is not None and journey.mass_g is None:
            journey.mass_g = float(mass * GRAMS_PER_KG)
        if activity.leg.role is ChainRole.FIRST_MILE:
            journey.origin = location(activity.field["origin"], self._stated_by) or journey.origin
        if activity.leg.role is ChainRole.LAST_MILE:
            journey.destination = journey.destination or location(activity.field["destination"], self._stated_by)

    def _element(self, activity: _Activity) -> TransportChainElement:
        field, leg, consignments = activity
        field["mode"].text()
        plain = element(leg, field["distance"], self._stated_by)
        driven = field["distance"]["actual"].decimal() if leg.role is not ChainRole.LINE_HAUL else None
        changes = {
            "round": None if driven is None else DeliveryRound(distance_km=float(driven), parcels=consignments),
            "energy": self._energy(field, consignments),
            "temperature_controlled": field["temperatureControl"].text() == "refrigerated",
        }
        return TransportChainElement.model_validate({**dict(plain), **changes})

    @staticmethod
    def _energy(field: Field, consignments: int) -> Energy | None:
        """What was measured, if one carrier of energy moved it all and its amount stands in our unit."""
        carriers = field["energyCarriers"].entries()
        if len(carriers) != 1:
            return None
        (found,) = carriers
        carrier = _CARRIERS.get((found["energyCarrier"].text() or "", found["energyConsumptionUnit"].text() or ""))
        amount = found["energyConsumption"].decimal()
        if carrier is None or amount is None:
            return None
        electric = carrier is EnergyCarrier.ELECTRICITY
        return Energy(
            carrier=carrier,
            kwh=float(amount) if electric else None,
            litres=None if electric else float(amount),
            parcels=consignments,
        )
