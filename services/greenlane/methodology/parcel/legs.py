"""The CO2e of one transport chain element: energy, else vehicle-km, else a modelled round or tonne-km, else default."""

from datetime import date
from typing import NamedTuple

from greenlane.methodology.assessment import Notes
from greenlane.methodology.facts import ChainElement, DeliveredFacts, Round
from greenlane.methodology.parcel.fleet import electric, fleet, per_km, per_tkm, shown
from greenlane.methodology.tables import SCALE, Method, Range, VehicleFactor
from greenlane.methodology.vocabulary import (
    ChainRole,
    DataCategory,
    DefaultUsed,
    DistanceBasis,
    EnergyCarrier,
    ImplausibleFact,
)

_PER_KM = SCALE // 1000
"""Divides metres times kg per km, and millilitres or watt-hours times kg per litre or kWh, into mg."""

_PER_TKM = SCALE * 1_000_000
"""Divides mg times metres times kg per tonne-km into mg."""


class Way(NamedTuple):
    """The geography of a parcel: great circle and road metres, None when a place is unknown.

    `trusted`: the declared line-haul distances together can span the great circle.
    """

    circle_m: int | None
    road_m: int | None
    trusted: bool


class Cost(NamedTuple):
    """One parcel's share of an element: mg = numerator / denominator; `formula` is empty on the hot path.

    `distance_m` is the parcel's: of a leg the whole, of a round its share; `declared` tells whether it was declared.
    """

    numerator: int
    denominator: int
    category: DataCategory
    factor_ids: tuple[str, ...]
    formula: str
    distance_m: int
    declared: bool


def round_cost(element: ChainElement, facts: DeliveredFacts, method: Method, notes: Notes) -> Cost:
    """A first or last mile: the round's CO2e divided by its parcels, never tonne-km."""
    declared = _plausible_round(element.round, method, notes)
    travelled = element.distance_m if declared is None else declared.distance_m
    country = facts.destination.country if element.role is ChainRole.LAST_MILE else facts.origin.country
    if element.energy is not None:
        shared = method.bounds.round_parcels
        cost = _energy_cost(element, travelled, (country, facts.day), shared, method, notes)
        if cost is not None and travelled is not None:
            if travelled >= method.bounds.metres_per_parcel.least * element.energy.parcels:
                return cost
            notes.implausible.append(ImplausibleFact.ENERGY)
    factor, category = per_km(element, (country, facts.day), method, notes)
    if declared is not None:
        distance_m, parcels = declared.distance_m, declared.parcels
    else:
        density = element.density
        if density is None:
            notes.defaults.append(DefaultUsed.ROUND_UNDECLARED)
            density, category = method.undeclared_round, DataCategory.DEFAULT
        else:
            notes.defaults.append(DefaultUsed.ROUND_BY_DENSITY)
            category = DataCategory.MODELLED if category is DataCategory.PRIMARY else category
        distance_m, parcels = method.rounds[density]
    formula = "" if notes.steps is None else f"{distance_m} m x {shown(factor)} kg/km / {parcels} parcels"
    denominator = _PER_KM * factor.scale * parcels
    return Cost(
        distance_m * factor.value,
        denominator,
        category,
        factor.ids,
        formula,
        distance_m // parcels,
        declared is not None,
    )


def line_haul_cost(element: ChainElement, facts: DeliveredFacts, way: Way, method: Method, notes: Notes) -> Cost:
    """A line-haul leg: the vehicle's energy or km shared by its parcels when declared, else tonne-km."""
    where = (facts.origin.country, facts.day)
    travelled = travelled_m(element, method) if way.trusted else None
    if element.energy is not None:
        cost = _energy_cost(element, travelled, where, method.bounds.shared_parcels, method, notes)
        if cost is not None:
            return cost
    row = None if element.vehicle is None else fleet(element, method)[element.vehicle]
    if travelled is not None and row is not None and element.round is not None:
        cost = _shared_trip(element.round, row, where, method, notes)
        if cost is not None:
            return cost
    factor, category = per_tkm(element, where, method, notes)
    declared = travelled is not None
    if travelled is None:
        notes.defaults.append(DefaultUsed.DISTANCE_UNDECLARED)
        geographic = way.circle_m if row is not None and row.air else way.road_m
        travelled = method.distances.unknown_distance_m if geographic is None else geographic
    formula = "" if notes.steps is None else f"{facts.mass_mg} mg x {travelled} m x {shown(factor)} kg/tkm"
    numerator = facts.mass_mg * travelled * factor.value
    return Cost(numerator, _PER_TKM * factor.scale, category, factor.ids, formula, travelled, declared)


