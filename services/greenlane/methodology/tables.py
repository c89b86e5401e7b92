"""The method's tables as plain frozen values; the loader in `factors` makes them from YAML and CSV."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from greenlane.methodology.geography import Places
from greenlane.methodology.rounding import divide_half_even
from greenlane.methodology.sums import MILLION
from greenlane.methodology.vocabulary import CertificateScheme, EnergyCarrier, Material, Vehicle

SCALE = 10**8
"""Factors are integers: the decimal value of the table times this."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document, with the licence under which its figures are passed on."""

    id: str
    document: str
    publisher: str
    year: int
    licence: str
    attribution: str


@dataclass(frozen=True, slots=True)
class Factor:
    """A row as published: `where` names sheet and cell, `formula` how a derived value (grade D) comes about.

    `ttw` is the id of the tank-to-wheel part of a well-to-wheel row.
    """

    id: str
    value: Decimal
    unit: str
    boundary: str
    region: str
    grade: str
    source: Source
    where: str = ""
    formula: str = ""
    ttw: str = ""
    note: str = ""


class Scaled(NamedTuple):
    """A factor on the hot path: its id and its value times SCALE."""

    id: str
    value: int


class PerDistance(NamedTuple):
    """A figure per km or tonne-km: the product of the factors `ids`, value / (SCALE x scale), in kg CO2e or kWh."""

    ids: tuple[str, ...]
    value: int
    scale: int = 1

    def times(self, factor: Scaled) -> "PerDistance":
        """This figure multiplied by another factor."""
        return PerDistance((*self.ids, factor.id), self.value * factor.value, self.scale * SCALE)


class Dated(NamedTuple):
    """A factor valid from a day until the next row of its series."""

    first_day: date
    factor: Scaled


Series = tuple[Dated, ...]
"""Dated rows, newest first."""


@dataclass(frozen=True, slots=True)
class MaterialFactor:
    """kg CO2e per kg, primary and closed-loop; `known` is False for the honest unknowns.

    `least_mg_per_m2` is the least mass that covers a square metre, 0 for what covers nothing; a film covers it with
    its declared thickness.
    """

    primary: Scaled
    recycled: Scaled | None
    plastic: bool
    known: bool
    least_mg_per_m2: int
    film: bool


class VehicleLimits(NamedTuple):
    """What a vehicle can do: payload in mg, the longest round in metres, the most parcels of one; 0: makes none."""

    payload_mg: int
    round_m: int
    round_parcels: int


NO_LIMITS = VehicleLimits(0, 0, 0)
"""Of a vehicle that can do nothing."""


@dataclass(frozen=True, slots=True)
class VehicleFactor:
    """kg CO2e (or kWh) per vehicle-km and per tonne-km, with or without cooling; None where there is no such figure.

    `energy_per_km` is the plausible range in millilitres or watt-hours. `stand_in`: `km` is another vehicle's figure.
    `detour_permille` of the way by road is the vehicle's own way.
    """

    km: PerDistance | None = None
    kwh_km: PerDistance | None = None
    tkm: PerDistance | None = None
    kwh_tkm: PerDistance | None = None
    carrier: EnergyCarrier | None = None
    energy_per_km: tuple[int, int] = (0, 0)
    zero_tailpipe: bool = False
    air: bool = False
    stand_in: bool = False
    detour_permille: int = 1000
    limits: VehicleLimits = NO_LIMITS


class RoundDefault(NamedTuple):
    """A reference round."""

    distance_m: int
    parcels: int


@dataclass(frozen=True, slots=True)
class Distances:
    """How distances are taken: road metres = great circle x numerator / denominator."""

    road_numerator: int
    road_denominator: int
    line_haul_from_m: int
    unknown_distance_m: int


@dataclass(frozen=True, slots=True)
class DeliveryReference:
    """The parts of a usual delivery, in mg a parcel, and what an undeclared part counts as.

    `country` over `town` is how much longer a parcel's part of a round in the countryside is. `usual_mass_mg` weighs
    line-haul against rounds; it is the same on both sides for every parcel.
    """

    seller_round_mg: int
    buyer_round_mg: int
    hub_mg: int
    km: PerDistance
    tkm: PerDistance
    town: RoundDefault
    country: RoundDefault
    collection: RoundDefault
    usual_mass_mg: int
    round_times: int
    line_haul_times: int
    hub_permille: int
    hub_ids: tuple[str, ...]
    undeclared_hub_mg: int


class AveragePackaging(NamedTuple):
    """What an average parcel of a product volume uses, in mg."""

    co2e_mg: int
    plastic_mg: int
    mass_mg: int

    def times(self, scale: int) -> "AveragePackaging":
        """This packaging times `scale` millionths, each figure rounded once."""
        return AveragePackaging(*[divide_half_even(figure * scale, MILLION) or 1 for figure in self])


@dataclass(frozen=True, slots=True)
class PackagingReference:
    """The base parcel and its product volume; every parcel has at least the reference of `least_mm3`."""

    base: AveragePackaging
    base_mm3: int
    least_mm3: int
    least: AveragePackaging
    ids: tuple[str, ...]
    undeclared_times: int


@dataclass(frozen=True, slots=True)
class ThinBagRule:
    """Bags of these plastics are forbidden when a side and the film are below the limits."""

    id: str
    country: str
    valid_from: date
    valid_to: date | None
    below_side_mm: int
    below_thickness_um: int
    materials: frozenset[Material]
    law: str


class Range(NamedTuple):
    """A plausible range, both ends included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Plausibility bounds; outside, a declared fact counts as undeclared.

    The least metres of a round and for each of its parcels; the most parcels of a round to lockers, metres by which
    a line-haul may be shorter than the great circle, and trips of a reusable asset.
    """

    round_distance_m: int
    metres_per_parcel: int
    locker_parcels: int
    line_haul_shortfall_m: int
    verified_trips: int
    carrier_trips: int
    film_thickness_um: Range
    goods_g_per_m3: Range


@dataclass(frozen=True, slots=True)
class Method:
    """Everything the arithmetic needs, loaded once and passed in; `fingerprint` stands for all of it."""

    factors: dict[str, Factor]
    materials: dict[Material, MaterialFactor]
    vehicles: dict[Vehicle, VehicleFactor]
    cooled_vehicles: dict[Vehicle, VehicleFactor]
    carriers: dict[tuple[str, EnergyCarrier], Series]
    delivery: DeliveryReference
    distances: Distances
    packaging: PackagingReference
    certificates: dict[CertificateScheme, str]
    thin_bag_rules: tuple[ThinBagRule, ...]
    bounds: Bounds
    places: Places
    fingerprint: str = ""

    def carrier_factor(self, country: str, carrier: EnergyCarrier, day: date) -> Scaled:
        """The kg CO2e per litre or kWh at the plug, in that country on that day, or of `*` if it has no series."""
        series = self.carriers.get((country, carrier)) or self.carriers["*", carrier]
        for first_day, factor in series:
            if first_day <= day:
                return factor
        return series[-1].factor
