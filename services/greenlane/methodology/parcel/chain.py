"""A parcel's transport chain, part by part: what it emitted, and what counts of it beside the usual delivery."""

from msgspec import Struct
from msgspec.structs import replace

from greenlane.methodology.assessment import Leg, Notes, Step
from greenlane.methodology.facts import ChainElement, DeliveredFacts, Hub
from greenlane.methodology.geography import Point, great_circle_m
from greenlane.methodology.parcel.line_haul import NO_LINE_HAUL, LineHaul, line_haul
from greenlane.methodology.parcel.rounds import RoundCost, round_cost
from greenlane.methodology.parcel.words import (
    DECLARED,
    DEFAULT,
    FIRST_MILE,
    FIRST_MILE_UNDECLARED,
    HUB_UNDECLARED,
    LAST_MILE,
    LAST_MILE_UNDECLARED,
    LINE_HAUL_UNDECLARED,
    MEASURED,
    MODELLED,
    SELLER,
)
from greenlane.methodology.rounding import divide_half_even, ratio_of
from greenlane.methodology.sums import RATIO_MOST
from greenlane.methodology.tables import SCALE, Method
from greenlane.methodology.vocabulary import (
    ChainRole,
    DataCategory,
    DefaultUsed,
    DistanceBasis,
)

_PER_TKM = SCALE * 1_000_000

UNDECLARED_HUBS = "hubs, undeclared"
"""Label of the step that stands for the hubs of which nobody declares a figure."""


class Carried(Struct, frozen=True, gc=False):
    """What a chain emitted, in mg, its ratio in millionths, and how well it is founded."""

    total_mg: int
    line_haul_mg: int
    last_mile_mg: int
    hub_mg: int
    measured_mg: int
    declared_mg: int
    modelled_mg: int
    category: DataCategory
    ratio: int
    complete: bool
    measured: bool
    air: bool
    zero_tailpipe: bool
    destination: Point | None


class _Part(Struct, frozen=True, gc=False):
    """The rounds of one end of the chain: as they were, as they count, in mg by category, and how they are known."""

    mg: int
    counted_mg: int
    measured_mg: int = 0
    declared_mg: int = 0
    modelled_mg: int = 0
    complete: bool = False
    measured: bool = False
    zero_tailpipe: bool = False


class _Way(Struct, frozen=True, gc=False):
    """The distances between the two ends; None when a place is in no table."""

    circle_m: int | None
    road_m: int | None
    start: Point | None
    end: Point | None


