"""Scoring method 2.0.0, written a second time from its document alone: an event becomes integers.

The sections named here are those of `schemas/methodology/method-2.0.0.md`. Nothing of the product is used.
"""

import base64
import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.audit.document import (
    Material,
    Point,
    Vehicle,
    bound,
    certificate_forms,
    energy_factor,
    factor,
    materials,
    places,
    thin_bag_rules,
    vehicles,
)

Sums = dict[str, int]
Facts = Mapping[str, Any]

MILLION = 1_000_000
MOST_RATIO = 2_000_000  # section 1
FILM_G_PER_M2_UM = Fraction("0.782")  # sections 2.1 and 2.4
BASE = {"co2e": 334_780, "plastic": 79_000, "mass": 166_000}  # section 2.2, mg
BASE_VOLUME = 3_000_000  # section 2.2, mm³
LEAST_VOLUME = 832_000  # section 2.2, mm³
FIRST_MILE, LAST_MILE, HUB = 32_784, 46_880, 18_187  # section 3.1, mg
USUAL_MASS_MG = 700_000  # section 3.1
FAR_M = 50_000  # section 3.1
UNKNOWN_WAY_M = 1_366_000  # section 3.3
EARTH_M = 6_371_008.8  # section 3.6
NEW_CODES = dt.date(2025, 7, 1)  # section 3.6
COUNTRYSIDE = Fraction(44_000 * 60, 63_000 * 100)  # section 3.2
LORRY = "hgv.all.wtw.tkm"
AIR = "aircraft_domestic"
DIMENSIONS = {
    "greenlane.parcel.packed.v1": "packaging",
    "greenlane.parcel.delivered.v1": "delivery",
    "greenlane.parcel.returned.v1": "return",
    "greenlane.packaging.recovered.v1": "circularity",
}


def data_of(event: Facts) -> dict[str, Any]:
    """The event's data, plain or as base64."""
    if event.get("data") is not None:
        return dict(event["data"])
    return dict(json.loads(base64.b64decode(event["data_base64"])))


def instant(event: Facts) -> dt.datetime:
    """When it happened, in UTC."""
    return dt.datetime.fromisoformat(event["time"].upper()).astimezone(dt.UTC)


def day_of(event: Facts) -> dt.date:
    """The UTC day of an event (section 1)."""
    return instant(event).date()


def assess(event: Facts) -> Sums:
    """The named sums of one event; what is 0 is present as well."""
    dimension = DIMENSIONS[event["type"]]
    data = data_of(event)
    if dimension == "packaging":
        return packed(data, instant(event))
    if dimension == "circularity":
        return recovered(data)
    return transported(data, day_of(event), back=dimension == "return")


def recovered(data: Facts) -> Sums:
    """Section 3.5, the last sentence."""
    return {
        "recoveries": 1,
        "recovered_assets": int(data["kind"] == "reusable_asset"),
        "recovered_mass_mg": thousandths(data["mass_g"]),
    }


def thousandths(number: Any) -> int:
    """A decimal times 1,000, rounded (section 1)."""
    return round(Fraction(str(number)) * 1000)


def by_others(facts: Facts) -> bool:
    """Whether somebody else than the seller states these facts."""
    return (facts.get("stated_by") or "seller") != "seller"


# Section 2: packaging.


@dataclass(frozen=True)
class Component:
    """A component with a mass and a material, and what counts of it."""

    material: Material
    mass_mg: int
    thickness_um: int | None
    share: Fraction
    trips: int
    others: bool

    @property
    def co2e_mg(self) -> int:
        per_kg = self.material.primary + self.share * (self.material.closed_loop - self.material.primary)
        return round(self.mass_mg * per_kg / self.trips)

    @property
    def plastic_mg(self) -> int:
        return round(Fraction(self.mass_mg, self.trips)) if self.material.plastic else 0

    @property
    def circular_mg(self) -> int:
        return min(self.mass_mg, round(self.mass_mg * (self.share + Fraction(self.trips - 1, self.trips))))

    @property
    def covers_mm2(self) -> int:
        g_per_m2 = self.material.cover
        if not g_per_m2:
            return 0
        if self.material.film and self.thickness_um is not None:
            g_per_m2 = max(g_per_m2, FILM_G_PER_M2_UM * self.thickness_um)
        return math.floor(self.mass_mg * 1000 / g_per_m2)

    def thin_film(self, surface: int) -> bool:
        """Section 2.4."""
        if not self.material.film:
            return False
        least, most = bound("film_thickness_um")
        if self.thickness_um is None:
            return Fraction(self.mass_mg, 1000) <= FILM_G_PER_M2_UM * most * Fraction(surface, MILLION)
        return self.thickness_um < 50 or not least <= self.thickness_um <= most


