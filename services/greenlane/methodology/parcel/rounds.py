"""The CO2e of a first or last mile: the energy or the vehicle-km of its round, shared by the round's parcels."""

from datetime import date

from msgspec import Struct

from greenlane.methodology.assessment import Notes
from greenlane.methodology.facts import ChainElement, DeliveredFacts, Round
from greenlane.methodology.parcel.fleet import per_km, shown
from greenlane.methodology.parcel.words import (
    DECLARED,
    ELECTRICITY,
    LAST_MILE,
    MEASURED,
    MODELLED,
    PICKUP,
    ROUND_UNDECLARED,
    SELLER,
)
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.tables import SCALE, Method, PerDistance, VehicleFactor
from greenlane.methodology.vocabulary import (
    DataCategory,
    DefaultUsed,
    ImplausibleFact,
)

_PER_KM = SCALE // 1000
"""Divides metres times kg per km, and millilitres or watt-hours times kg per litre or kWh, into mg."""


class RoundCost(Struct, frozen=True, gc=False):
    """One parcel's share of a round, in mg: as it was, and as it counts; `factor_ids` and `formula` are of the former.

    What counts is never above the vehicle's own figure per km, without cooling.
    """

    mg: int
    counted_mg: int
    category: DataCategory
    factor_ids: tuple[str, ...]
    formula: str
    distance_m: int


def round_cost(
    element: ChainElement, row: VehicleFactor | None, facts: DeliveredFacts, method: Method, notes: Notes
) -> RoundCost | None:
    """The cost of a declared and plausible round by a known vehicle; None for any other."""
    trip = element.round
    if row is None:
        notes.defaults.append(DefaultUsed.VEHICLE_UNDECLARED)
        return None
    if trip is None:
        notes.defaults.append(ROUND_UNDECLARED)
        return None
    last = element.role is LAST_MILE
    where = (facts.destination.country if last else facts.origin.country, facts.day)
    factor = row.km or per_km(row, where, method)
    if factor is None:
        notes.implausible.append(ImplausibleFact.VEHICLE)
        return None
    if not _possible(trip, row, facts, method, notes):
        return None
    by_km_mg = divide_half_even(trip.distance_m * factor.value, _PER_KM * factor.scale * trip.parcels)
    category = DECLARED if element.stated_by is SELLER else MEASURED
    if element.energy is not None:
        return _by_energy(element, trip, row, by_km_mg, where, category, method, notes)
    if row.stand_in:
        notes.defaults.append(DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN)
        category = MODELLED
    mg = by_km_mg
    if element.temperature_controlled and element.vehicle is not None:
        cooled = per_km(method.cooled_vehicles[element.vehicle], where, method)
        factor = factor if cooled is None else cooled
        mg = divide_half_even(trip.distance_m * factor.value, _PER_KM * factor.scale * trip.parcels)
    formula = "" if notes.steps is None else _in_words(trip, factor)
    return RoundCost(mg, by_km_mg, category, factor.ids, formula, trip.distance_m // trip.parcels)


def _in_words(trip: Round, factor: PerDistance) -> str:
    return f"{trip.distance_m} m x {shown(factor)} kg/km / {trip.parcels} parcels"


def _possible(trip: Round, row: VehicleFactor, facts: DeliveredFacts, method: Method, notes: Notes) -> bool:
    """Whether the vehicle can make this round, with its parcels at the usual mass, and carry this parcel."""
    bounds, limits = method.bounds, row.limits
    lockers = facts.destination.kind in PICKUP
    most = max(limits.round_parcels, bounds.locker_parcels) if lockers else limits.round_parcels
    if (
        trip.parcels > most
        or trip.distance_m > limits.round_m
        or trip.distance_m < bounds.round_distance_m
        or trip.distance_m < bounds.metres_per_parcel * trip.parcels
    ):
        notes.implausible.append(ImplausibleFact.ROUND)
        return False
    if facts.mass_mg > limits.payload_mg or trip.parcels * method.delivery.usual_mass_mg > limits.payload_mg:
        notes.implausible.append(ImplausibleFact.PAYLOAD)
        return False
    return True


def _by_energy(  # noqa: PLR0913, PLR0917 - the hot path passes what it already holds instead of looking it up again
    element: ChainElement,
    trip: Round,
    row: VehicleFactor,
    by_km_mg: int,
    where: tuple[str, date],
    category: DataCategory,
    method: Method,
    notes: Notes,
) -> RoundCost | None:
    """The round's measured energy; None if it is not the round's own or not what the vehicle can use."""
    energy = element.energy
    assert energy is not None, "the caller has looked"
    least, most = row.energy_per_km
    if (
        row.carrier is not energy.carrier
        or energy.parcels != trip.parcels
        or not least * trip.distance_m <= energy.amount_milli * 1000 <= most * trip.distance_m
    ):
        notes.implausible.append(ImplausibleFact.ENERGY)
        return None
    factor = method.carrier_factor(where[0], energy.carrier, where[1])
    mg = divide_half_even(energy.amount_milli * factor.value, _PER_KM * energy.parcels)
    formula = ""
    if notes.steps is not None:
        unit = "Wh" if energy.carrier is ELECTRICITY else "ml"
        formula = f"{energy.amount_milli} {unit} x {factor.value / SCALE} g/{unit} / {energy.parcels} parcels"
    distance_m = trip.distance_m // trip.parcels
    return RoundCost(mg, min(mg, by_km_mg), category, (factor.id,), formula, distance_m)
