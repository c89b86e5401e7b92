"""Turns the rows of the table files into the frozen values the arithmetic uses, and refuses what does not fit."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import sqrt

from greenlane.factors import rows
from greenlane.factors.registry import FactorRegistry, TableError
from greenlane.methodology import tables
from greenlane.methodology.rounding import divide_half_even, surface_scale
from greenlane.methodology.vocabulary import EnergyCarrier, Material, Vehicle


def materials(file: rows.MaterialsFile, registry: FactorRegistry) -> dict[Material, tables.MaterialFactor]:
    """Factors of every material. Raises TableError for a material without a row or a factor in another unit."""
    name = "materials.yaml"
    _complete(name, Material, file.materials)
    return {
        material: tables.MaterialFactor(
            primary=registry.scaled(name, material, row.primary, "kgCO2e/kg"),
            recycled=None if row.recycled is None else registry.scaled(name, material, row.recycled, "kgCO2e/kg"),
            plastic=row.plastic,
            known=row.known,
            least_mg_per_m2=int(Fraction(row.cover) * 1000),
            film=row.film,
        )
        for material, row in file.materials.items()
    }


def vehicles(
    file: rows.VehiclesFile, limits: dict[Vehicle, tables.VehicleLimits], registry: FactorRegistry
) -> dict[Vehicle, tables.VehicleFactor]:
    """Factors of every vehicle. Raises TableError for a vehicle without a row or a factor in another unit."""
    name = "vehicles.yaml"
    _complete(name, Vehicle, file.vehicles)
    built = {}
    for vehicle, row in file.vehicles.items():
        if (row.carrier is None) != (row.energy_per_km is None):
            raise TableError(name, vehicle, "carrier and energy_per_km stand together", "Give both or neither")
        least, most = (int(Fraction(text) * 1000) for text in row.energy_per_km or ("0", "0"))

        def factor(identifier: str | None, unit: str, vehicle: Vehicle = vehicle) -> tables.PerDistance | None:
            if identifier is None:
                return None
            scaled = registry.scaled(name, vehicle, identifier, unit)
            return tables.PerDistance((scaled.id,), scaled.value)

        built[vehicle] = tables.VehicleFactor(
            km=factor(row.km, "kgCO2e/km"),
            kwh_km=factor(row.kwh_km, "kWh/km"),
            tkm=factor(row.tkm, "kgCO2e/tkm"),
            kwh_tkm=factor(row.kwh_tkm, "kWh/tkm"),
            carrier=row.carrier,
            energy_per_km=(least, most),
            zero_tailpipe=row.zero_tailpipe,
            air=row.air,
            stand_in=row.stand_in,
            detour_permille=row.detour_permille,
            limits=limits[vehicle],
        )
    if built[file.reference.round].km is None or built[file.reference.line_haul].tkm is None:
        problem = "needs a factor per km for rounds and one per tkm for line-haul"
        raise TableError(name, "reference", problem, "Name vehicles that have them")
    return built


def vehicle_limits(file: rows.BoundsFile) -> dict[Vehicle, tables.VehicleLimits]:
    """What each vehicle can do; no round, where there is none. Raises TableError for a vehicle without a row."""
    built = {
        vehicle: tables.VehicleLimits(row.payload_kg * 1_000_000, (row.round_km or 0) * 1000, row.parcels or 0)
        for row in file.vehicles
        for vehicle in row.vehicles
    }
    _complete("bounds.yaml", Vehicle, built)
    return built


def cooled(
    file: rows.VehiclesFile, built: dict[Vehicle, tables.VehicleFactor], registry: FactorRegistry
) -> dict[Vehicle, tables.VehicleFactor]:
    """The same vehicles under temperature control. Raises TableError for a cooling factor that is no ratio."""

    def times(figure: tables.PerDistance | None, cooling: tables.Scaled) -> tables.PerDistance | None:
        return None if figure is None else figure.times(cooling)

    cooling_of = {
        vehicle: registry.scaled("vehicles.yaml", vehicle, row.cooling, "ratio")
        for vehicle, row in file.vehicles.items()
    }
    return {
        vehicle: replace(
            row,
            km=times(row.km, cooling_of[vehicle]),
            kwh_km=times(row.kwh_km, cooling_of[vehicle]),
            tkm=times(row.tkm, cooling_of[vehicle]),
            kwh_tkm=times(row.kwh_tkm, cooling_of[vehicle]),
        )
        for vehicle, row in built.items()
    }


def _complete(name: str, vocabulary: type[Material] | type[Vehicle], found: Collection[str]) -> None:
    missing = [word for word in vocabulary if word not in found]
    if missing:
        raise TableError(name, ", ".join(missing), "has no row", f"Give each {vocabulary.__name__} one")


def series(
    name: str, file: rows.SeriesFile, registry: FactorRegistry
) -> dict[tuple[str, EnergyCarrier], tables.Series]:
    """Dated factors by country and carrier, newest first. Raises TableError for a gap, an overlap or an open middle."""
    built = {}
    for row in file.series:
        where = f"{row.country} {row.carrier}"
        unit = "kgCO2e/kWh" if row.carrier is EnergyCarrier.ELECTRICITY else "kgCO2e/l"
        for earlier, later in pairwise(row.rows):
            if earlier.valid_to is None or later.valid_from != earlier.valid_to + timedelta(days=1):
                problem = f"{later.factor} does not begin the day after {earlier.factor} ends"
                raise TableError(name, where, problem, "Leave neither gap nor overlap")
        if row.rows[-1].valid_to is not None:
            raise TableError(name, where, "the last row ends", "Leave valid_to out of it")
        dated = [tables.Dated(part.valid_from, registry.scaled(name, where, part.factor, unit)) for part in row.rows]
        built[row.country, row.carrier] = tuple(reversed(dated))
    return built


def delivery_reference(
    file: rows.RoundsFile, hub: tables.Scaled, km: tables.PerDistance, tkm: tables.PerDistance
) -> tables.DeliveryReference:
    """The parts of a usual delivery. Raises TableError for a tour that its area and stops do not give."""
    for name, row in (("town", file.town), ("country", file.country)):
        tour_km = round(_TOUR * sqrt(float(row.area_km2) * row.stops))
        if row.distance_m != tour_km * 1000 or row.parcels != row.stops:
            problem = f"{row.distance_m} m is not 0.7124 x 1.2 x sqrt(area x stops) in whole km"
            raise TableError("rounds.yaml", name, problem, f"Give {tour_km * 1000} m and as many parcels as stops")

    def share(trip: rows.RoundRow) -> int:
        return divide_half_even(trip.distance_m * km.value, tables.SCALE // 1000 * km.scale * trip.parcels)

    hub_mg = divide_half_even(hub.value, tables.SCALE // 1_000_000)
    return tables.DeliveryReference(
        seller_round_mg=share(file.collection),
        buyer_round_mg=share(file.town),
        hub_mg=hub_mg,
        km=km,
        tkm=tkm,
        town=tables.RoundDefault(file.town.distance_m, file.town.parcels),
        country=tables.RoundDefault(file.country.distance_m, file.country.parcels),
        collection=tables.RoundDefault(file.collection.distance_m, file.collection.parcels),
        usual_mass_mg=file.usual_mass_mg,
        round_times=file.undeclared.round_times,
        line_haul_times=file.undeclared.line_haul_times,
        hub_permille=file.undeclared.hub_permille,
        hub_ids=(hub.id,),
        undeclared_hub_mg=hub_mg * file.undeclared.hub_permille // 1000,
    )


_TOUR = 0.7124 * 1.2
"""Constant of Beardwood, Halton and Hammersley times the road factor."""


def distances(row: rows.DistancesRow) -> tables.Distances:
    """How distances are taken."""
    factor = Fraction(row.road_factor)
    return tables.Distances(factor.numerator, factor.denominator, row.line_haul_from_m, row.unknown_distance_m)


def packaging_reference(file: rows.ReferenceFile, registry: FactorRegistry) -> tables.PackagingReference:
    """The base parcel and the smallest reference. Raises TableError for a factor that is missing."""
    name, base = "reference_packaging.yaml", file.base
    board = registry.exact(name, "base", base.board, "kgCO2e/kg") * base.board_mg
    plastic = registry.exact(name, "base", base.plastic, "kgCO2e/kg") * base.plastic_mg
    co2e = board + plastic
    average = tables.AveragePackaging(
        divide_half_even(co2e.numerator, co2e.denominator), base.plastic_mg, base.board_mg + base.plastic_mg
    )
    base_mm3, least_mm3 = base.product_ml * 1000, file.least_ml * 1000
    return tables.PackagingReference(
        base=average,
        base_mm3=base_mm3,
        least_mm3=least_mm3,
        least=average.times(surface_scale(least_mm3, base_mm3)),
        ids=(base.board, base.plastic),
        undeclared_times=file.undeclared_factor,
    )


def thin_bag_rules(file: rows.RulesFile) -> tuple[tables.ThinBagRule, ...]:
    """The dated bans of thin plastic bags. Raises TableError for grade M."""
    for row in file.thin_plastic_bags:
        if row.grade == "M":
            raise TableError("rules.yaml", row.id, "grade M: from memory", "Verify it in the law and grade it P or S")
    return tuple(
        tables.ThinBagRule(**row.model_dump(exclude={"grade", "undeclared"})) for row in file.thin_plastic_bags
    )


def bounds(file: rows.BoundsFile) -> tables.Bounds:
    """The plausibility bounds. Raises TableError for an empty range, an end that is missing or one that is not read."""
    limits = file.bounds
    return tables.Bounds(
        round_distance_m=_end("round_distance_m", limits.round_distance_m, "least"),
        metres_per_parcel=_end("metres_per_parcel", limits.metres_per_parcel, "least"),
        locker_parcels=_end("locker_parcels", limits.locker_parcels, "most"),
        line_haul_shortfall_m=_end("line_haul_shortfall_m", limits.line_haul_shortfall_m, "most"),
        verified_trips=_end("verified_trips", limits.verified_trips, "most"),
        carrier_trips=_end("carrier_trips", limits.carrier_trips, "most"),
        film_thickness_um=_range("film_thickness_um", limits.film_thickness_um),
        goods_g_per_m3=_range("goods_g_per_m3", limits.goods_g_per_m3),
    )


def _range(fact: str, row: rows.BoundRow) -> tables.Range:
    if row.least is None or row.most is None:
        raise TableError("bounds.yaml", fact, "needs least and most", "Give both")
    if row.least > row.most:
        raise TableError("bounds.yaml", fact, "least is above most", "Swap them")
    return tables.Range(row.least, row.most)


def _end(fact: str, row: rows.BoundRow, end: str) -> int:
    """The one end that the arithmetic reads."""
    ends = {"least": row.least, "most": row.most}
    value, other = ends.pop(end), *ends.values()
    if value is None or other is not None:
        raise TableError("bounds.yaml", fact, f"only `{end}` is read", f"Give `{end}` and nothing else")
    return value


def present(factor: tables.PerDistance | None) -> tables.PerDistance:
    """A factor whose presence `vehicles` has checked."""
    assert factor is not None, "`vehicles` refuses a reference or stand-in without its factor"
    return factor
