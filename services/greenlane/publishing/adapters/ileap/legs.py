"""What footprints and activities have in common: categories of transport, distances, places."""

from greenlane.contracts.events import Place, TransportChainElement
from greenlane.methodology.vocabulary import ChainRole, DistanceBasis, StatedBy, Vehicle
from greenlane.publishing.adapters.document import Field
from greenlane.publishing.adapters.facts import place, weaker
from greenlane.publishing.adapters.sender import KnownLeg, Sender

_BASES = {
    "actual": DistanceBasis.ACTUAL,
    "sfd": DistanceBasis.SHORTEST_FEASIBLE,
    "gcd": DistanceBasis.GREAT_CIRCLE,
}
_MODES = {
    "Rail": KnownLeg(role=ChainRole.LINE_HAUL, vehicle=Vehicle.TRAIN, stated_by=StatedBy.CARRIER),
    "InlandWaterway": KnownLeg(role=ChainRole.LINE_HAUL, vehicle=Vehicle.INLAND_VESSEL, stated_by=StatedBy.CARRIER),
}
"""Modes that say vehicle and place in the chain by themselves. On roads, at sea and in the air there are several."""


def leg_of(sender: Sender, category: str) -> KnownLeg | None:
    """What a `tocId` or a mode means: as the marketplace knows it, or by itself; None if nobody says."""
    return sender.known.legs.get(category, _MODES.get(category))


def element(leg: KnownLeg, distance: Field, stated_by: StatedBy) -> TransportChainElement:
    """The element of a leg. A round's share of kilometres is no distance: line-haul alone has one.

    Who knows what the category means may state less than the carrier: the weaker word counts.
    """
    found = None
    if leg.role is ChainRole.LINE_HAUL:
        found = next(((distance[name], basis) for name, basis in _BASES.items() if not distance[name].absent), None)
    kilometres = None if found is None else found[0].decimal()
    return TransportChainElement(
        role=leg.role,
        vehicle=leg.vehicle,
        distance_km=None if kilometres is None else float(kilometres),
        distance_basis=None if found is None else found[1],
        stated_by=weaker(stated_by, leg.stated_by),
    )


def location(field: Field, stated_by: StatedBy) -> Place | None:
    """The place that a location's country and city mean; None if they do not mean exactly one."""
    return place(field["country"].text(), (), stated_by, cities=(field["city"].text(),))