def travelled_m(element: ChainElement, method: Method) -> int | None:
    """The declared distance of a line-haul leg by road; a great circle is lengthened unless it was flown."""
    if element.round is not None:
        return element.round.distance_m
    if element.distance_m is None or element.distance_basis is not DistanceBasis.GREAT_CIRCLE:
        return element.distance_m
    if element.vehicle is not None and method.vehicles[element.vehicle].air:
        return element.distance_m
    return element.distance_m * method.distances.road_numerator // method.distances.road_denominator


def basis_of(element: ChainElement, method: Method, *, declared: bool) -> DistanceBasis:
    """How the distance behind a cost is known: an estimate by road stands as the shortest feasible distance."""
    air = element.vehicle is not None and method.vehicles[element.vehicle].air
    if not declared:
        return DistanceBasis.GREAT_CIRCLE if air else DistanceBasis.SHORTEST_FEASIBLE
    if element.round is not None:
        return DistanceBasis.ACTUAL
    if element.distance_basis is DistanceBasis.GREAT_CIRCLE and not air:
        return DistanceBasis.SHORTEST_FEASIBLE
    return element.distance_basis or DistanceBasis.SHORTEST_FEASIBLE


def _energy_cost(  # noqa: PLR0913, PLR0917 - the hot path passes what it already holds instead of looking it up again
    element: ChainElement, travelled: int | None, where: tuple[str, date], shared: Range, method: Method, notes: Notes
) -> Cost | None:
    """Declared energy shared by its parcels; None unless the vehicle and a distance stand beside it to judge it by."""
    energy = element.energy
    if energy is None:
        return None
    if element.vehicle is None or travelled is None:
        notes.defaults.append(DefaultUsed.ENERGY_UNVERIFIABLE)
        return None
    row = method.vehicles[element.vehicle]
    least, most = row.energy_per_km
    plausible = least * travelled <= energy.amount_milli * 1000 <= most * travelled
    if row.carrier is not energy.carrier or not plausible or not shared.least <= energy.parcels <= shared.most:
        notes.implausible.append(ImplausibleFact.ENERGY)
        return None
    factor = method.carrier_factor(where[0], energy.carrier, where[1])
    formula = ""
    if notes.steps is not None:
        unit = "Wh" if energy.carrier is EnergyCarrier.ELECTRICITY else "ml"
        formula = f"{energy.amount_milli} {unit} x {factor.value / SCALE} g/{unit} / {energy.parcels} parcels"
    denominator = _PER_KM * energy.parcels
    distance_m = travelled if element.role is ChainRole.LINE_HAUL else travelled // energy.parcels
    numerator = energy.amount_milli * factor.value
    return Cost(numerator, denominator, DataCategory.PRIMARY, (factor.id,), formula, distance_m, declared=True)


def _shared_trip(trip: Round, row: VehicleFactor, where: tuple[str, date], method: Method, notes: Notes) -> Cost | None:
    """A line-haul vehicle's km divided by its parcels; None when the vehicle has no figure per km."""
    factor = row.km or electric(row.kwh_km, where, method)
    least, most = method.bounds.shared_parcels
    if not least <= trip.parcels <= most:
        notes.implausible.append(ImplausibleFact.ROUND)
        return None
    if factor is None:
        return None
    formula = "" if notes.steps is None else f"{trip.distance_m} m x {shown(factor)} kg/km / {trip.parcels} parcels"
    numerator, denominator = trip.distance_m * factor.value, _PER_KM * factor.scale * trip.parcels
    return Cost(numerator, denominator, DataCategory.PRIMARY, factor.ids, formula, trip.distance_m, declared=True)


def _plausible_round(trip: Round | None, method: Method, notes: Notes) -> Round | None:
    if trip is None:
        return None
    bounds = method.bounds
    if (
        bounds.round_parcels.least <= trip.parcels <= bounds.round_parcels.most
        and bounds.round_distance_m.least <= trip.distance_m <= bounds.round_distance_m.most
        and trip.distance_m >= bounds.metres_per_parcel.least * trip.parcels
    ):
        return trip
    notes.implausible.append(ImplausibleFact.ROUND)
    return None