def carry(facts: DeliveredFacts, method: Method, notes: Notes, *, returning: bool) -> Carried:
    """Every part of the chain beside its reference; a failed attempt repeats the last mile."""
    reference = method.delivery
    way = _way_of(facts, method, notes)
    far = way.road_m is None or way.road_m > method.distances.line_haul_from_m
    firsts, legs, lasts = _by_role(facts.chain or ())
    seller_mg, buyer_mg = reference.seller_round_mg, reference.buyer_round_mg
    point = way.start if returning else way.end
    buyer = point is not None and point.countryside and _ward_by_others(facts, returning=returning)
    if returning:
        first = _rounds(FIRST_MILE, firsts, buyer_mg, facts, method, notes, countryside=buyer)
        last = _rounds(LAST_MILE, lasts, seller_mg, facts, method, notes, countryside=False)
    else:
        first = _rounds(FIRST_MILE, firsts, seller_mg, facts, method, notes, countryside=False)
        last = _rounds(LAST_MILE, lasts, buyer_mg, facts, method, notes, countryside=buyer)
    possible = not notes.implausible
    haul, reference_haul = _haul(legs, way, facts, method, notes, far=far)
    passes = 2 if far else 1
    hub_mg, hub_counted = _hubs(facts.hubs, passes, method, notes)
    haul_most = reference.line_haul_times * reference_haul
    haul_counted = haul_most if haul.counted_mg is None or haul.counted_mg > haul_most else haul.counted_mg
    usual_mg = seller_mg + buyer_mg + passes * reference.hub_mg + reference_haul
    counted_mg = first.counted_mg + last.counted_mg + haul_counted + hub_counted
    known = way.road_m is not None
    ratio = ratio_of(counted_mg, usual_mg, RATIO_MOST) if known else RATIO_MOST
    haul_declared = haul.counted_mg is not None
    told = not far or (haul_declared and not notes.implausible)
    complete = known and first.complete and last.complete and possible and told
    measured = complete and first.measured and last.measured and (haul.measured or not far) and _places_by_others(facts)
    modelled = first.modelled_mg + last.modelled_mg + (haul.mg if haul_declared else 0)
    total = first.mg + last.mg + haul.mg + hub_mg
    measured_mg, declared_mg = first.measured_mg + last.measured_mg, first.declared_mg + last.declared_mg
    if notes.steps is not None:
        ends = (buyer_mg, seller_mg) if returning else (seller_mg, buyer_mg)
        parts = (("first mile", first.counted_mg, ends[0]), ("last mile", last.counted_mg, ends[1]))
        hubs = ("hub handling", hub_counted, passes * reference.hub_mg)
        hauled = (("line-haul", haul_counted, reference_haul),) if far else ()
        _explain((*parts, hubs, *hauled), ratio, notes, known=known)
    return Carried(
        total,
        haul.mg,
        last.mg,
        hub_mg,
        measured_mg,
        declared_mg,
        modelled,
        _category(complete, measured, modelled),
        ratio,
        complete,
        measured,
        haul.air,
        last.zero_tailpipe,
        way.end,
    )


def _by_role(chain: tuple[ChainElement, ...]) -> tuple[list[ChainElement], list[ChainElement], list[ChainElement]]:
    """The rounds before the line-haul, its legs, and the rounds after it."""
    firsts: list[ChainElement] = []
    legs: list[ChainElement] = []
    lasts: list[ChainElement] = []
    for element in chain:
        role = element.role
        (firsts if role is FIRST_MILE else lasts if role is LAST_MILE else legs).append(element)
    return firsts, legs, lasts


def _category(complete: bool, measured: bool, modelled_mg: int) -> DataCategory:
    if not complete:
        return DEFAULT
    if modelled_mg:
        return MODELLED
    return MEASURED if measured else DECLARED


def _places_by_others(facts: DeliveredFacts) -> bool:
    return facts.origin.stated_by is not SELLER and facts.destination.stated_by is not SELLER


def _ward_by_others(facts: DeliveredFacts, *, returning: bool) -> bool:
    """Whether somebody else than the seller states the buyer's place."""
    place = facts.origin if returning else facts.destination
    return place.stated_by is not SELLER


def _way_of(facts: DeliveredFacts, method: Method, notes: Notes) -> _Way:
    """Great circle and road metres between the two ends."""
    origin, destination = facts.origin, facts.destination
    end = method.places.find(destination, facts.day)
    if origin.code == destination.code and origin.country == destination.country:
        return _Way(0, 0, end, end)
    start = method.places.find(origin, facts.day)
    if start is None or end is None:
        notes.defaults.append(DefaultUsed.PLACE_UNKNOWN)
        return _Way(None, None, start, end)
    circle_m = great_circle_m(start, end)
    rules = method.distances
    road_m = divide_half_even(circle_m * rules.road_numerator, rules.road_denominator)
    if notes.steps is not None:
        formula = f"great circle {circle_m} m x {rules.road_numerator / rules.road_denominator}"
        notes.steps.append(Step("geographic distance", formula, road_m, "m"))
    return _Way(circle_m, road_m, start, end)


