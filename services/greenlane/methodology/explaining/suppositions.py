"""What if it had been declared: for each default, facts in which a stated average stands where nothing stood."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import count
from math import isqrt
from typing import TypeVar

from msgspec.structs import replace

from greenlane.methodology.assessment import Notes
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Outer,
    PackedFacts,
    Round,
)
from greenlane.methodology.parcel.fleet import per_km, per_tkm
from greenlane.methodology.parcel.reference_packaging import packaging_reference
from greenlane.methodology.parcel.space import measure_space, product_mm3, surface_mm2
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.seller.account import Declaration, assess
from greenlane.methodology.tables import AveragePackaging, Method, RoundDefault
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    DefaultUsed,
    Material,
    OuterKind,
    StatedBy,
    Vehicle,
)

USUAL_TRIPS = 20
"""Trips for which reusable transport packaging is designed at least (see `bounds.yaml`)."""

BOARD_MG_PER_M2 = 515_000
"""Mean mass of corrugated board (FEFCO 2015)."""

_AVERAGE_PRODUCT = Item(1, None, 200, 150, 100)
_PASSES = 3
_FactsT = TypeVar("_FactsT", PackedFacts, DeliveredFacts)


@dataclass(frozen=True, slots=True)
class Supposition:
    """What is supposed to have been declared, in words, and as a change of facts (None: nothing to change)."""

    text: str
    packed: Callable[[PackedFacts, Method], PackedFacts | None] | None = None
    carried: Callable[[DeliveredFacts, Method], DeliveredFacts | None] | None = None


def suppose(default: DefaultUsed, declaration: Declaration, method: Method) -> Declaration | None:
    """The declaration with what the default stood in for; None where nobody can say what it would be."""
    supposition = SUPPOSITIONS.get(default)
    if supposition is None:
        return None
    facts = declaration.facts
    changed: PackedFacts | DeliveredFacts | None = None
    if isinstance(facts, PackedFacts) and supposition.packed is not None:
        changed = supposition.packed(facts, method)
    elif isinstance(facts, DeliveredFacts) and supposition.carried is not None:
        changed = supposition.carried(facts, method)
    return None if changed is None else declaration._replace(facts=changed)


def suppose_everything(declaration: Declaration, method: Method) -> Declaration | None:
    """The declaration with everything supposed that can be; one declared fact may bring up the next default."""
    current = declaration
    for _ in range(_PASSES):
        for code in assess(current, method).defaults:
            current = suppose(DefaultUsed(code), current, method) or current
    return None if current == declaration else current


def measured_round(element: ChainElement, method: Method) -> Round:
    """The round an element has, or the default one that stands in for it."""
    return element.round or reference_round(element, method)


def reference_round(element: ChainElement, method: Method) -> Round:
    """The reference's round of a role."""
    table = method.delivery
    return _round(table.collection if element.role is ChainRole.FIRST_MILE else table.town)


def usual_energy(vehicle: Vehicle, trip: Round, method: Method) -> Energy | None:
    """The vehicle's usual energy on a round: the geometric middle of what is plausible; None if it takes none."""
    row = method.vehicles[vehicle]
    if row.carrier is None:
        return None
    per_km = isqrt(row.energy_per_km[0] * row.energy_per_km[1])
    return Energy(row.carrier, max(1, divide_half_even(per_km * trip.distance_m, 1000)), trip.parcels)


def _round(default: RoundDefault) -> Round:
    return Round(default.distance_m, default.parcels)


def _changed(before: _FactsT, after: _FactsT) -> _FactsT | None:
    return None if after == before else after


def _components(
    change: Callable[[Component, PackedFacts, Method], Component], facts: PackedFacts, method: Method
) -> PackedFacts | None:
    parts = facts.components or ()
    after = tuple(change(part, facts, method) for part in parts)
    return None if after == parts else replace(facts, components=after)


def _elements(
    change: Callable[[ChainElement, Method], ChainElement], facts: DeliveredFacts, method: Method
) -> DeliveredFacts | None:
    chain = facts.chain or ()
    after = tuple(change(element, method) for element in chain)
    return None if after == chain else replace(facts, chain=after)


def _reference(facts: PackedFacts, method: Method) -> AveragePackaging:
    notes = Notes(None)
    space = measure_space(facts.items, facts.outer, method.bounds.goods_g_per_m3, notes)
    return packaging_reference(space.product_mm3, facts.order, method, notes)