def local_day(country: str, time: dt.datetime) -> dt.date:
    """The local day of the country of packing (section 1)."""
    return (time + dt.timedelta(hours={"VN": 7, "BR": -3}.get(country, 0))).date()


def share_of(component: Facts, day: dt.date) -> Fraction:
    """The recycled content that counts."""
    certificate = component.get("certificate")
    if certificate is None or not by_others(component) or certificate.get("scheme") is None:
        return Fraction(0)
    form = certificate_forms()[certificate["scheme"]]
    if form.fullmatch(certificate["certificate_id"]) is None:
        return Fraction(0)
    if dt.date.fromisoformat(certificate["valid_until"]) < day:
        return Fraction(0)
    return Fraction(round(Fraction(str(component.get("recycled_content_percent") or 0)) * 10), 1000)


def trips_of(component: Facts) -> int:
    """The trips of a reusable asset that count."""
    asset = component.get("reusable_asset")
    if asset is None or asset.get("verified_trips") is None or not by_others(component):
        return 1
    least, most = bound("carrier_trips" if component["stated_by"] == "carrier" else "verified_trips")
    trips = int(asset["verified_trips"])
    return trips if least <= trips <= most else 1


def component_of(facts: Facts, day: dt.date) -> Component | None:
    if facts.get("material") is None or facts.get("mass_g") is None:
        return None
    thickness = facts.get("film_thickness_um")
    return Component(
        material=materials()[facts["material"]],
        mass_mg=thousandths(facts["mass_g"]),
        thickness_um=None if thickness is None else int(thickness),
        share=share_of(facts, day),
        trips=trips_of(facts),
        others=by_others(facts),
    )


