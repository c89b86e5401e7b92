"""What if it had been declared: for each default, facts in which a stated average stands where nothing stood."""

from collections.abc import Callable
from dataclasses import dataclass
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
    Item,
    Outer,
    PackedFacts,
    Round,
)
from greenlane.methodology.parcel.reference_packaging import packaging_reference
from greenlane.methodology.parcel.space import measure_space, product_mm3
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.seller.account import Declaration, assess
from greenlane.methodology.tables import Method, PackagingClass, RoundDefault
from greenlane.methodology.vocabulary import ChainRole, ComponentRole, DefaultUsed, Material, OuterKind, Vehicle

USUAL_TRIPS = 20
"""Trips for which reusable transport packaging is designed at least (see `bounds.yaml`)."""

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
    if element.round is not None:
        return element.round
    return _round(method.rounds[element.density or method.undeclared_round])


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


def _reference(facts: PackedFacts, method: Method) -> PackagingClass:
    notes = Notes(None)
    return packaging_reference(measure_space(facts.items, facts.outer, notes).product_mm3, facts.order, method, notes)


def _board_mg(average: PackagingClass) -> int:
    return max(1, average.mass_mg - average.plastic_mg)


def _average_packaging(facts: PackedFacts, method: Method) -> PackedFacts:
    average = _reference(facts, method)
    board = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, _board_mg(average))
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
    return replace(part, mass_mg=average.plastic_mg if plastic else _board_mg(average))


def _known_material(part: Component, _facts: PackedFacts, method: Method) -> Component:
    if part.material is None or method.materials[part.material].known:
        return part
    plastic = method.materials[part.material].plastic
    return replace(part, material=Material.PLASTIC_FILM if plastic else Material.CORRUGATED_BOARD)


def _certified(part: Component, facts: PackedFacts, _method: Method) -> Component:
    valid = part.certificate_valid_until is not None and part.certificate_valid_until >= facts.day
    return part if valid or not part.recycled_permille else replace(part, certificate_valid_until=facts.day)


def _verified(part: Component, _facts: PackedFacts, _method: Method) -> Component:
    if part.reusable is None or part.reusable.verified_trips is not None:
        return part
    return replace(part, reusable=replace(part.reusable, verified_trips=USUAL_TRIPS))


def _legal_film(part: Component, _facts: PackedFacts, method: Method) -> Component:
    if part.role is not ComponentRole.OUTER or part.film_thickness_um is not None:
        return part
    limits = [rule.below_thickness_um for rule in method.thin_bag_rules if part.material in rule.materials]
    return replace(part, film_thickness_um=max(limits)) if limits else part


def _half_full(facts: PackedFacts, _method: Method) -> PackedFacts | None:
    """Items that fill half of the outer packaging; whichever of the two is unknown is taken from the other."""
    kind = OuterKind.BOX if facts.outer is None else facts.outer.kind
    outer = facts.outer
    if outer is not None and outer.length_mm and outer.width_mm:
        height = outer.height_mm
        if kind is OuterKind.FLEXIBLE_MAILER:
            height = min(outer.length_mm, outer.width_mm) // 2
        if height is not None and height > 1:
            return _changed(facts, replace(facts, items=(Item(1, None, outer.length_mm, outer.width_mm, height // 2),)))
    items = facts.items if product_mm3(facts.items) else (_AVERAGE_PRODUCT,)
    side = next(side for side in count(1) if side**3 >= 2 * product_mm3(items))
    return _changed(facts, replace(facts, items=items, outer=Outer(kind, side, side, side)))


def _average_line_haul(facts: DeliveredFacts, _method: Method) -> DeliveredFacts:
    return replace(facts, chain=(*(facts.chain or ()), ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_AVERAGE)))


def _usual_last_mile(facts: DeliveredFacts, method: Method) -> DeliveredFacts:
    usual = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=_round(method.reference_round))
    return replace(facts, chain=(*(facts.chain or ()), usual))


def _usual_vehicle(element: ChainElement, method: Method) -> ChainElement:
    row = None if element.vehicle is None else method.vehicles[element.vehicle]
    if element.role is ChainRole.LINE_HAUL:
        fit = row is not None and (row.tkm is not None or row.kwh_tkm is not None)
        return element if fit else replace(element, vehicle=Vehicle.LORRY_AVERAGE)
    fit = row is not None and (row.km is not None or row.kwh_km is not None)
    return element if fit else replace(element, vehicle=Vehicle.MOTORBIKE_PETROL)


def _metered(element: ChainElement, method: Method) -> ChainElement:
    if element.role is ChainRole.LINE_HAUL or element.vehicle is None or not method.vehicles[element.vehicle].stand_in:
        return element
    trip = measured_round(element, method)
    return replace(element, round=trip, energy=usual_energy(element.vehicle, trip, method))


def _usual_round(element: ChainElement, method: Method) -> ChainElement:
    if element.role is ChainRole.LINE_HAUL or element.round is not None:
        return element
    return replace(element, round=_round(method.reference_round))


_HALF_FULL = Supposition("dimensions that the product half fills (3 litres of product if none are known)", _half_full)
_USUAL_ROUND = Supposition("the usual round of the reference", None, partial(_elements, _usual_round))

SUPPOSITIONS: dict[DefaultUsed, Supposition] = {
    DefaultUsed.PACKAGING_UNDECLARED: Supposition("the average parcel's board and film", _average_packaging),
    DefaultUsed.MATERIAL_UNDECLARED: Supposition(
        "corrugated board (outer, label) or plastic film (other parts)", partial(_components, _material)
    ),
    DefaultUsed.MASS_UNDECLARED: Supposition(
        "the mass of the average parcel's board or film", partial(_components, _mass)
    ),
    DefaultUsed.MATERIAL_UNKNOWN: Supposition(
        "plastic film or corrugated board, according to its kind", partial(_components, _known_material)
    ),
    DefaultUsed.RECYCLED_UNCERTIFIED: Supposition("a certificate valid on the day", partial(_components, _certified)),
    DefaultUsed.TRIPS_UNVERIFIED: Supposition(f"{USUAL_TRIPS} verified trips", partial(_components, _verified)),
    DefaultUsed.FILM_THICKNESS_UNDECLARED: Supposition(
        "the smallest thickness that the law allows", partial(_components, _legal_film)
    ),
    DefaultUsed.PRODUCT_VOLUME_UNDECLARED: _HALF_FULL,
    DefaultUsed.EMPTY_SPACE_UNDECLARED: _HALF_FULL,
    DefaultUsed.LINE_HAUL_UNDECLARED: Supposition("an average lorry", None, _average_line_haul),
    DefaultUsed.LAST_MILE_UNDECLARED: Supposition("the usual petrol-motorbike round", None, _usual_last_mile),
    DefaultUsed.VEHICLE_UNDECLARED: Supposition(
        "a petrol motorbike on rounds, an average lorry in line-haul", None, partial(_elements, _usual_vehicle)
    ),
    DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN: Supposition(
        "a typical measured consumption of the vehicle", None, partial(_elements, _metered)
    ),
    DefaultUsed.ROUND_BY_DENSITY: _USUAL_ROUND,
    DefaultUsed.ROUND_UNDECLARED: _USUAL_ROUND,
}
"""What to suppose for each default. Absent are those that only the seller knows: a place, a distance, the vehicle of a
lone energy figure; and a hub's figure, which could only add."""
