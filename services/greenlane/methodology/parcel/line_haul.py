"""The CO2e of a line-haul: tonne-km of each leg. It counts by the vehicles alone, over the way between the places."""

from math import lcm

from msgspec import Struct

from greenlane.methodology.assessment import Leg, Notes, Step
from greenlane.methodology.facts import ChainElement, DeliveredFacts
from greenlane.methodology.parcel.fleet import per_tkm, shown
from greenlane.methodology.parcel.words import GREAT_CIRCLE, MODELLED, SELLER
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.tables import SCALE, Method, PerDistance
from greenlane.methodology.vocabulary import (
    ChainRole,
    DefaultUsed,
    DistanceBasis,
    ImplausibleFact,
)

_PER_TKM = SCALE * 1_000_000
"""Divides mg times metres times kg per tonne-km into mg."""


class LineHaul(Struct, frozen=True, gc=False):
    """A parcel's line-haul in mg, as it was and as it counts; None: undeclared."""

    mg: int
    counted_mg: int | None
    measured: bool
    air: bool


NO_LINE_HAUL = LineHaul(0, 0, measured=True, air=False)


def line_haul(  # noqa: PLR0913, PLR0917 - the legs, their way, and what they are judged by
    legs: list[ChainElement], circle_m: int, road_m: int, facts: DeliveredFacts, method: Method, notes: Notes
) -> LineHaul:
    """The legs together. Without a usable vehicle on every leg the line-haul counts as undeclared."""
    distances = [travelled_m(leg, method) for leg in legs]
    if None not in distances and not _spans(distances, circle_m, method, notes):
        distances = [None] * len(legs)
    usual_tkm = method.delivery.usual_mass_mg * road_m
    total = 0
    costs: list[tuple[int, int]] = []
    air, measured = False, True
    for leg, distance in zip(legs, distances, strict=True):
        row = None if leg.vehicle is None else method.vehicles[leg.vehicle]
        air = air or (row is not None and row.air)
        measured = measured and leg.stated_by is not SELLER
        factor = None if row is None else row.tkm or per_tkm(row, (facts.origin.country, facts.day), method)
        if row is None or factor is None:
            notes.defaults.append(DefaultUsed.VEHICLE_UNDECLARED)
            if row is not None:
                notes.implausible.append(ImplausibleFact.VEHICLE)
            continue
        if facts.mass_mg > row.limits.payload_mg:
            notes.implausible.append(ImplausibleFact.PAYLOAD)
            continue
        if distance is None:
            notes.defaults.append(DefaultUsed.DISTANCE_UNDECLARED)
        costs.append((usual_tkm * factor.value * row.detour_permille, _PER_TKM * factor.scale * 1000))
        way = road_m * row.detour_permille // 1000 if distance is None else distance
        total += _leg_mg(leg, way, factor, facts, method, notes, declared=distance is not None)
    if len(costs) < len(legs):
        return LineHaul(total, None, measured=False, air=air)
    return LineHaul(total, _counted_mg(costs, distances), measured, air)


def travelled_m(element: ChainElement, method: Method) -> int | None:
    """The declared distance of a leg by road; a great circle is lengthened unless it was flown."""
    if element.round is not None:
        return element.round.distance_m
    if element.distance_m is None or element.distance_basis is not GREAT_CIRCLE:
        return element.distance_m
    if element.vehicle is not None and method.vehicles[element.vehicle].air:
        return element.distance_m
    return element.distance_m * method.distances.road_numerator // method.distances.road_denominator


def _spans(distances: list[int | None], circle_m: int, method: Method, notes: Notes) -> bool:
    """Whether legs that all say how long they are can span the great circle."""
    span = sum([distance or 0 for distance in distances])
    if span + method.bounds.line_haul_shortfall_m < circle_m or (not span and circle_m):
        notes.implausible.append(ImplausibleFact.LINE_HAUL_DISTANCE)
        return False
    return True


def _counted_mg(costs: list[tuple[int, int]], distances: list[int | None]) -> int:
    """The usual mass over the way between the places, each leg by its share of it.

    `costs` are the legs' mg for the whole way, as numerators and denominators; rounded once, they never come to more
    than the highest of them. If a leg of several does not say how long it is, the leg with the highest figure counts
    for the whole way.
    """
    if len(costs) == 1:
        return divide_half_even(*costs[0])
    whole = sum(distance or 0 for distance in distances)
    if not whole or None in distances:
        return max(divide_half_even(*cost) for cost in costs)
    common = lcm(*(denominator for _, denominator in costs))
    shared = sum(
        numerator * (common // denominator) * (distance or 0)
        for (numerator, denominator), distance in zip(costs, distances, strict=True)
    )
    return divide_half_even(shared, common * whole)


def _leg_mg(  # noqa: PLR0913, PLR0917 - what a leg's figure and its step are made of
    leg: ChainElement,
    way: int,
    factor: PerDistance,
    facts: DeliveredFacts,
    method: Method,
    notes: Notes,
    *,
    declared: bool,
) -> int:
    if leg.temperature_controlled and leg.vehicle is not None:
        row = method.cooled_vehicles[leg.vehicle]
        factor = per_tkm(row, (facts.origin.country, facts.day), method) or factor
    mg = divide_half_even(facts.mass_mg * way * factor.value, _PER_TKM * factor.scale)
    notes.factors.extend(factor.ids)
    if notes.steps is not None:
        cooled = ", temperature controlled" if leg.temperature_controlled else ""
        formula = f"{facts.mass_mg} mg x {way} m x {shown(factor)} kg/tkm"
        kind = Leg(ChainRole.LINE_HAUL, leg.vehicle, way, _basis(leg, method, declared=declared))
        label = f"line_haul by {leg.vehicle}{cooled}"
        notes.steps.append(Step(label, formula, mg, "mg", factor.ids, MODELLED, kind))
    return mg


def _basis(leg: ChainElement, method: Method, *, declared: bool) -> DistanceBasis:
    """How the distance behind a figure is known: an estimate by road stands as the shortest feasible distance."""
    air = leg.vehicle is not None and method.vehicles[leg.vehicle].air
    if not declared:
        return GREAT_CIRCLE if air else DistanceBasis.SHORTEST_FEASIBLE
    if leg.round is not None:
        return DistanceBasis.ACTUAL
    if leg.distance_basis is GREAT_CIRCLE and not air:
        return DistanceBasis.SHORTEST_FEASIBLE
    return leg.distance_basis or DistanceBasis.SHORTEST_FEASIBLE
