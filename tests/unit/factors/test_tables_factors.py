"""The shipped tables equal the verified files to the last digit, and doubtful tables are refused with the remedy."""

import csv
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from greenlane.factors.builders import (
    bounds,
    cooled,
    delivery_reference,
    materials,
    packaging_reference,
    series,
    thin_bag_rules,
    vehicle_limits,
    vehicles,
)
from greenlane.factors.formulas import FormulaError, evaluate_formula
from greenlane.factors.loading import TableError, load_method
from greenlane.factors.registry import FactorRegistry
from greenlane.factors.rows import (
    BoundsFile,
    FactorRow,
    MaterialsFile,
    ReferenceFile,
    RoundsFile,
    RulesFile,
    SeriesFile,
    SourceRow,
    VehiclesFile,
)
from greenlane.methodology.tables import Factor, PerDistance, Scaled
from greenlane.methodology.vocabulary import Material, Vehicle

METHOD = load_method()
SHIPPED = files("greenlane.factors") / "data"
FACTOR_FILES = ("materials.yaml", "fuels.yaml", "grid.yaml", "vehicles.yaml", "hubs.yaml")


LIMITS = {vehicle: row.limits for vehicle, row in METHOD.vehicles.items()}


@cache
def _parsed(name: str) -> Any:
    return yaml.safe_load((SHIPPED / name).read_text(encoding="utf-8"))


def shipped(name: str) -> Any:
    return deepcopy(_parsed(name))


def registry() -> FactorRegistry:
    made = FactorRegistry()
    made.add_sources("sources.yaml", [SourceRow(**row) for row in shipped("sources.yaml")["sources"]])
    for name in FACTOR_FILES:
        made.add(name, [FactorRow(**row) for row in shipped(name)["factors"]])
    return made


def row(**changes: Any) -> FactorRow:
    usual = {"id": "test.row", "value": "1.5", "unit": "kgCO2e/kg", "boundary": "cradle_to_gate", "region": "GB"}
    return FactorRow(**(usual | {"grade": "P", "source": "desnz-2025"} | changes))


def verified(source: str) -> dict[str, dict[str, str]]:
    """The cells of a source as they were read from it once more, independently of the tables: by the factor's id.

    desnz-2025: the UK Government's GHG Conversion Factors 2025, condensed set, each value from the cell beside it.
    desnz-2026-secondary: a table that cites the official set of 2026. Both under the Open Government Licence v3.0.
    """
    with (Path(__file__).with_name("verified_cells.csv")).open(encoding="utf-8", newline="") as stream:
        return {line["id"]: line for line in csv.DictReader(stream) if line["source"] == source}


def from_source(source: str) -> list[Factor]:
    return [factor for factor in METHOD.factors.values() if factor.source.id == source]


def test_every_row_of_2025_equals_its_cell_to_the_last_digit() -> None:
    cells = verified("desnz-2025")
    assert set(cells) == {factor.id for factor in from_source("desnz-2025")}
    for factor in from_source("desnz-2025"):
        cell = cells[factor.id]
        assert str(factor.value) == cell["value"], factor.id
        assert factor.where.startswith(cell["cell"]), factor.id
        assert cell["boundary"].startswith(factor.boundary[:3]) or "T&D" in cell["boundary"], factor.id
        assert factor.grade == "P"


def test_every_row_of_2026_equals_the_secondary_table_and_is_graded_secondary() -> None:
    cells = verified("desnz-2026-secondary")
    for factor in from_source("desnz-2026-secondary"):
        assert str(factor.value) == cells[factor.id]["value"], factor.id
        assert (factor.boundary, factor.unit, factor.grade) == (
            cells[factor.id]["boundary"],
            cells[factor.id]["unit"],
            "S",
        )


def test_the_american_waterway_figures_equal_the_verified_ones_and_give_the_verified_figure_per_tonne_km() -> None:
    # US EPA, GHG Emission Factors Hub 2025, Table 8: kg CO2, g CH4 and g N2O per short ton-mile (public domain)
    gases = {factor.id.rpartition(".")[2]: str(factor.value) for factor in from_source("epa-2025")}
    assert ";".join(gases[gas] for gas in ("co2", "ch4", "n2o")) == "0.077;0.031;0.002"
    assert str(METHOD.factors["epa25.t8.water.tkm"].value) == "0.05370"
    assert all(factor.where.startswith("Table 8, row 427") for factor in from_source("epa-2025"))