def _rounds(  # noqa: PLR0913, PLR0917 - one end of the chain, with what it is judged by
    role: ChainRole,
    elements: list[ChainElement],
    reference_mg: int,
    facts: DeliveredFacts,
    method: Method,
    notes: Notes,
    *,
    countryside: bool,
) -> _Part:
    """The rounds of one role together: they count at most as when they are undeclared.

    In the countryside a round counts by how much longer rounds are there.
    """
    table = method.delivery
    most = table.round_times * reference_mg
    times = facts.attempts if role is LAST_MILE else 1
    if not elements:
        notes.defaults.append(FIRST_MILE_UNDECLARED if role is FIRST_MILE else LAST_MILE_UNDECLARED)
        _undeclared_step(ChainElement(role), most, times, reference_mg, method, notes)
        return _Part(most * times, most)
    mg = counted = measured_mg = declared_mg = modelled_mg = 0
    complete = measured = zero_tailpipe = True
    for element in elements:
        row = None if element.vehicle is None else method.vehicles[element.vehicle]
        zero_tailpipe = zero_tailpipe and row is not None and row.zero_tailpipe
        cost = round_cost(element, row, facts, method, notes)
        if cost is None:
            complete = False
            mg += most * times
            _undeclared_step(element, most, times, reference_mg, method, notes)
            continue
        counted += cost.counted_mg * times
        part_mg = cost.mg * times
        mg += part_mg
        measured = measured and element.stated_by is not SELLER
        if cost.category is MEASURED:
            measured_mg += part_mg
        elif cost.category is DECLARED:
            declared_mg += part_mg
        else:
            modelled_mg += part_mg
        notes.factors.extend(cost.factor_ids)
        if notes.steps is not None:
            _round_step(element, cost, times, part_mg, notes)
    if countryside:
        town, country = table.town, table.country
        counted = divide_half_even(counted * town.distance_m * country.parcels, country.distance_m * town.parcels)
    counted = counted if complete and counted < most else most
    return _Part(mg, counted, measured_mg, declared_mg, modelled_mg, complete, complete and measured, zero_tailpipe)


def _undeclared_step(  # noqa: PLR0913, PLR0917 - what the step is made of, once
    element: ChainElement, most: int, times: int, reference_mg: int, method: Method, notes: Notes
) -> None:
    notes.factors.extend(method.delivery.km.ids)
    if notes.steps is not None:
        label = f"{element.role} by {element.vehicle or 'an undeclared vehicle'}"
        formula = f"undeclared: {method.delivery.round_times} x {reference_mg} mg"
        formula += "" if times == 1 else f" x {times} attempts"
        trip = method.delivery.collection if element.role is FIRST_MILE else method.delivery.town
        leg = Leg(
            element.role, element.vehicle, trip.distance_m // trip.parcels * times, DistanceBasis.SHORTEST_FEASIBLE
        )
        step = Step(label, formula, most * times, "mg", method.delivery.km.ids, DEFAULT, leg)
        notes.steps.append(step)


def _round_step(element: ChainElement, cost: RoundCost, times: int, part_mg: int, notes: Notes) -> None:
    assert notes.steps is not None, "the caller has looked"
    formula = cost.formula if times == 1 else f"({cost.formula}, rounded) x {times} attempts"
    cooled = ", temperature controlled" if element.temperature_controlled else ""
    leg = Leg(element.role, element.vehicle, cost.distance_m * times, DistanceBasis.ACTUAL)
    label = f"{element.role} by {element.vehicle}{cooled}"
    notes.steps.append(Step(label, formula, part_mg, "mg", cost.factor_ids, cost.category, leg))


