"""Shapes of the method's table files: every row typed, every unknown key refused."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from greenlane.methodology.vocabulary import BadgeLevel, CertificateScheme, EnergyCarrier, Material, Vehicle

Unit = Literal[
    "kgCO2e/kg", "kgCO2e/km", "kgCO2e/tkm", "kgCO2e/l", "kgCO2e/kWh", "kWh/km", "kWh/tkm", "ratio",
    "tCO2e", "kgCO2e/parcel", "kWh/parcel", "kgCO2/short_ton_mile", "gCH4/short_ton_mile", "gN2O/short_ton_mile",
]  # fmt: skip
Boundary = Literal["cradle_to_gate", "WTT", "TTW", "WTW", "generation", "transmission", "energy"]
Grade = Literal["P", "S", "D", "M"]
DecimalText = Annotated[str, Field(pattern=r"^\d{1,6}(\.\d{1,8})?$", description="a decimal of at most 8 places")]
FactorId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,79}$")]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]
Positive = Annotated[int, Field(gt=0, le=10**12)]
NonNegative = Annotated[int, Field(ge=0, le=10**12)]
Percent = Annotated[int, Field(ge=0, le=100)]


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
    cover: DecimalText
    film: bool = False


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
    detour_permille: Annotated[int, Field(ge=500, le=3000)] = 1000


class ReferenceVehicles(Row):
    """One vehicle for rounds and one for line-haul."""

    round: Vehicle
    line_haul: Vehicle


class VehiclesFile(Row):
    """`vehicles.yaml`."""

    factors: tuple[FactorRow, ...]
    vehicles: dict[Vehicle, VehicleRow]
    reference: ReferenceVehicles


class RoundRow(Row):
    """A reference round."""

    distance_m: Positive
    parcels: Positive


class TourRow(RoundRow):
    """A reference round that is a tour over a ward of an area."""

    area_km2: DecimalText
    stops: Positive


class DistancesRow(Row):
    """How distances are taken."""

    road_factor: DecimalText
    line_haul_from_m: Positive
    unknown_distance_m: Positive


class UndeclaredRow(Row):
    """What an undeclared part of a chain counts as, times its reference."""

    round_times: Annotated[int, Field(ge=1, le=20)]
    line_haul_times: Annotated[int, Field(ge=1, le=50)]
    hub_permille: Annotated[int, Field(ge=1000, le=10_000)]


class RoundsFile(Row):
    """`rounds.yaml`."""

    source: str
    grade: Grade
    town: TourRow
    country: TourRow
    collection: RoundRow
    distances: DistancesRow
    usual_mass_mg: Positive
    undeclared: UndeclaredRow


class HubsFile(Row):
    """`hubs.yaml`."""

    factors: tuple[FactorRow, ...]
    hub: FactorId


class BaseParcel(Row):
    """The average parcel the reference starts from, and the product volume it carries."""

    board_mg: Positive
    plastic_mg: Positive
    board: FactorId
    plastic: FactorId
    product_ml: Positive


class ReferenceFile(Row):
    """`reference_packaging.yaml`."""

    source: str
    grade: Grade
    base: BaseParcel
    least_ml: Positive
    undeclared_factor: Literal[2]


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
    """A plausible range, or one end of it, and why it is taken for one."""

    least: NonNegative | None = None
    most: NonNegative | None = None
    reason: Annotated[str, Field(min_length=10)]


class BoundsTable(Row):
    """Every bound the arithmetic uses."""

    round_distance_m: BoundRow
    metres_per_parcel: BoundRow
    locker_parcels: BoundRow
    line_haul_shortfall_m: BoundRow
    verified_trips: BoundRow
    carrier_trips: BoundRow
    film_thickness_um: BoundRow
    goods_g_per_m3: BoundRow


class VehicleLimitsRow(Row):
    """What some vehicles can do, and how that is known."""

    vehicles: Annotated[tuple[Vehicle, ...], Field(min_length=1)]
    payload_kg: Positive
    round_km: Positive | None = None
    parcels: Positive | None = None
    reason: Annotated[str, Field(min_length=10)]


class BoundsFile(Row):
    """`bounds.yaml`."""

    bounds: BoundsTable
    vehicles: tuple[VehicleLimitsRow, ...]
    certificates: dict[CertificateScheme, str]


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
    """What a badge level asks for. What is absent asks for nothing.

    `proven`: the scores are judged in which a parcel that only the seller states counts as undeclared. Policies before
    2.0.0 say `primary_share_…` and `non_compliant_…`, which are read as the share that others state and as thin bags.
    """

    level: Literal[BadgeLevel.BRONZE, BadgeLevel.SILVER, BadgeLevel.GOLD]
    proven: bool | None = None
    green_min: Percent
    dimension_min: Percent
    primary_share_min_percent: Percent | None = None
    complete_share_min_percent: Percent | None = None
    measured_share_min_percent: Percent | None = None
    packed_min: Annotated[int, Field(ge=0, le=10**6)]
    delivered_min: Annotated[int, Field(ge=0, le=10**6)]
    active_days_min: Annotated[int, Field(ge=0, le=366)]
    non_compliant_max_percent: Percent | None = None
    thin_bags_max_percent: Percent | None = None


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