def test_every_row_is_verified_against_a_file_derived_by_a_formula_or_a_stated_assumption_of_the_method() -> None:
    own = [factor for factor in METHOD.factors.values() if factor.source.id == "greenlane-method"]
    assert {factor.source.id for factor in METHOD.factors.values()} == {
        "desnz-2025", "desnz-2026-secondary", "epa-2025", "vn-grid", "evri-2021",
        "greenlane-method",
    }  # fmt: skip
    assert all(factor.formula or factor.note for factor in own)
    assert {factor.id for factor in own if not factor.formula} == {"grid.vn.losses", "grid.vn.upstream", "muscle.km"}
    assert not {factor.grade for factor in METHOD.factors.values()} - {"P", "S", "D"}


def test_every_well_to_wheel_row_of_a_fuel_names_its_tank_to_wheel_part() -> None:
    without = {factor.id for factor in METHOD.factors.values() if factor.boundary == "WTW" and not factor.ttw}
    assert {name for name in without if not name.startswith(("grid.", "cooling.", "evri.", "hub."))} == {"muscle.km"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ttw": "pk.nothing"}, "no factor 'pk.nothing'"),
        ({"ttw": "fuel.diesel.blend.litre"}, "fuel.diesel.blend.litre is in kgCO2e/l"),
        ({"ttw": "moto.small.wtw.km"}, "is not its tank-to-wheel part"),
        ({"ttw": "moto.small.km", "value": "0.08"}, "moto.small.km = 0.08319 is not its tank-to-wheel part"),
        ({"ttw": "moto.small.km", "boundary": "TTW"}, "is not its tank-to-wheel part"),
    ],
)
def test_a_tank_to_wheel_part_that_is_none_is_refused(changes: dict[str, Any], problem: str) -> None:
    made = registry()
    made.add("mine.yaml", [row(**({"unit": "kgCO2e/km", "boundary": "WTW"} | changes))])
    with pytest.raises(TableError, match=problem):
        made.verify_tank_to_wheel()


def test_the_vietnamese_grid_has_every_official_year_and_no_other() -> None:
    # announcements of the Department of Climate Change, tCO2/MWh by year of the data
    official = {
        "2014": "0.6612", "2015": "0.8154", "2016": "0.9185", "2017": "0.8649", "2018": "0.9130",
        "2019": "0.8458", "2020": "0.8041", "2021": "0.7221", "2022": "0.6766", "2023": "0.6592",
    }  # fmt: skip
    held = {factor.id.split(".")[2][1:]: str(factor.value) for factor in from_source("vn-grid")}
    assert held == official


def test_the_plug_factor_of_2023_is_775_5_grams() -> None:
    exact = Fraction("0.6592") / (1 - Fraction("0.065")) * Fraction("1.10")
    plug = METHOD.factors["grid.vn.y2023.plug"].value
    assert plug == round(Decimal(exact.numerator) / exact.denominator, 5)
    assert round(plug * 1000, 1) == Decimal("775.5")


@pytest.mark.parametrize("name", FACTOR_FILES)
def test_every_factor_row_is_used_or_is_the_input_of_one(name: str) -> None:
    text = "".join(
        (SHIPPED / other).read_text(encoding="utf-8") for other in (*FACTOR_FILES, "reference_packaging.yaml")
    )
    for line in shipped(name)["factors"]:
        assert text.count(line["id"]) > 1, f"{line['id']} is listed and never used: remove it"


def test_every_material_and_vehicle_has_a_row() -> None:
    assert set(METHOD.materials) == set(Material)
    assert set(METHOD.vehicles) == set(Vehicle)


def test_plastics_are_those_of_the_decree() -> None:
    plastics = {material for material, factor in METHOD.materials.items() if factor.plastic}
    named = {
        "plastic_film",
        "ldpe_film",
        "bubble_wrap",
        "air_cushion",
        "hdpe",
        "pp",
        "woven_pp",
        "pp_tape",
        "pet",
        "pvc",
    }
    assert plastics == named | {"ps_foam", "eps", "unknown_plastic"}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("a.b + 1", "3"),
        ("(a.b - 0.5) * a.b / 4", "0.75"),
        ("max(a.b, 3, 2.5)", "3"),
        ("'a.b' / 4", "0.5"),
    ],
)
def test_a_formula_is_computed_exactly(formula: str, value: str) -> None:
    assert evaluate_formula(formula, {"a.b": Fraction(2)}.__getitem__) == Fraction(value)


