"""Loads the method's tables and the badge policy: text in, plain frozen values out, anything doubtful refused."""

from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from greenlane.factors import builders as build
from greenlane.factors import rows
from greenlane.factors.files import DATA, read_yaml
from greenlane.factors.fingerprints import fingerprint_of
from greenlane.factors.places import load_places
from greenlane.factors.registry import FactorRegistry, TableError
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.tables import Method
from greenlane.methodology.vocabulary import BadgeLevel

__all__ = ["TableError", "load_method", "load_policy", "policy_of"]


SHIPPED_POLICY = files("greenlane.factors") / "policies" / "v2.yaml"
"""The badge policy that is used unless another file is named."""


def load_method(factors_file: Path | None = None) -> Method:
    """The method's tables, with a user's own factors laid over the shipped ones.

    Raises TableError naming file, row, problem and remedy.
    """
    folder = DATA
    materials = read_yaml(folder / "materials.yaml", rows.MaterialsFile)
    fuels = read_yaml(folder / "fuels.yaml", rows.SeriesFile)
    grid = read_yaml(folder / "grid.yaml", rows.SeriesFile)
    vehicles = read_yaml(folder / "vehicles.yaml", rows.VehiclesFile)
    reference = read_yaml(folder / "reference_packaging.yaml", rows.ReferenceFile)
    rounds = read_yaml(folder / "rounds.yaml", rows.RoundsFile)
    hubs = read_yaml(folder / "hubs.yaml", rows.HubsFile)
    bounds = read_yaml(folder / "bounds.yaml", rows.BoundsFile)
    registry = FactorRegistry()
    registry.add_sources("sources.yaml", read_yaml(folder / "sources.yaml", rows.SourcesFile).sources)
    registry.add("materials.yaml", materials.factors)
    registry.add("fuels.yaml", fuels.factors)
    registry.add("grid.yaml", grid.factors)
    registry.add("vehicles.yaml", vehicles.factors)
    registry.add("hubs.yaml", hubs.factors)
    registry.require_citation("rounds.yaml", rounds.source, rounds.grade)
    registry.require_citation("reference_packaging.yaml", reference.source, reference.grade)
    packaging = build.packaging_reference(reference, registry)
    if factors_file is not None:
        own = read_yaml(factors_file, rows.OwnFactors)
        registry.add_sources(factors_file.name, own.sources, own=True)
        registry.overlay(factors_file.name, own.factors)
    registry.verify_derived()
    registry.verify_tank_to_wheel()
    by_vehicle = build.vehicles(vehicles, build.vehicle_limits(bounds), registry)
    method = Method(
        factors=dict(registry.factors()),
        materials=build.materials(materials, registry),
        vehicles=by_vehicle,
        cooled_vehicles=build.cooled(vehicles, by_vehicle, registry),
        carriers=build.series("fuels.yaml", fuels, registry) | build.series("grid.yaml", grid, registry),
        delivery=build.delivery_reference(
            rounds,
            registry.scaled("hubs.yaml", "hub", hubs.hub, "kgCO2e/parcel"),
            build.present(by_vehicle[vehicles.reference.round].km),
            build.present(by_vehicle[vehicles.reference.line_haul].tkm),
        ),
        distances=build.distances(rounds.distances),
        packaging=packaging,
        certificates=dict(bounds.certificates),
        thin_bag_rules=build.thin_bag_rules(read_yaml(folder / "rules.yaml", rows.RulesFile)),
        bounds=build.bounds(bounds),
        places=load_places(folder / "places"),
    )
    return replace(method, fingerprint=fingerprint_of(method))


def load_policy(path: Path | None = None) -> Policy:
    """A badge policy, the shipped one unless a file is named.

    Raises TableError naming file, row, problem and remedy.
    """
    source = SHIPPED_POLICY if path is None else path
    return policy_of(read_yaml(source, rows.PolicyFile), source.name)


def policy_of(file: rows.PolicyFile, name: str) -> Policy:
    """The policy of a file that was read. Raises TableError naming file, row, problem and remedy."""
    levels = tuple(map(_level, file.levels))
    missing = [level for level in BadgeLevel if level not in {BadgeLevel.NONE, *(rules.level for rules in levels)}]
    if missing:
        raise TableError(name, ", ".join(missing), "has no rules", "Give bronze, silver and gold one entry each")
    if levels[0].packed_min + levels[0].delivered_min + levels[0].active_days_min == 0:
        problem = "an account without any parcel would meet it"
        raise TableError(name, levels[0].level, problem, "Ask for at least one parcel or one active day")
    for lower, higher in pairwise(levels):
        if not _at_least_as_strict(higher, lower):
            problem = f"asks less than {lower.level} somewhere, or stands out of order"
            raise TableError(name, higher.level, problem, "List levels from bronze to gold, each at least as strict")
    return Policy(levels=levels, **file.model_dump(exclude={"levels"}))


def _level(row: rows.LevelRow) -> LevelRules:
    """A level's rules; of a policy before 2.0.0 under their names of today."""
    thin = row.non_compliant_max_percent if row.thin_bags_max_percent is None else row.thin_bags_max_percent
    return LevelRules(
        level=row.level,
        green_min=row.green_min,
        dimension_min=row.dimension_min,
        measured_share_min_percent=row.measured_share_min_percent or row.primary_share_min_percent or 0,
        packed_min=row.packed_min,
        delivered_min=row.delivered_min,
        active_days_min=row.active_days_min,
        thin_bags_max_percent=100 if thin is None else thin,
        complete_share_min_percent=row.complete_share_min_percent or 0,
        proven=bool(row.proven),
    )


def _at_least_as_strict(higher: LevelRules, lower: LevelRules) -> bool:
    order = list(type(lower.level))
    return (
        order.index(higher.level) > order.index(lower.level)
        and higher.green_min >= lower.green_min
        and higher.dimension_min >= lower.dimension_min
        and higher.proven >= lower.proven
        and higher.complete_share_min_percent >= lower.complete_share_min_percent
        and higher.measured_share_min_percent >= lower.measured_share_min_percent
        and higher.packed_min >= lower.packed_min
        and higher.delivered_min >= lower.delivered_min
        and higher.active_days_min >= lower.active_days_min
        and higher.thin_bags_max_percent <= lower.thin_bags_max_percent
    )