def _board_mg(average: AveragePackaging, facts: PackedFacts) -> int:
    """The average's board, and as much as covers the outer packaging at least."""
    surface = 0 if facts.outer is None else surface_mm2(facts.outer)
    return max(1, average.mass_mg - average.plastic_mg, divide_half_even(surface * BOARD_MG_PER_M2, 1_000_000))


def _average_packaging(facts: PackedFacts, method: Method) -> PackedFacts:
    facts = _any_outer(facts, method) or facts
    average = _reference(facts, method)
    board = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, _board_mg(average, facts))
    film = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, average.plastic_mg)
    return replace(facts, components=(board, film))


def _material(part: Component, _facts: PackedFacts, _method: Method) -> Component:
    if part.material is not None:
        return part
    fibre = part.role in {ComponentRole.OUTER, ComponentRole.LABEL}
    return replace(part, material=Material.CORRUGATED_BOARD if fibre else Material.PLASTIC_FILM)


def _mass(part: Component, facts: PackedFacts, method: Method) -> Component:
    if part.mass_mg is not None:
        return part
    average = _reference(facts, method)
    plastic = part.material is not None and method.materials[part.material].plastic
    return replace(part, mass_mg=average.plastic_mg if plastic else _board_mg(average, facts))


def _known_material(part: Component, _facts: PackedFacts, method: Method) -> Component:
    if part.material is None or method.materials[part.material].known:
        return part
    plastic = method.materials[part.material].plastic
    return replace(part, material=Material.PLASTIC_FILM if plastic else Material.CORRUGATED_BOARD)


def _certified(part: Component, facts: PackedFacts, _method: Method) -> Component:
    if not part.recycled_permille:
        return part
    return certified(part, facts.local_day or facts.day)


def certified(part: Component, day: date) -> Component:
    """The component with a certificate that counts on a day."""
    return replace(
        part,
        certificate_valid_until=day,
        certificate_scheme=CertificateScheme.FSC,
        certificate_id="FSC-C000000",
        stated_by=StatedBy.VERIFIER,
    )


def _verified(part: Component, _facts: PackedFacts, _method: Method) -> Component:
    if part.reusable is None:
        return part
    trips = part.reusable.verified_trips or USUAL_TRIPS
    return replace(part, reusable=replace(part.reusable, verified_trips=trips), stated_by=StatedBy.VERIFIER)


def _legal_film(part: Component, _facts: PackedFacts, method: Method) -> Component:
    if part.film_thickness_um is not None:
        return part
    limits = [rule.below_thickness_um for rule in method.thin_bag_rules if part.material in rule.materials]
    return replace(part, film_thickness_um=max(limits)) if limits else part