@pytest.mark.parametrize(
    "formula", ["a.b ** 2", "__import__('os')", "a.b if 1 else 2", "1 / 0", "max()", "1 +", "'1'", "-a.b"]
)
def test_a_formula_that_does_anything_else_is_refused(formula: str) -> None:
    with pytest.raises(FormulaError):
        evaluate_formula(formula, {"a.b": Fraction(2)}.__getitem__)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"grade": "M"}, "grade M"),
        ({"source": "hearsay"}, "unknown source 'hearsay'"),
        ({"grade": "D"}, "a formula belongs to grade D"),
        ({"formula": "pk.board.primary"}, "a formula belongs to grade D"),
        ({"id": "pk.board.primary"}, "exists already"),
        ({"valid_from": "2026-01-02", "valid_to": "2026-01-01"}, "valid_to lies before valid_from"),
    ],
)
def test_a_doubtful_row_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(TableError, match=problem) as refused:
        registry().add("mine.yaml", [row(**changes)])
    assert "mine.yaml: " in str(refused.value)


@pytest.mark.parametrize(
    ("formula", "value", "problem"),
    [
        ("pk.board.primary + 1", "2.1997", None),
        ("pk.board.primary + 1", "2.1998", "the formula gives 2.1997, the row says 2.1998"),
        ("pk.nothing", "1", "names 'pk.nothing'"),
        ("pk.board.primary ** 2", "1", "cannot be read"),
    ],
)
def test_a_derived_row_must_be_what_its_formula_gives(formula: str, value: str, problem: str | None) -> None:
    made = registry()
    made.add("mine.yaml", [row(grade="D", formula=formula, value=value)])
    if problem is None:
        made.verify_derived()
        return
    with pytest.raises(TableError, match=problem.replace("*", r"\*")):
        made.verify_derived()


def test_a_source_whose_licence_forbids_shipping_is_refused_unless_it_is_the_users_own() -> None:
    glec = SourceRow(id="glec", document="d", publisher="p", year=2025, licence="all-rights-reserved", attribution="a")
    with pytest.raises(TableError, match="does not allow its figures to be shipped"):
        registry().add_sources("sources.yaml", [glec])
    registry().add_sources("mine.yaml", [glec], own=True)
    with pytest.raises(TableError, match="exists already"):
        registry().add_sources("sources.yaml", [SourceRow(**shipped("sources.yaml")["sources"][0])])


@pytest.mark.parametrize(
    "changes", [{"unit": "g/kg"}, {"value": "1e3"}, {"value": "0.123456789"}, {"value": 1.5}, {"extra": 1}]
)
def test_an_unknown_unit_a_value_that_is_no_plain_decimal_or_a_stray_key_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        row(**changes)


def _without_a_material(tables: dict[str, Any]) -> None:
    del tables["materials"]["pet"]


def _material_in_another_unit(tables: dict[str, Any]) -> None:
    tables["materials"]["pet"]["primary"] = "moto.small.km"


def _material_without_factor(tables: dict[str, Any]) -> None:
    tables["materials"]["pet"]["primary"] = "pk.nothing"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_without_a_material, "pet: has no row. Give each Material one"),
        (_material_in_another_unit, "moto.small.km is in kgCO2e/km. Use a factor in kgCO2e/kg"),
        (_material_without_factor, "no factor 'pk.nothing'"),
    ],
)
def test_a_damaged_material_table_is_refused(damage: Callable[[dict[str, Any]], None], problem: str) -> None:
    tables = shipped("materials.yaml")
    damage(tables)
    with pytest.raises(TableError, match=problem):
        materials(MaterialsFile(**tables), registry())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reference": {"round": "lorry_rigid", "line_haul": "bicycle"}}, "reference: needs a factor per km"),
        ({"reference": {"round": "train", "line_haul": "lorry_rigid"}}, "reference: needs a factor per km"),
        ({"vehicles": {"on_foot": {"km": "muscle.km", "cooling": "cooling.other"}}}, "has no row"),
    ],
)
def test_a_damaged_vehicle_table_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        vehicles(VehiclesFile(**(shipped("vehicles.yaml") | changes)), LIMITS, registry())