def _haul(  # noqa: PLR0913 - the parcel, its way, and what it is judged by
    legs: list[ChainElement], way: _Way, facts: DeliveredFacts, method: Method, notes: Notes, *, far: bool
) -> tuple[LineHaul, int]:
    """The line-haul and its reference, in mg; neither counts between places that are near each other."""
    road_m = method.distances.unknown_distance_m if way.road_m is None else way.road_m
    table = method.delivery
    reference_mg = 0
    if far:
        reference_mg = divide_half_even(table.usual_mass_mg * road_m * table.tkm.value, _PER_TKM * table.tkm.scale)
        notes.factors.extend(table.tkm.ids)
    if legs:
        haul = line_haul(legs, way.circle_m or 0, road_m, facts, method, notes)
        if haul.counted_mg is not None:
            return haul, reference_mg
        already = haul.mg
    elif not far:
        return NO_LINE_HAUL, 0
    else:
        notes.defaults.append(LINE_HAUL_UNDECLARED)
        already = 0
        haul = LineHaul(0, None, measured=False, air=False)
    whole = divide_half_even(facts.mass_mg * road_m * table.tkm.value, _PER_TKM * table.tkm.scale)
    missing = max(0, table.line_haul_times * whole - already)
    if notes.steps is not None:
        formula = f"undeclared: {table.line_haul_times} x an average lorry over {road_m} m, less what is declared"
        vehicle = legs[0].vehicle if legs else None
        leg = Leg(ChainRole.LINE_HAUL, vehicle, road_m, DistanceBasis.SHORTEST_FEASIBLE)
        label = "line_haul by an undeclared vehicle"
        notes.steps.append(Step(label, formula, missing, "mg", table.tkm.ids, DEFAULT, leg))
    notes.factors.extend(table.tkm.ids)
    return replace(haul, mg=already + missing), reference_mg


def _hubs(hubs: tuple[Hub, ...], passes: int, method: Method, notes: Notes) -> tuple[int, int]:
    """The hubs in mg: as declared, and as they count.

    A figure counts when somebody else than the seller states it, and at most as an undeclared one.
    """
    undeclared = method.delivery.undeclared_hub_mg
    if not hubs and notes.steps is None:
        notes.defaults.append(HUB_UNDECLARED)
        notes.factors.extend(method.delivery.hub_ids)
        return passes * undeclared, passes * undeclared
    declared = declared_mg = counted = 0
    silent = passes
    for hub in hubs:
        if hub.co2e_mg is not None:
            declared += 1
            declared_mg += hub.co2e_mg
            if hub.stated_by is not SELLER:
                silent -= 1
                counted += min(hub.co2e_mg, undeclared)
    if silent > 0:
        notes.defaults.append(HUB_UNDECLARED)
        counted += silent * undeclared
    missing = passes - declared if declared < passes else 0
    notes.factors.extend(method.delivery.hub_ids)
    if notes.steps is not None:
        if declared:
            notes.steps.append(Step("hubs", "sum of the declared figures", declared_mg, "mg", (), DECLARED))
        if missing:
            formula = f"undeclared: {missing} x {undeclared} mg"
            ids = method.delivery.hub_ids
            notes.steps.append(Step(UNDECLARED_HUBS, formula, missing * undeclared, "mg", ids, DEFAULT))
    return declared_mg + missing * undeclared, min(passes * undeclared, counted)


def _explain(parts: tuple[tuple[str, int, int], ...], ratio: int, notes: Notes, *, known: bool) -> None:
    """What counts of each part beside its reference, and the ratio."""
    assert notes.steps is not None, "the caller has looked"
    for name, counted_mg, reference_mg in parts:
        formula = f"beside a reference of {reference_mg} mg"
        notes.steps.append(Step(f"{name} counts", formula, counted_mg, "mg", reference=reference_mg))
    counted, usual = sum(part[1] for part in parts), sum(part[2] for part in parts)
    notes.steps.append(Step("what counts", " + ".join(str(part[1]) for part in parts), counted, "mg"))
    notes.steps.append(Step("reference", " + ".join(str(part[2]) for part in parts), usual, "mg"))
    formula = f"{counted} / {usual}, at most 2" if known else "a place is unknown: 2"
    notes.steps.append(Step("ratio", formula, ratio, "millionths"))
