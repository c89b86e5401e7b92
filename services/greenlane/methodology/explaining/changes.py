"""What a seller can change, as a closed list: each a change of declared facts under an assumption that is stated."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial

from msgspec.structs import replace

from greenlane.methodology.explaining.suppositions import (
    USUAL_TRIPS,
    certified,
    measured_round,
    suppose_everything,
    usual_energy,
)
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    PackedFacts,
    Place,
    ReusableAsset,
    Round,
)
from greenlane.methodology.parcel.cover import breaks
from greenlane.methodology.parcel.space import product_mm3, surface_mm2
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    Dimension,
    Material,
    OuterKind,
    PlaceKind,
    StatedBy,
    Vehicle,
)

PAPER_FOR_PLASTIC = 2
"""Paper that replaces a plastic part is taken to weigh twice as much."""

REUSABLE_FOR_OUTER = 3
"""A reusable bag is taken to weigh three times the outer packaging it replaces."""


class Change(StrEnum):
    """The changes that advice knows."""

    RIGHT_SIZE_BOX = "right_size_box"
    DROP_FILLER = "drop_filler"
    SWAP_MATERIAL = "swap_material"
    CERTIFIED_RECYCLED = "certified_recycled"
    REUSABLE_ASSET = "reusable_asset"
    THICKER_BAGS = "thicker_bags"
    PICKUP_POINTS = "pickup_points"
    ELECTRIC_LAST_MILE = "electric_last_mile"
    FEWER_FAILED_ATTEMPTS = "fewer_failed_attempts"
    SURFACE_LINE_HAUL = "surface_line_haul"
    DECLARE = "declare"
    STATED_BY_OTHERS = "stated_by_others"


@dataclass(frozen=True, slots=True)
class Lever:
    """A change in words, with its assumption, and as a function; None where it does not apply to a parcel."""

    text: str
    apply: Callable[[Declaration, Method], Declaration | None]


def _on_packed(
    change: Callable[[PackedFacts, Method], PackedFacts | None], declaration: Declaration, method: Method
) -> Declaration | None:
    facts = declaration.facts
    changed = change(facts, method) if isinstance(facts, PackedFacts) else None
    return None if changed is None or changed == facts else declaration._replace(facts=changed)


def _on_delivered(
    change: Callable[[DeliveredFacts, Method], DeliveredFacts], declaration: Declaration, method: Method
) -> Declaration | None:
    facts = declaration.facts
    if not isinstance(facts, DeliveredFacts) or declaration.dimension is not Dimension.DELIVERY:
        return None
    changed = change(facts, method)
    return None if changed == facts else declaration._replace(facts=changed)


def _right_sized(facts: PackedFacts, _method: Method) -> PackedFacts | None:
    """The box cut down in height until a fifth of it is empty, its mass with its surface, filler with the void."""
    outer, product = facts.outer, product_mm3(facts.items)
    if outer is None or outer.kind is not OuterKind.BOX or not product:
        return None
    length, width, height = outer.length_mm, outer.width_mm, outer.height_mm
    if length is None or width is None or height is None:
        return None
    lower = -(-5 * product // (4 * length * width))
    if lower >= height:
        return None
    surface, smaller = (length * width + (length + width) * high for high in (height, lower))
    void, less = (length * width * high - product for high in (height, lower))

    def resized(part: Component) -> Component:
        if part.mass_mg is None or part.role not in {ComponentRole.OUTER, ComponentRole.FILLER}:
            return part
        share = (smaller, surface) if part.role is ComponentRole.OUTER else (less, void)
        return replace(part, mass_mg=max(1, divide_half_even(part.mass_mg * share[0], share[1])))

    parts = None if facts.components is None else tuple(map(resized, facts.components))
    return replace(facts, outer=replace(outer, height_mm=lower), components=parts)


def _without_filler(facts: PackedFacts, _method: Method) -> PackedFacts | None:
    kept = tuple(part for part in facts.components or () if part.role is not ComponentRole.FILLER)
    return replace(facts, components=kept) if kept else None


def _paper_for_plastic(facts: PackedFacts, method: Method) -> PackedFacts | None:
    def swapped(part: Component) -> Component:
        if part.material is None or part.reusable is not None or not method.materials[part.material].plastic:
            return part
        mass = None if part.mass_mg is None else part.mass_mg * PAPER_FOR_PLASTIC
        return Component(part.role, Material.KRAFT_PAPER, mass, stated_by=part.stated_by)

    return None if facts.components is None else replace(facts, components=tuple(map(swapped, facts.components)))


def _recycled(facts: PackedFacts, method: Method) -> PackedFacts | None:
    def recycled(part: Component) -> Component:
        if part.material is None or method.materials[part.material].recycled is None:
            return part
        return certified(replace(part, recycled_permille=1000), date.max)

    return None if facts.components is None else replace(facts, components=tuple(map(recycled, facts.components)))


def _reusable(facts: PackedFacts, method: Method) -> PackedFacts | None:
    parts = facts.components or ()
    outer = [part for part in parts if part.role is ComponentRole.OUTER]
    mass = sum(part.mass_mg or 0 for part in outer)
    if not mass or any(part.reusable is not None for part in outer):
        return None
    bag = Component(
        ComponentRole.OUTER,
        Material.WOVEN_PP,
        mass * REUSABLE_FOR_OUTER,
        max((rule.below_thickness_um for rule in method.thin_bag_rules), default=None),
        reusable=ReusableAsset("supposed", USUAL_TRIPS),
        stated_by=StatedBy.VERIFIER,
    )
    return replace(facts, components=(bag, *(part for part in parts if part.role is not ComponentRole.OUTER)))


def _thicker(facts: PackedFacts, method: Method) -> PackedFacts | None:
    """Bags as thick as every rule of the country asks, where the rule in force calls them too thin."""
    surface = 0 if facts.outer is None else surface_mm2(facts.outer)
    broken = [rule for rule in method.thin_bag_rules if breaks(rule, facts, surface, method)]
    if not surface or not broken or facts.components is None:
        return None
    limit = max(rule.below_thickness_um for rule in broken)
    films = frozenset().union(*(rule.materials for rule in broken))

    def thickened(part: Component) -> Component:
        before = part.film_thickness_um
        if part.material not in films or (before is not None and before >= limit):
            return part
        if part.mass_mg is None:
            return replace(part, film_thickness_um=limit)
        mass = part.mass_mg * 2 if not before else divide_half_even(part.mass_mg * limit, before)
        return replace(part, film_thickness_um=limit, mass_mg=max(1, mass))

    return replace(facts, components=tuple(map(thickened, facts.components or ())))


def _to_pickup_point(facts: DeliveredFacts, method: Method) -> DeliveredFacts:
    if facts.destination.kind in {PlaceKind.PICKUP_POINT, PlaceKind.LOCKER}:
        return facts
    dense = Round(*method.delivery.collection)

    def consolidated(element: ChainElement) -> ChainElement:
        before = measured_round(element, method)
        if before.distance_m * dense.parcels <= dense.distance_m * before.parcels:
            return element
        energy = element.energy
        if energy is not None:
            amount = max(1, divide_half_even(energy.amount_milli * dense.distance_m, before.distance_m))
            energy = Energy(energy.carrier, amount, dense.parcels)
        return replace(element, round=dense, energy=energy)

    place = Place(facts.destination.country, facts.destination.code, PlaceKind.PICKUP_POINT)
    return replace(facts, destination=place, attempts=1, chain=_last_miles(facts, consolidated))


def _electric(facts: DeliveredFacts, method: Method) -> DeliveredFacts:
    def electrified(element: ChainElement) -> ChainElement:
        electric = _COUNTERPART.get(element.vehicle, Vehicle.MOTORBIKE_ELECTRIC)
        if element.vehicle is not None and method.vehicles[element.vehicle].zero_tailpipe:
            if element.energy is not None or not method.vehicles[element.vehicle].stand_in:
                return element
            electric = element.vehicle
        trip = measured_round(element, method)
        return replace(element, vehicle=electric, round=trip, energy=usual_energy(electric, trip, method))

    return replace(facts, chain=_last_miles(facts, electrified))


_COUNTERPART: dict[Vehicle | None, Vehicle] = {
    Vehicle.VAN_CLASS_1_DIESEL: Vehicle.VAN_CLASS_1_ELECTRIC,
    Vehicle.VAN_CLASS_1_PETROL: Vehicle.VAN_CLASS_1_ELECTRIC,
    Vehicle.VAN_CLASS_2_DIESEL: Vehicle.VAN_CLASS_2_ELECTRIC,
    Vehicle.VAN_CLASS_2_PETROL: Vehicle.VAN_CLASS_2_ELECTRIC,
    Vehicle.VAN_DIESEL: Vehicle.VAN_ELECTRIC,
    Vehicle.VAN_PETROL: Vehicle.VAN_ELECTRIC,
    **{vehicle: Vehicle.VAN_ELECTRIC for vehicle in Vehicle if vehicle.startswith("lorry")},
}


def _last_miles(facts: DeliveredFacts, change: Callable[[ChainElement], ChainElement]) -> tuple[ChainElement, ...]:
    """The chain with its last miles changed, an undeclared one too."""
    chain = facts.chain or ()
    if not any(element.role is ChainRole.LAST_MILE for element in chain):
        chain = (*chain, ChainElement(ChainRole.LAST_MILE))
    return tuple(change(element) if element.role is ChainRole.LAST_MILE else element for element in chain)


def _first_attempt(facts: DeliveredFacts, _method: Method) -> DeliveredFacts:
    return replace(facts, attempts=1)


def _by_land(facts: DeliveredFacts, method: Method) -> DeliveredFacts:
    def landed(element: ChainElement) -> ChainElement:
        if element.vehicle is None or not method.vehicles[element.vehicle].air:
            return element
        return replace(
            element,
            vehicle=Vehicle.LORRY_ARTICULATED,
            distance_m=None,
            distance_basis=None,
            energy=None,
            round=None,
        )

    return replace(facts, chain=None if facts.chain is None else tuple(map(landed, facts.chain)))


def _by_others(declaration: Declaration, _method: Method) -> Declaration | None:
    """Every fact stated by somebody else: by the marketplace what it sees, by the carrier what it carries."""
    facts = declaration.facts
    changed: PackedFacts | DeliveredFacts
    if isinstance(facts, PackedFacts):
        changed = replace(
            facts,
            items=tuple(replace(item, stated_by=StatedBy.MARKETPLACE) for item in facts.items),
            outer=None if facts.outer is None else replace(facts.outer, stated_by=StatedBy.MARKETPLACE),
            components=None
            if facts.components is None
            else tuple(replace(part, stated_by=_other(part.stated_by)) for part in facts.components),
        )
    elif isinstance(facts, DeliveredFacts):
        changed = replace(
            facts,
            origin=replace(facts.origin, stated_by=StatedBy.MARKETPLACE),
            destination=replace(facts.destination, stated_by=StatedBy.MARKETPLACE),
            chain=None
            if facts.chain is None
            else tuple(replace(element, stated_by=StatedBy.CARRIER) for element in facts.chain),
        )
    else:
        return None
    return None if changed == facts else declaration._replace(facts=changed)


def _other(stated_by: StatedBy) -> StatedBy:
    return StatedBy.MARKETPLACE if stated_by is StatedBy.SELLER else stated_by


LEVERS: dict[Change, Lever] = {
    Change.RIGHT_SIZE_BOX: Lever(
        "Use lower boxes, at most one fifth empty. Board is counted by the box's surface, filler by the empty space.",
        partial(_on_packed, _right_sized),
    ),
    Change.DROP_FILLER: Lever("Leave the filler out.", partial(_on_packed, _without_filler)),
    Change.SWAP_MATERIAL: Lever(
        f"Use kraft paper instead of plastic. We assume that it weighs {PAPER_FOR_PLASTIC} times as much.",
        partial(_on_packed, _paper_for_plastic),
    ),
    Change.CERTIFIED_RECYCLED: Lever(
        "Use recycled material (100 %) with a certificate that a verifier states, where we have a factor for it.",
        partial(_on_packed, _recycled),
    ),
    Change.REUSABLE_ASSET: Lever(
        f"Switch to a reusable woven bag used {USUAL_TRIPS} times, which a verifier states. We assume "
        f"{REUSABLE_FOR_OUTER} times the mass of the outer packaging.",
        partial(_on_packed, _reusable),
    ),
    Change.THICKER_BAGS: Lever(
        "Use thicker bags, as thick as the rule asks. We assume that their mass grows with their thickness, and "
        "doubles where you gave no thickness.",
        partial(_on_packed, _thicker),
    ),
    Change.PICKUP_POINTS: Lever(
        "Deliver to pickup points or lockers: a dense round and a single attempt.",
        partial(_on_delivered, _to_pickup_point),
    ),
    Change.ELECTRIC_LAST_MILE: Lever(
        "Use electric motorbikes in the last mile (electric vans instead of vans and lorries) and declare their "
        "energy. We assume a typical measured consumption.",
        partial(_on_delivered, _electric),
    ),
    Change.FEWER_FAILED_ATTEMPTS: Lever(
        "Deliver every parcel at the first attempt.", partial(_on_delivered, _first_attempt)
    ),
    Change.SURFACE_LINE_HAUL: Lever(
        "Use an articulated lorry instead of an aircraft, over the distance by road.", partial(_on_delivered, _by_land)
    ),
    Change.DECLARE: Lever(
        "Declare what you have not declared. We assume the averages that `greenlane explain` names.", suppose_everything
    ),
    Change.STATED_BY_OTHERS: Lever(
        "Let the marketplace and the carrier state what you state now: silver and gold count nothing else.", _by_others
    ),
}
"""Every change with its function."""