def test_a_vehicle_whose_cooling_is_no_ratio_is_refused() -> None:
    tables = shipped("vehicles.yaml")
    tables["vehicles"]["train"]["cooling"] = "moto.small.km"
    file = VehiclesFile(**tables)
    with pytest.raises(TableError, match=r"train: moto\.small\.km is in kgCO2e/km\. Use a factor in ratio"):
        cooled(file, vehicles(file, LIMITS, registry()), registry())


def test_a_vehicle_with_a_carrier_needs_the_range_of_its_energy() -> None:
    tables = shipped("vehicles.yaml")
    del tables["vehicles"]["van_diesel"]["energy_per_km"]
    with pytest.raises(TableError, match="carrier and energy_per_km stand together"):
        vehicles(VehiclesFile(**tables), LIMITS, registry())


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("2020-01-01", "2020-12-31"), ("2021-01-02", None)], "does not begin the day after"),
        ([("2020-01-01", "2020-12-31"), ("2020-12-31", None)], "does not begin the day after"),
        ([("2020-01-01", None), ("2021-01-01", None)], "does not begin the day after"),
        ([("2020-01-01", "2020-12-31")], "the last row ends"),
    ],
)
def test_a_series_with_a_gap_an_overlap_or_an_end_is_refused(rows: list[tuple[str, str | None]], problem: str) -> None:
    dated = [{"factor": "grid.vn.y2023.plug", "valid_from": first, "valid_to": last} for first, last in rows]
    file = SeriesFile(factors=(), series=({"country": "VN", "rows": dated},))
    with pytest.raises(TableError, match=problem):
        series("grid.yaml", file, registry())


@pytest.mark.parametrize("ward", ["town", "country"])
def test_a_tour_must_be_that_of_its_area_and_stops(ward: str) -> None:
    tables = shipped("rounds.yaml")
    km, tkm, hub = PerDistance(("a",), 1), PerDistance(("b",), 1), Scaled("c", 1)
    delivery_reference(RoundsFile(**tables), hub, km, tkm)
    for field, wrong in (("distance_m", 45_000), ("parcels", 99), ("area_km2", "30")):
        damaged = RoundsFile(**(tables | {ward: tables[ward] | {field: wrong}}))
        with pytest.raises(TableError, match=f"{ward}: .* is not 0.7124 x 1.2 x sqrt"):
            delivery_reference(damaged, hub, km, tkm)


def test_the_base_parcel_is_335_g_and_needs_its_factors() -> None:
    tables = shipped("reference_packaging.yaml")
    assert packaging_reference(ReferenceFile(**tables), registry()).base == (334_780, 79_000, 166_000)
    tables["base"]["board"] = "pk.nothing"
    with pytest.raises(TableError, match="no factor"):
        packaging_reference(ReferenceFile(**tables), registry())


def test_every_vehicle_needs_limits() -> None:
    tables = shipped("bounds.yaml")
    tables["vehicles"][0]["vehicles"] = ["motorbike_petrol"]
    with pytest.raises(TableError, match="motorbike_electric: has no row"):
        vehicle_limits(BoundsFile(**tables))


@pytest.mark.parametrize("ends", [{"least": 1, "most": 1_000}, {"least": 1}])
def test_a_bound_that_nothing_reads_is_refused(ends: dict[str, int]) -> None:
    tables = shipped("bounds.yaml")
    tables["bounds"]["locker_parcels"] = {**ends, "reason": "of no use at all"}
    with pytest.raises(TableError, match="only `most` is read"):
        bounds(BoundsFile(**tables))


def test_an_empty_bound_and_a_rule_from_memory_are_refused() -> None:
    tables = shipped("bounds.yaml")
    tables["bounds"]["goods_g_per_m3"]["least"] = 8_000_001
    with pytest.raises(TableError, match="least is above most"):
        bounds(BoundsFile(**tables))
    tables["bounds"]["goods_g_per_m3"].pop("most")
    with pytest.raises(TableError, match="needs least and most"):
        bounds(BoundsFile(**tables))
    rules = shipped("rules.yaml")
    rules["thin_plastic_bags"][0]["grade"] = "M"
    with pytest.raises(TableError, match="grade M"):
        thin_bag_rules(RulesFile(**rules))
