"""Shapes of the method's table files: every row typed, every unknown key refused."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from greenlane.methodology.vocabulary import BadgeLevel, EnergyCarrier, Material, RoundDensity, Vehicle

Unit = Literal[
    "kgCO2e/kg", "kgCO2e/km", "kgCO2e/tkm", "kgCO2e/l", "kgCO2e/kWh", "kWh/km", "kWh/tkm", "ratio",
    "kgCO2/short_ton_mile", "gCH4/short_ton_mile", "gN2O/short_ton_mile",
]  # fmt: skip
Boundary = Literal["cradle_to_gate", "WTT", "TTW", "WTW", "generation", "transmission", "energy"]
Grade = Literal["P", "S", "D", "M"]
DecimalText = Annotated[str, Field(pattern=r"^\d{1,6}(\.\d{1,8})?$", description="a decimal of at most 8 places")]
FactorId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,79}$")]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
Positive = Annotated[int, Field(gt=0, le=10**12)]
NonNegative = Annotated[int, Field(ge=0, le=10**12)]


class Row(BaseModel):
    """Base of every row and file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceRow(Row):
    """A document and the licence under which its figures may be passed on."""

    id: FactorId
    document: str
    publisher: str
    year: int
    licence: str
    attribution: str


class FactorRow(Row):
    """A factor as published; `formula` is required of derived rows (grade D) and only of them.

    `ttw` names the tank-to-wheel part of a well-to-wheel row.
    """

    id: FactorId
    value: DecimalText
    unit: Unit
    boundary: Boundary
    region: Country
    grade: Grade
    source: str
    cell: str = ""
    row: str = ""
    formula: str = ""
    ttw: FactorId | None = None
    note: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


class OwnFactors(Row):
    """A user's own factors, by the ids of the shipped ones."""

    sources: tuple[SourceRow, ...] = ()
    factors: tuple[FactorRow, ...]


class SourcesFile(Row):
    """`sources.yaml`."""

    sources: tuple[SourceRow, ...]


class MaterialRow(Row):
    """Which factors a material uses."""

    primary: FactorId
    recycled: FactorId | None = None
    plastic: bool
    known: bool = True


class MaterialsFile(Row):
    """`materials.yaml`."""

    factors: tuple[FactorRow, ...]
    materials: dict[Material, MaterialRow]


class DatedRow(Row):
    """A factor and the days on which it is valid."""

    factor: FactorId
    valid_from: date
    valid_to: date | None = None


class SeriesRow(Row):
    """A country's dated factors of one carrier."""

    country: Country
    carrier: EnergyCarrier = EnergyCarrier.ELECTRICITY
    rows: Annotated[tuple[DatedRow, ...], Field(min_length=1)]


class SeriesFile(Row):
    """`fuels.yaml` and `grid.yaml`."""

    factors: tuple[FactorRow, ...]
    series: tuple[SeriesRow, ...]


class VehicleRow(Row):
    """Which factors a vehicle uses, and what energy it may plausibly be declared with."""

    km: FactorId | None = None
    kwh_km: FactorId | None = None
    tkm: FactorId | None = None
    kwh_tkm: FactorId | None = None
    cooling: FactorId
    carrier: EnergyCarrier | None = None
    energy_per_km: tuple[DecimalText, DecimalText] | None = None
    zero_tailpipe: bool = False
    air: bool = False
    stand_in: bool = False


class StandInVehicles(Row):
    """One vehicle for rounds and one for line-haul."""

    round: Vehicle
    line_haul: Vehicle


class VehiclesFile(Row):
    """`vehicles.yaml`."""

    factors: tuple[FactorRow, ...]
    vehicles: dict[Vehicle, VehicleRow]
    undeclared: StandInVehicles
    reference: StandInVehicles


class RoundRow(Row):
    """A default round."""

    distance_m: Positive
    parcels: Positive


class DistancesRow(Row):
    """How distances are taken."""

    road_factor: DecimalText
    line_haul_from_m: Positive
    unknown_distance_m: Positive
    reference_mass_mg: Positive


class RoundsFile(Row):
    """`rounds.yaml`."""

    source: str
    grade: Grade
    rounds: dict[RoundDensity, RoundRow]
    undeclared: RoundDensity
    reference: RoundDensity
    distances: DistancesRow


class BaseParcel(Row):
    """The average parcel the reference starts from."""

    board_mg: Positive
    plastic_mg: Positive
    board: FactorId
    plastic: FactorId


class ClassRow(Row):
    """A product-volume class; `step` counts doublings from the base."""

    up_to_ml: Positive | None = None
    step: Annotated[int, Field(ge=-20, le=20)]
    co2e_mg: Positive
    plastic_mg: Positive
    mass_mg: Positive


class ReferenceFile(Row):
    """`reference_packaging.yaml`."""

    source: str
    grade: Grade
    base: BaseParcel
    undeclared_factor: Annotated[int, Field(ge=1, le=10)]
    classes: Annotated[tuple[ClassRow, ...], Field(min_length=2)]


class ThinBagRow(Row):
    """A ban of thin plastic bags."""

    id: FactorId
    country: Country
    valid_from: date
    valid_to: date | None = None
    below_side_mm: Positive
    below_thickness_um: Positive
    materials: frozenset[Material]
    law: str
    grade: Grade
    undeclared: str


class RulesFile(Row):
    """`rules.yaml`."""

    thin_plastic_bags: tuple[ThinBagRow, ...]


class BoundRow(Row):
    """A plausible range and why it is taken for one."""

    least: NonNegative
    most: NonNegative
    reason: Annotated[str, Field(min_length=10)]


class BoundsTable(Row):
    """Every bound the arithmetic uses."""

    round_parcels: BoundRow
    round_distance_m: BoundRow
    metres_per_parcel: BoundRow
    shared_parcels: BoundRow
    line_haul_shortfall_m: BoundRow
    verified_trips: BoundRow
    film_thickness_um: BoundRow


class BoundsFile(Row):
    """`bounds.yaml`."""

    bounds: BoundsTable


class PlacesTable(Row):
    """A CSV of points and its licence."""

    file: str
    content: str
    source: str
    licence: str


class PlacesFile(Row):
    """`places/places.yaml`."""

    tables: tuple[PlacesTable, ...]
    vn_34_from: date
    two_cities: frozenset[str]


class LevelRow(Row):
    """What a badge level asks for."""

    level: Literal[BadgeLevel.BRONZE, BadgeLevel.SILVER, BadgeLevel.GOLD]
    green_min: Annotated[int, Field(ge=0, le=100)]
    dimension_min: Annotated[int, Field(ge=0, le=100)]
    primary_share_min_percent: Annotated[int, Field(ge=0, le=100)]
    packed_min: Annotated[int, Field(ge=0, le=10**6)]
    delivered_min: Annotated[int, Field(ge=0, le=10**6)]
    active_days_min: Annotated[int, Field(ge=0, le=366)]
    non_compliant_max_percent: Annotated[int, Field(ge=0, le=100)]


class PolicyFile(Row):
    """A badge policy."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    window_days: Annotated[int, Field(ge=1, le=366)]
    lateness_days: Annotated[int, Field(ge=0, le=366)]
    prior_parcels: Annotated[int, Field(ge=0, le=10_000)]
    enter_days: Annotated[int, Field(ge=1, le=366)]
    leave_days: Annotated[int, Field(ge=1, le=366)]
    leave_margin: Annotated[int, Field(ge=0, le=50)]
    levels: Annotated[tuple[LevelRow, ...], Field(min_length=1, max_length=3)]
