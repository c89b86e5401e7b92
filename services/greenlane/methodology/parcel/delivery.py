"""A parcel's transport chain, well to wheel, beside the usual delivery of the same mass over the same distance."""

from greenlane.methodology.assessment import Assessed, Notes, Step
from greenlane.methodology.facts import DeliveredFacts
from greenlane.methodology.parcel.chain import carry
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.sums import DeliverySums, ReturnSums
from greenlane.methodology.tables import SCALE, Method
from greenlane.methodology.vocabulary import PlaceKind

_PICKUP = (PlaceKind.PICKUP_POINT, PlaceKind.LOCKER)


def assess_delivered(facts: DeliveredFacts, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one delivered parcel (method section 3); `steps` collects the explanation when given."""
    notes = Notes(steps)
    carried = carry(facts, method, notes, returning=False)
    end = carried.destination
    sums = DeliverySums(
        1,
        carried.total_mg,
        _reference_mg(facts, carried.road_m, method, notes),
        carried.line_haul_mg,
        carried.last_mile_mg,
        carried.hub_mg,
        carried.primary_mg,
        carried.modelled_mg,
        facts.attempts,
        1 if facts.attempts == 1 else 0,
        1 if carried.air else 0,
        1 if facts.destination.kind in _PICKUP else 0,
        1 if carried.zero_tailpipe else 0,
        1 if end is not None and end.outside_two_cities_63 else 0,
        1 if end is not None and end.outside_two_cities_34 else 0,
    )
    return notes.assessed(sums, carried.category)


def assess_returned(facts: DeliveredFacts, method: Method, steps: list[Step] | None = None) -> Assessed:
    """The contribution of one returned parcel: its chain's CO2e, without a reference of its own."""
    notes = Notes(steps)
    carried = carry(facts, method, notes, returning=True)
    return notes.assessed(ReturnSums(1, carried.total_mg, carried.primary_mg), carried.category)


def _reference_mg(facts: DeliveredFacts, road_m: int | None, method: Method, notes: Notes) -> int:
    """The usual petrol-motorbike round, heavier above 3 kg, plus an average lorry over the geographic distance."""
    distances = method.distances
    heavy = max(facts.mass_mg, distances.reference_mass_mg)
    round_m, parcels = method.reference_round
    ids, per_km, _ = method.reference_km
    by_round = divide_half_even(round_m * per_km * heavy, SCALE // 1000 * parcels * distances.reference_mass_mg)
    notes.factors.extend(ids)
    by_lorry = 0
    if road_m is not None and road_m > distances.line_haul_from_m:
        by_lorry = divide_half_even(facts.mass_mg * road_m * method.reference_tkm.value, SCALE * 1_000_000)
        notes.factors.extend(method.reference_tkm.ids)
    if notes.steps is not None:
        formula = (
            f"{round_m} m x {per_km / SCALE} kg/km / {parcels} parcels x {heavy} / {distances.reference_mass_mg} mg"
        )
        notes.steps.append(Step("reference round", formula, by_round, "mg", ids))
        if by_lorry:
            formula = f"{facts.mass_mg} mg x {road_m} m x {method.reference_tkm.value / SCALE} kg/tkm"
            notes.steps.append(Step("reference line-haul", formula, by_lorry, "mg", method.reference_tkm.ids))
    return by_round + by_lorry
