"""Turns the rows of the table files into the frozen values the arithmetic uses, and refuses what does not fit."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from greenlane.factors import rows
from greenlane.factors.registry import FactorRegistry, TableError
from greenlane.methodology import tables
from greenlane.methodology.vocabulary import EnergyCarrier, Material, RoundDensity, Vehicle


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
        )
        for material, row in file.materials.items()
    }


def vehicles(file: rows.VehiclesFile, registry: FactorRegistry) -> dict[Vehicle, tables.VehicleFactor]:
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
        )
    for use, stand_ins in (("undeclared", file.undeclared), ("reference", file.reference)):
        if built[stand_ins.round].km is None or built[stand_ins.line_haul].tkm is None:
            problem = "needs a factor per km for rounds and one per tkm for line-haul"
            raise TableError(name, use, problem, "Name vehicles that have them")
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


def _complete(
    name: str, vocabulary: type[Material] | type[Vehicle] | type[RoundDensity], found: Collection[str]
) -> None:
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


def rounds(file: rows.RoundsFile) -> dict[RoundDensity, tables.RoundDefault]:
    """The default round of every density. Raises TableError for one without a row."""
    _complete("rounds.yaml", RoundDensity, file.rounds)
    return {density: tables.RoundDefault(row.distance_m, row.parcels) for density, row in file.rounds.items()}


def distances(row: rows.DistancesRow) -> tables.Distances:
    """How distances are taken."""
    factor = Fraction(row.road_factor)
    limits = (row.line_haul_from_m, row.unknown_distance_m, row.reference_mass_mg)
    return tables.Distances(factor.numerator, factor.denominator, *limits)


def reference_classes(file: rows.ReferenceFile, registry: FactorRegistry) -> tuple[tables.PackagingClass, ...]:
    """The product-volume classes. Raises TableError unless each figure is base x 2^(2 step / 3), half to even."""
    name, base = "reference_packaging.yaml", file.base
    board = registry.exact(name, "base", base.board, "kgCO2e/kg") * base.board_mg
    plastic = registry.exact(name, "base", base.plastic, "kgCO2e/kg") * base.plastic_mg
    last = len(file.classes) - 1
    for number, row in enumerate(file.classes):
        if (row.up_to_ml is None) != (number == last):
            raise TableError(name, f"classes.{number}", "only the last class is open", "Give up_to_ml to all others")
        _scaled_by_surface(f"classes.{number}.co2e_mg", row.co2e_mg, board + plastic, row.step)
        _scaled_by_surface(f"classes.{number}.plastic_mg", row.plastic_mg, Fraction(base.plastic_mg), row.step)
        mass = Fraction(base.board_mg + base.plastic_mg)
        _scaled_by_surface(f"classes.{number}.mass_mg", row.mass_mg, mass, row.step)
    return tuple(
        tables.PackagingClass(
            None if row.up_to_ml is None else row.up_to_ml * 1000, row.co2e_mg, row.plastic_mg, row.mass_mg
        )
        for row in file.classes
    )


def _scaled_by_surface(row: str, value: int, base: Fraction, step: int) -> None:
    """Value is the integer nearest to base x 2^(2 step / 3): compared by cubes, hence exactly."""
    cube = base**3 * Fraction(4) ** step
    if not (value - Fraction(1, 2)) ** 3 <= cube <= (value + Fraction(1, 2)) ** 3:
        problem = f"{value} is not the base times 2^(2 x {step} / 3)"
        raise TableError("reference_packaging.yaml", row, problem, "Recompute it from the base")


def thin_bag_rules(file: rows.RulesFile) -> tuple[tables.ThinBagRule, ...]:
    """The dated bans of thin plastic bags. Raises TableError for grade M."""
    for row in file.thin_plastic_bags:
        if row.grade == "M":
            raise TableError("rules.yaml", row.id, "grade M: from memory", "Verify it in the law and grade it P or S")
    return tuple(
        tables.ThinBagRule(**row.model_dump(exclude={"grade", "undeclared"})) for row in file.thin_plastic_bags
    )


def bounds(file: rows.BoundsFile) -> tables.Bounds:
    """The plausibility bounds. Raises TableError for an empty range."""
    built = {}
    for fact in rows.BoundsTable.model_fields:
        row: rows.BoundRow = getattr(file.bounds, fact)
        if row.least > row.most:
            raise TableError("bounds.yaml", fact, "least is above most", "Swap them")
        built[fact] = tables.Range(row.least, row.most)
    return tables.Bounds(**built)


def present(factor: tables.PerDistance | None) -> tables.PerDistance:
    """A factor whose presence `vehicles` has checked."""
    assert factor is not None, "`vehicles` refuses a reference or stand-in without its factor"
    return factor
