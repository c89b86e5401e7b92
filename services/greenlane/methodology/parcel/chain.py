"""A parcel's whole transport chain: missing parts filled with defaults, every element costed, hubs added."""

from typing import NamedTuple

from greenlane.methodology.assessment import Leg, Notes, Step
from greenlane.methodology.facts import ChainElement, DeliveredFacts
from greenlane.methodology.geography import Point, great_circle_m
from greenlane.methodology.parcel.legs import Way, basis_of, line_haul_cost, round_cost, travelled_m
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import ChainRole, DataCategory, DefaultUsed, ImplausibleFact

_UNDECLARED_LAST_MILE = ChainElement(ChainRole.LAST_MILE)
_UNDECLARED_LINE_HAUL = ChainElement(ChainRole.LINE_HAUL)
_NO_CHAIN: tuple[ChainElement, ...] = ()


class Carried(NamedTuple):
    """What a chain emitted, in mg, and its weakest data category; `road_m` is None when a place is unknown."""

    total_mg: int
    line_haul_mg: int
    last_mile_mg: int
    hub_mg: int
    primary_mg: int
    modelled_mg: int
    category: DataCategory
    air: bool
    zero_tailpipe: bool
    road_m: int | None
    destination: Point | None


def carry(facts: DeliveredFacts, method: Method, notes: Notes, *, returning: bool) -> Carried:
    """Cost every element, each rounded once; a failed attempt repeats the last mile."""
    end = method.places.find(facts.destination, facts.day)
    circle_m, road_m = _distances(facts, end, method, notes)
    chain = _completed(facts.chain or _NO_CHAIN, road_m, method, notes, returning=returning)
    way = Way(circle_m, road_m, _trusted(chain, circle_m, road_m, method, notes))
    line_haul = last_mile = first_mile = primary = modelled = 0
    weakest, air, zero_tailpipe = DataCategory.PRIMARY, False, True
    for element in chain:
        role = element.role
        vehicle = None if element.vehicle is None else method.vehicles[element.vehicle]
        air = air or (vehicle is not None and vehicle.air)
        mg, category = _element_mg(element, facts, way, method, notes)
        if role is ChainRole.LINE_HAUL:
            line_haul += mg
        elif role is ChainRole.LAST_MILE:
            last_mile += mg
            zero_tailpipe = zero_tailpipe and vehicle is not None and vehicle.zero_tailpipe
        else:
            first_mile += mg
        if category is DataCategory.PRIMARY:
            primary += mg
        elif category is DataCategory.DEFAULT:
            weakest = category
        else:
            modelled += mg
            weakest = category if weakest is DataCategory.PRIMARY else weakest
    hub = _hubs_mg(facts, notes)
    total = line_haul + last_mile + first_mile + hub
    return Carried(total, line_haul, last_mile, hub, primary + hub, modelled, weakest, air, zero_tailpipe, road_m, end)


def _element_mg(
    element: ChainElement, facts: DeliveredFacts, way: Way, method: Method, notes: Notes
) -> tuple[int, DataCategory]:
    if element.role is ChainRole.LINE_HAUL:
        cost = line_haul_cost(element, facts, way, method, notes)
    else:
        cost = round_cost(element, facts, method, notes)
    times = facts.attempts if element.role is ChainRole.LAST_MILE else 1
    mg = divide_half_even(cost.numerator * times, cost.denominator)
    notes.factors.extend(cost.factor_ids)
    if notes.steps is not None:
        formula = cost.formula if times == 1 else f"{cost.formula} x {times} attempts"
        cooled = ", temperature controlled" if element.temperature_controlled else ""
        label = f"{element.role} by {element.vehicle or 'an undeclared vehicle'}{cooled}"
        basis = basis_of(element, method, declared=cost.declared)
        leg = Leg(element.role, element.vehicle, cost.distance_m * times, basis)
        notes.steps.append(Step(label, formula, mg, "mg", cost.factor_ids, cost.category, leg))
    return mg, cost.category


def _distances(facts: DeliveredFacts, end: Point | None, method: Method, notes: Notes) -> tuple[int | None, int | None]:
    """Great circle and road metres between the two ends; None when a place is in no table."""
    origin, destination = facts.origin, facts.destination
    if origin.code == destination.code and origin.country == destination.country:
        return 0, 0
    start = method.places.find(origin, facts.day)
    if start is None or end is None:
        notes.defaults.append(DefaultUsed.PLACE_UNKNOWN)
        return None, None
    circle_m = great_circle_m(start, end)
    rules = method.distances
    road_m = divide_half_even(circle_m * rules.road_numerator, rules.road_denominator)
    if notes.steps is not None:
        formula = f"great circle {circle_m} m x {rules.road_numerator / rules.road_denominator}"
        notes.steps.append(Step("geographic distance", formula, road_m, "m"))
    return circle_m, road_m


def _completed(
    chain: tuple[ChainElement, ...], road_m: int | None, method: Method, notes: Notes, *, returning: bool
) -> tuple[ChainElement, ...]:
    """The chain with an undeclared last mile and line-haul where it must have had them.

    A delivery ends in a last mile; a return has a round at either end. A line-haul lies between places further apart
    than the method's limit, and between places nobody can measure.
    """
    has_round = has_line_haul = False
    for element in chain:
        if element.role is ChainRole.LINE_HAUL:
            has_line_haul = True
        elif returning or element.role is ChainRole.LAST_MILE:
            has_round = True
    if not has_line_haul and (road_m is None or road_m > method.distances.line_haul_from_m):
        notes.defaults.append(DefaultUsed.LINE_HAUL_UNDECLARED)
        chain = (*chain, _UNDECLARED_LINE_HAUL)
    if not has_round:
        notes.defaults.append(DefaultUsed.LAST_MILE_UNDECLARED)
        chain = (*chain, _UNDECLARED_LAST_MILE)
    return chain


def _trusted(
    chain: tuple[ChainElement, ...], circle_m: int | None, road_m: int | None, method: Method, notes: Notes
) -> bool:
    """Whether the declared line-haul distances together can span the great circle; unmeasurable places are not."""
    if circle_m is None or road_m is None:
        return False
    span = 0
    declared = False
    for element in chain:
        if element.role is ChainRole.LINE_HAUL:
            travelled = travelled_m(element, method)
            declared = declared or travelled is not None
            span += road_m if travelled is None else travelled
    if declared and span + method.bounds.line_haul_shortfall_m.most < circle_m:
        notes.implausible.append(ImplausibleFact.LINE_HAUL_DISTANCE)
        return False
    return True


def _hubs_mg(facts: DeliveredFacts, notes: Notes) -> int:
    """Declared hub figures; no open default per parcel exists, so an undeclared hub adds nothing and is noted."""
    total = 0
    for hub in facts.hubs:
        if hub.co2e_mg is None:
            notes.defaults.append(DefaultUsed.HUB_UNDECLARED)
        else:
            total += hub.co2e_mg
    if notes.steps is not None and facts.hubs:
        notes.steps.append(Step("hubs", "sum of the declared figures", total, "mg", (), DataCategory.PRIMARY))
    return total