@dataclass(frozen=True)
class Outer:
    """The outer packaging with the sides it has."""

    mailer: bool
    length: int | None
    width: int | None
    height: int | None
    others: bool

    @property
    def declared(self) -> bool:
        return None not in {self.length, self.width} and (self.mailer or self.height is not None)

    @property
    def product(self) -> int:
        """The product of the three sides, 0 if one is missing."""
        return (self.length or 0) * (self.width or 0) * (self.height or 0)

    @property
    def holds(self) -> int:
        if not self.mailer:
            return self.product
        length, width = self.length or 0, self.width or 0
        return max(self.product, length * width * min(length, width) // 2)

    @property
    def surface(self) -> int:
        length, width, height = self.length or 0, self.width or 0, self.height or 0
        return 2 * (length * width + length * height + width * height)

    @property
    def large(self) -> bool:
        """Neither length nor width is below 500 mm."""
        return self.length is not None and self.width is not None and min(self.length, self.width) >= 500


def outer_of(facts: Facts | None) -> Outer:
    if facts is None:
        return Outer(mailer=False, length=None, width=None, height=None, others=False)
    length, width, height = (
        None if facts.get(name) is None else int(facts[name]) for name in ("length_mm", "width_mm", "height_mm")
    )
    return Outer(facts["kind"] == "flexible_mailer", length, width, height, by_others(facts))


def volume_of(items: Iterable[Facts]) -> int:
    """The volume of the items in mm³, 0 unless every item has three sides."""
    total = 0
    for item in items:
        sides = [item.get(name) for name in ("length_mm", "width_mm", "height_mm")]
        if None in sides:
            return 0
        total += quantity(item) * math.prod(int(side) for side in sides if side is not None)
    return total


def quantity(item: Facts) -> int:
    return int(item["quantity"]) if item.get("quantity") is not None else 1


def possible_goods(items: Sequence[Facts], volume: int) -> bool:
    """Whether the items of a volume weigh what goods weigh; one without a mass, and they pass."""
    if any(item.get("mass_g") is None for item in items):
        return True
    least, most = bound("goods_g_per_m3")
    mass_mg = sum(quantity(item) * thousandths(item["mass_g"]) for item in items)
    return least <= Fraction(mass_mg * MILLION, volume) <= most


def scale(volume: int) -> int:
    """k of section 2.2: the integer nearest to 1,000,000 x (volume / 3 l)^(2/3)."""
    cube = Fraction(volume, BASE_VOLUME) ** 2 * MILLION**3
    low = round(math.cbrt(cube))
    while Fraction(2 * low - 1, 2) ** 3 > cube:
        low -= 1
    while Fraction(2 * low + 1, 2) ** 3 < cube:
        low += 1
    return low


def reference(volume: int, what: str) -> int:
    return max(1, round(Fraction(scale(max(volume, LEAST_VOLUME)) * BASE[what], MILLION)))


def split_reference(order: Facts, own: int | None, what: str) -> int:
    """The reference of a part of a split order; `own` is the volume of the items if it counts."""
    alone = reference(own or 0, what)
    whole = order.get("product_volume_ml")
    whole_mm3 = None if whole is None else int(whole) * 1000
    if own is None or whole_mm3 is None or whole_mm3 < own:
        part = reference(0, what) // int(order["parcels"])
    else:
        part = reference(whole_mm3, what) * own // whole_mm3
    return min(max(1, part), alone)


def references(data: Facts, own: int | None) -> dict[str, int]:
    order = data.get("order")
    if order is not None and int(order["parcels"]) > 1 and by_others(order):
        return {what: split_reference(order, own, what) for what in BASE}
    return {what: reference(own or 0, what) for what in BASE}


def ratio(what: int, beside: int) -> int:
    """In millionths, at most 2,000,000."""
    return min(MOST_RATIO, round(Fraction(MILLION * what, beside)))


@dataclass(frozen=True)
class Parcel:
    """What section 2.1 says of a packed parcel; `volume` is that of possible goods that fit, `mass_mg` of all parts."""

    components: list[Component]
    mass_mg: int
    outer: Outer
    volume: int
    own_volume: int | None
    undeclared: bool
    thin_bag: bool
    measured: bool


def possible(parts: list[Component], outer: Outer, volume: int, *, whole: bool) -> bool:
    """The first four conditions of section 2.1."""
    covers = sum(part.covers_mm2 for part in parts) >= outer.surface
    return whole and bool(parts) and outer.declared and volume <= outer.holds and covers


def has_thin_bag(parts: list[Component], outer: Outer, country: str, day: dt.date, *, declared: bool) -> bool:
    """Section 2.4."""
    if not any(country == where and first <= day <= last for where, first, last in thin_bag_rules()):
        return False
    if not declared:
        return True
    thick = sum(part.covers_mm2 for part in parts if not part.thin_film(outer.surface))
    return not (outer.large or thick >= outer.surface)


def parcel_of(data: Facts, time: dt.datetime) -> Parcel:
    items = data.get("items") or []
    declared = data.get("components") or []
    country = data["country"]
    day = local_day(country, time)
    read = [component_of(component, day) for component in declared]
    parts = [part for part in read if part is not None]
    outer = outer_of(data.get("outer"))
    volume = volume_of(items)
    fits = outer.declared and 0 < volume <= outer.holds and possible_goods(items, volume)
    counts = fits and outer.others and all(by_others(item) for item in items)
    whole = possible(parts, outer, volume, whole=len(parts) == len(declared))
    thin = has_thin_bag(parts, outer, country, day, declared=whole)
    complete = whole and not thin
    return Parcel(
        components=parts,
        mass_mg=sum(thousandths(part["mass_g"]) for part in declared if part.get("mass_g") is not None),
        outer=outer,
        volume=volume if fits else 0,
        own_volume=volume if counts else None,
        undeclared=not complete,
        thin_bag=thin,
        measured=complete and outer.others and all(part.others and part.material.known for part in parts),
    )


def empty_milli(parcel: Parcel) -> int:
    """The points of empty space in thousandths."""
    if parcel.own_volume is None:
        return 0
    if parcel.outer.mailer:
        return 100_000
    empty = 1 - Fraction(parcel.own_volume, parcel.outer.product)
    return round(100_000 * min(max((Fraction("0.6") - empty) / Fraction("0.5"), Fraction(0)), Fraction(1)))


def packed(data: Facts, time: dt.datetime) -> Sums:
    """The sums of section 2.3."""
    parcel = parcel_of(data, time)
    beside = references(data, parcel.own_volume)
    parts = parcel.components
    declared = {
        "co2e": sum(part.co2e_mg for part in parts),
        "plastic": sum(part.plastic_mg for part in parts),
        "mass": parcel.mass_mg,
    }
    counted = {what: max(declared[what], 2 * beside[what]) if parcel.undeclared else declared[what] for what in BASE}
    circular = 0 if parcel.undeclared else sum(part.circular_mg for part in parts)
    ratios = {
        what: MOST_RATIO if parcel.undeclared else ratio(declared[what], beside[what]) for what in ("co2e", "plastic")
    }
    known = [] if parcel.undeclared else [part for part in parts if part.material.known]
    both = bool(parcel.volume and not parcel.outer.mailer)
    return {
        "parcels": 1,
        "packaging_mass_mg": counted["mass"],
        "plastic_mass_mg": counted["plastic"],
        "packaging_co2e_mg": counted["co2e"],
        "measured_co2e_mg": sum(part.co2e_mg for part in known if part.others),
        "declared_co2e_mg": sum(part.co2e_mg for part in known if not part.others),
        "outer_volume_mm3": parcel.outer.product if both else 0,
        "empty_volume_mm3": parcel.outer.product - parcel.volume if both else 0,
        "circular_mass_mg": circular,
        "co2e_ratio": ratios["co2e"],
        "plastic_ratio": ratios["plastic"],
        "empty_space_milli": empty_milli(parcel),
        "circular_milli": round(Fraction(100_000 * circular, declared["mass"])) if parcel.measured else 0,
        "complete_parcels": int(not parcel.undeclared),
        "thin_bag_parcels": int(parcel.thin_bag),
        "measured_parcels": int(parcel.measured),
        "measured_co2e_ratio": ratios["co2e"] if parcel.measured else 0,
        "measured_plastic_ratio": ratios["plastic"] if parcel.measured else 0,
    }


# Section 3: delivery.


def row_of(place: Facts, day: dt.date) -> tuple[str, dict[str, str]] | None:
    """The table that holds a place, and its row (section 3.6)."""
    code = place["code"]
    if place["country"] == "BR":
        names = ["br_municipalities"]
    elif place["country"] == "VN" and len(code) == 2:
        names = ["vn_provinces_63", "vn_provinces_34"] if day < NEW_CODES else ["vn_provinces_34", "vn_provinces_63"]
    elif place["country"] == "VN" and len(code) == 5:
        names = ["vn_wards_2025"]
    else:
        names = []
    for name in names:
        row = places(name).get(code)
        if row is not None:
            return name, row
    return None


def point_of(place: Facts, day: dt.date) -> Point | None:
    found = row_of(place, day)
    return None if found is None else (float(found[1]["lat"]), float(found[1]["lon"]))


def great_circle_m(one: Point, other: Point) -> int:
    """The haversine in whole metres."""
    lat1, lon1, lat2, lon2 = (math.radians(degrees) for degrees in (*one, *other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_M * math.asin(math.sqrt(h)))


def in_the_country(place: Facts, day: dt.date) -> bool:
    """Whether a place is a rural commune."""
    found = row_of(place, day)
    return found is not None and found[1].get("kind") == "country"


def outside_two_cities(place: Facts, day: dt.date) -> tuple[int, int]:
    """Whether a place lies outside Hanoi and Ho Chi Minh City, in the coding of 63 and that of 34."""
    found = row_of(place, day)
    if found is None or place["country"] != "VN":
        return 0, 0
    name, row = found
    cities = {"01", "79"}
    if name == "vn_provinces_63":
        return int(row["code"] not in cities), int(row["code_34"] not in cities)
    province = row["code"] if name == "vn_provinces_34" else row.get("province")
    outside = int(province not in cities)
    return outside, outside


@dataclass(frozen=True)
class Way:
    """The way between the two places; both figures are None when it is not known."""

    great_circle: int | None
    metres: int | None

    @property
    def known(self) -> bool:
        return self.metres is not None

    @property
    def far(self) -> bool:
        return self.metres is None or self.metres > FAR_M

    @property
    def hubs(self) -> int:
        return 2 if self.far else 1


def way_between(origin: Facts, destination: Facts, day: dt.date) -> Way:
    if (origin["country"], origin["code"]) == (destination["country"], destination["code"]):
        return Way(0, 0)
    points = point_of(origin, day), point_of(destination, day)
    if points[0] is None or points[1] is None:
        return Way(None, None)
    circle = great_circle_m(points[0], points[1])
    return Way(circle, round(circle * Fraction(6, 5)))


@dataclass(frozen=True)
class Trip:
    """A delivery or a return, and what all its parts need."""

    data: Facts
    day: dt.date
    back: bool
    way: Way

    @property
    def mass_mg(self) -> int:
        return thousandths(self.data["mass_g"])

    @property
    def attempts(self) -> int:
        return int(self.data["attempts"])

    def elements(self, role: str) -> list[Facts]:
        return [element for element in self.data.get("transport_chain") or [] if element["role"] == role]

    def country(self, role: str) -> str:
        """The country whose electricity and fuel a part uses."""
        return str(self.data["destination" if role == "last_mile" else "origin"]["country"])

    def reference(self, role: str) -> int:
        """The reference of a round."""
        return LAST_MILE if (role == "last_mile") != self.back else FIRST_MILE


@dataclass(frozen=True)
class Part:
    """A part of the chain: what counts in the ratio, and its figures of the inventory by category."""

    counts: int
    inventory: int
    undeclared: bool
    implausible: bool
    measured: int = 0
    declared: int = 0
    modelled: int = 0


@dataclass(frozen=True)
class Round:
    """An element that makes a round."""

    counts: int
    inventory: int
    category: str


def vehicle_of(element: Facts) -> Vehicle | None:
    return None if element.get("vehicle") is None else vehicles()[element["vehicle"]]


def figure(value: Fraction, trip: Trip, role: str, *, electric: bool) -> Fraction:
    """A figure per km or tonne-km in kg of CO2e."""
    return value * energy_factor(trip.country(role), "electricity", trip.day) if electric else value


def round_possible(vehicle: Vehicle, distance: int, parcels: int, trip: Trip) -> bool:
    """The first paragraph of the bounds in section 6."""
    most = vehicle.parcels
    if trip.data["destination"].get("kind") in {"locker", "pickup_point"}:
        most = max(most, bound("locker_parcels")[1])
    return (
        distance <= vehicle.round_m
        and parcels <= most
        and distance >= bound("round_distance_m")[0]
        and distance >= bound("metres_per_parcel")[0] * parcels
        and parcels * USUAL_MASS_MG <= vehicle.payload_mg
        and trip.mass_mg <= vehicle.payload_mg
    )


def energy_possible(energy: Facts, vehicle: Vehicle, distance: int, parcels: int) -> bool:
    amount = thousandths(energy["kwh" if energy["carrier"] == "electricity" else "litres"])
    per_km = Fraction(amount, distance)
    return (
        energy["carrier"] == vehicle.energy
        and int(energy["parcels"]) == parcels
        and vehicle.least_per_km <= per_km <= vehicle.most_per_km
    )


def energy_mg(energy: Facts, trip: Trip, role: str, parcels: int) -> int:
    amount = thousandths(energy["kwh" if energy["carrier"] == "electricity" else "litres"])
    return round(amount * energy_factor(trip.country(role), energy["carrier"], trip.day) * 1000 / parcels)


def round_of(element: Facts, trip: Trip, role: str) -> Round | str | None:
    """The round of an element; None when it is undeclared, a word when it is implausible."""
    vehicle = vehicle_of(element)
    if vehicle is None:
        return None
    if vehicle.per_km is None:
        return "vehicle"
    if element.get("round") is None:
        return None
    distance, parcels = thousandths(element["round"]["distance_km"]), int(element["round"]["parcels"])
    if not round_possible(vehicle, distance, parcels, trip):
        return "round"
    per_km = figure(vehicle.per_km, trip, role, electric=vehicle.electric_km) * distance * 1000 / parcels
    counts = round(per_km)
    cooled = round(per_km * vehicle.cooling) if element.get("temperature_controlled") else counts
    said = "measured" if by_others(element) else "declared"
    energy = element.get("energy")
    if energy is None:
        return Round(counts, cooled, "modelled" if vehicle.stands_in else said)
    if not energy_possible(energy, vehicle, distance, parcels):
        return "energy"
    used = energy_mg(energy, trip, role, parcels)
    return Round(min(used, counts), used, said)


def buyers_round(trip: Trip, role: str) -> tuple[bool, Facts]:
    """Whether the role is the buyer's round, and the buyer's place."""
    place: Facts = trip.data["origin" if trip.back else "destination"]
    return role == ("first_mile" if trip.back else "last_mile"), place


def round_part(trip: Trip, role: str) -> Part:
    """A first or last mile."""
    read = [round_of(element, trip, role) for element in trip.elements(role)]
    rounds = [one for one in read if isinstance(one, Round)]
    times = trip.attempts if role == "last_mile" else 1
    most = 3 * trip.reference(role)
    implausible = any(isinstance(one, str) for one in read)
    by = {
        category: sum(one.inventory * times for one in rounds if one.category == category)
        for category in ("measured", "declared", "modelled")
    }
    undeclared = len(read) - len(rounds) if read else 1
    if undeclared:
        inventory = sum(by.values()) + undeclared * most * times
        return Part(most, inventory, undeclared=True, implausible=implausible, **by)
    counts = sum(one.counts * times for one in rounds)
    buyers, place = buyers_round(trip, role)
    if buyers and by_others(place) and in_the_country(place, trip.day):
        counts = round(counts * COUNTRYSIDE)
    return Part(min(counts, most), sum(by.values()), undeclared=False, implausible=implausible, **by)


@dataclass(frozen=True)
class Leg:
    """A leg of the line-haul that counts."""

    vehicle: Vehicle
    per_tkm: Fraction
    cooled: bool
    metres: int | None


def leg_of(element: Facts, trip: Trip) -> Leg | str | None:
    vehicle = vehicle_of(element)
    if vehicle is None:
        return None
    if vehicle.per_tkm is None:
        return "vehicle"
    if trip.mass_mg > vehicle.payload_mg:
        return "payload"
    return Leg(
        vehicle=vehicle,
        per_tkm=figure(vehicle.per_tkm, trip, "line_haul", electric=vehicle.electric_tkm),
        cooled=bool(element.get("temperature_controlled")),
        metres=travelled_m(element),
    )


def travelled_m(element: Facts) -> int | None:
    """The distance of a leg (section 3.3)."""
    if element.get("round") is not None:
        return thousandths(element["round"]["distance_km"])
    if element.get("distance_km") is None:
        return None
    declared = thousandths(element["distance_km"])
    by_road = element["distance_basis"] == "great_circle" and element.get("vehicle") != AIR
    return declared * 6 // 5 if by_road else declared


def line_haul_reference(trip: Trip, mass_mg: int) -> int:
    """An average lorry over the way."""
    metres = UNKNOWN_WAY_M if trip.way.metres is None else trip.way.metres
    return round(Fraction(mass_mg, 1000) * metres * factor(LORRY) / 1000)


def legs_count(legs: list[Leg], metres: int, *, ignore: bool) -> int:
    """What the legs count in the ratio."""
    figures = [leg.per_tkm * leg.vehicle.detour * USUAL_MASS_MG * metres / MILLION for leg in legs]
    distances = [leg.metres for leg in legs if leg.metres is not None]
    whole = sum(distances)
    if ignore or len(distances) < len(legs) or whole == 0:
        return round(max(figures))
    return sum(round(one * metre / whole) for one, metre in zip(figures, distances, strict=True))


def short(elements: list[Facts], trip: Trip) -> bool:
    """Whether all legs declare a distance, and together too little of the great circle."""
    distances = [metres for metres in map(travelled_m, elements) if metres is not None]
    if not elements or len(distances) < len(elements) or not trip.way.great_circle:
        return False
    least = trip.way.great_circle - bound("line_haul_shortfall_m")[1]
    return sum(distances) < least or sum(distances) == 0


def leg_mg(leg: Leg, trip: Trip, *, ignore: bool) -> int:
    """A leg in the inventory."""
    metres = leg.metres
    if metres is None or ignore:
        way = UNKNOWN_WAY_M if trip.way.metres is None else trip.way.metres
        metres = math.floor(way * leg.vehicle.detour)
    cooling = leg.vehicle.cooling if leg.cooled else 1
    return round(Fraction(trip.mass_mg * metres, MILLION) * leg.per_tkm * cooling)


def line_haul(trip: Trip) -> Part:
    elements = trip.elements("line_haul")
    read = [leg_of(element, trip) for element in elements]
    legs = [one for one in read if isinstance(one, Leg)]
    ignore = short(elements, trip)
    implausible = ignore or any(isinstance(one, str) for one in read)
    modelled = sum(leg_mg(leg, trip, ignore=ignore) for leg in legs)
    most = 8 * line_haul_reference(trip, USUAL_MASS_MG) if trip.way.far else 0
    if len(legs) < len(read) or (trip.way.far and not read):
        whole = max(modelled, 8 * line_haul_reference(trip, trip.mass_mg))
        return Part(most, whole, undeclared=True, implausible=implausible)
    counts = 0
    if trip.way.far and trip.way.metres is not None:
        counts = min(most, legs_count(legs, trip.way.metres, ignore=ignore))
    return Part(counts, modelled, undeclared=False, implausible=implausible, modelled=modelled)


def hubs_part(trip: Trip) -> Part:
    """The hubs: the figures of others in the ratio, those of anybody in the inventory."""
    default = round(Fraction(3, 2) * HUB)
    hubs = [hub for hub in trip.data.get("hubs") or [] if hub.get("co2e_g") is not None]
    proven = [thousandths(hub["co2e_g"]) for hub in hubs if by_others(hub)]
    missing = max(0, trip.way.hubs - len(proven))
    counts = min(sum(proven) + missing * default, trip.way.hubs * default)
    inventory = sum(thousandths(hub["co2e_g"]) for hub in hubs) + max(0, trip.way.hubs - len(hubs)) * default
    return Part(counts, inventory, undeclared=False, implausible=False)


def ratio_of(trip: Trip, parts: list[Part]) -> int:
    if not trip.way.known:
        return MOST_RATIO
    beside = FIRST_MILE + LAST_MILE + trip.way.hubs * HUB
    if trip.way.far:
        beside += line_haul_reference(trip, USUAL_MASS_MG)
    return ratio(sum(part.counts for part in parts), beside)


def zero_tailpipe(trip: Trip) -> bool:
    """Whether there is a last mile, and each by a vehicle without a tailpipe."""
    last = [vehicle_of(element) for element in trip.elements("last_mile")]
    return bool(last) and all(
        vehicle is not None and vehicle.per_km is not None and vehicle.energy in {None, "electricity"}
        for vehicle in last
    )


def transported(data: Facts, day: dt.date, *, back: bool) -> Sums:
    """The sums of section 3.5."""
    trip = Trip(data, day, back, way_between(data["origin"], data["destination"], day))
    first, last = round_part(trip, "first_mile"), round_part(trip, "last_mile")
    hauled, hubs = line_haul(trip), hubs_part(trip)
    parts = [first, last, hauled, hubs]
    complete = trip.way.known and not any(part.undeclared or part.implausible for part in parts)
    elements = data.get("transport_chain") or []
    stated = [data["origin"], data["destination"], *elements]
    measured = complete and all(by_others(one) for one in stated)
    counted = ratio_of(trip, parts)
    sums = {
        "parcels": 1,
        "return_co2e_mg" if back else "delivery_co2e_mg": sum(part.inventory for part in parts),
        "measured_co2e_mg": sum(part.measured for part in parts),
        "declared_co2e_mg": sum(part.declared for part in parts),
        "modelled_co2e_mg": sum(part.modelled for part in parts),
        "ratio": counted,
        "measured_parcels": int(measured),
        "measured_ratio": counted if measured else 0,
    }
    return sums if back else sums | of_a_delivery(trip, last, hauled, hubs, complete=complete)


def of_a_delivery(trip: Trip, last: Part, hauled: Part, hubs: Part, *, complete: bool) -> Sums:
    """The sums that returns have not."""
    destination = trip.data["destination"]
    outside_63, outside_34 = outside_two_cities(destination, trip.day)
    legs = trip.elements("line_haul")
    return {
        "line_haul_co2e_mg": hauled.inventory,
        "last_mile_co2e_mg": last.inventory,
        "hub_co2e_mg": hubs.inventory,
        "complete_parcels": int(complete),
        "attempts": trip.attempts,
        "first_attempt_parcels": int(trip.attempts == 1),
        "air_parcels": int(any(leg.get("vehicle") == AIR for leg in legs)),
        "pickup_point_parcels": int(destination.get("kind") in {"pickup_point", "locker"}),
        "zero_tailpipe_parcels": int(zero_tailpipe(trip)),
        "outside_two_cities_63_parcels": outside_63,
        "outside_two_cities_34_parcels": outside_34,
    }