def _half_full(facts: PackedFacts, _method: Method) -> PackedFacts | None:
    """The declared sides stated by the marketplace; goods that fill half of the outer packaging where none are."""
    outer, items = facts.outer or _outer_around(facts.items), facts.items
    if not product_mm3(items) and outer.length_mm and outer.width_mm:
        height = outer.height_mm or min(outer.length_mm, outer.width_mm) // 2
        items = (Item(1, None, outer.length_mm, outer.width_mm, max(1, height // 2)),)
    stated = tuple(replace(item, stated_by=StatedBy.MARKETPLACE) for item in items)
    return _changed(facts, replace(facts, items=stated, outer=replace(outer, stated_by=StatedBy.MARKETPLACE)))


def _any_outer(facts: PackedFacts, _method: Method) -> PackedFacts | None:
    if facts.outer is not None and surface_mm2(facts.outer):
        return None
    kind = OuterKind.BOX if facts.outer is None else facts.outer.kind
    return replace(facts, outer=replace(_outer_around(facts.items), kind=kind))


def _outer_around(items: tuple[Item, ...]) -> Outer:
    """A cube of twice the goods' volume."""
    volume = product_mm3(items) or product_mm3((_AVERAGE_PRODUCT,))
    side = next(side for side in count(max(1, int((2 * volume) ** (1 / 3)) - 2)) if side**3 >= 2 * volume)
    return Outer(OuterKind.BOX, side, side, side)


def _average_line_haul(facts: DeliveredFacts, _method: Method) -> DeliveredFacts:
    return replace(facts, chain=(*(facts.chain or ()), ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_AVERAGE)))


def _usual_mile(role: ChainRole, facts: DeliveredFacts, method: Method) -> DeliveredFacts:
    usual = ChainElement(role, Vehicle.MOTORBIKE_PETROL)
    usual = replace(usual, round=reference_round(usual, method))
    return replace(facts, chain=(*(facts.chain or ()), usual))


def _usual_vehicle(element: ChainElement, method: Method) -> ChainElement:
    row = None if element.vehicle is None else method.vehicles[element.vehicle]
    anywhere = ("*", date.min)
    if element.role is ChainRole.LINE_HAUL:
        fit = row is not None and per_tkm(row, anywhere, method) is not None
        return element if fit else replace(element, vehicle=Vehicle.LORRY_AVERAGE)
    fit = row is not None and per_km(row, anywhere, method) is not None
    return element if fit else replace(element, vehicle=Vehicle.MOTORBIKE_PETROL)


def _metered(element: ChainElement, method: Method) -> ChainElement:
    if element.role is ChainRole.LINE_HAUL or element.vehicle is None or not method.vehicles[element.vehicle].stand_in:
        return element
    trip = measured_round(element, method)
    return replace(element, round=trip, energy=usual_energy(element.vehicle, trip, method))


def _usual_round(element: ChainElement, method: Method) -> ChainElement:
    if element.role is ChainRole.LINE_HAUL or element.round is not None:
        return element
    return replace(element, round=reference_round(element, method), energy=None)


def _usual_hubs(facts: DeliveredFacts, method: Method) -> DeliveredFacts:
    usual = Hub(method.delivery.hub_mg, StatedBy.CARRIER)
    return replace(facts, hubs=(usual, usual))


_HALF_FULL = Supposition("the declared sides, stated by the marketplace (half full if there are none)", _half_full)

SUPPOSITIONS: dict[DefaultUsed, Supposition] = {
    DefaultUsed.PACKAGING_UNDECLARED: Supposition(
        "the average parcel's board and film around its goods", _average_packaging
    ),
    DefaultUsed.MATERIAL_UNDECLARED: Supposition(
        "corrugated board (outer, label) or plastic film (other parts)", partial(_components, _material)
    ),
    DefaultUsed.MASS_UNDECLARED: Supposition(
        "the mass of the average parcel's board or film", partial(_components, _mass)
    ),
    DefaultUsed.MATERIAL_UNKNOWN: Supposition(
        "plastic film or corrugated board, according to its kind", partial(_components, _known_material)
    ),
    DefaultUsed.RECYCLED_UNCERTIFIED: Supposition(
        "a certificate that a verifier states", partial(_components, _certified)
    ),
    DefaultUsed.TRIPS_UNVERIFIED: Supposition(
        f"the trips, or {USUAL_TRIPS}, that a verifier states", partial(_components, _verified)
    ),
    DefaultUsed.FILM_THICKNESS_UNDECLARED: Supposition(
        "the smallest thickness that is no thin bag", partial(_components, _legal_film)
    ),
    DefaultUsed.OUTER_UNDECLARED: Supposition("a cube of twice the goods' volume", _any_outer),
    DefaultUsed.PRODUCT_VOLUME_UNDECLARED: _HALF_FULL,
    DefaultUsed.EMPTY_SPACE_UNDECLARED: _HALF_FULL,
    DefaultUsed.FIRST_MILE_UNDECLARED: Supposition(
        "the usual petrol-motorbike round of the reference", None, partial(_usual_mile, ChainRole.FIRST_MILE)
    ),
    DefaultUsed.LINE_HAUL_UNDECLARED: Supposition("an average lorry", None, _average_line_haul),
    DefaultUsed.LAST_MILE_UNDECLARED: Supposition(
        "the usual petrol-motorbike round of the reference", None, partial(_usual_mile, ChainRole.LAST_MILE)
    ),
    DefaultUsed.VEHICLE_UNDECLARED: Supposition(
        "a petrol motorbike on rounds, an average lorry in line-haul", None, partial(_elements, _usual_vehicle)
    ),
    DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN: Supposition(
        "a typical measured consumption of the vehicle", None, partial(_elements, _metered)
    ),
    DefaultUsed.ROUND_UNDECLARED: Supposition(
        "the usual round of the reference", None, partial(_elements, _usual_round)
    ),
    DefaultUsed.HUB_UNDECLARED: Supposition("the reference's figure, stated by the carrier", None, _usual_hubs),
}
"""What to suppose for each default. Absent are those that only the seller knows: a place, and a distance."""
