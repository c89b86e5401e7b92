"""Section 3 of method 2.0.0, written a second time from the document: deliveries and returns."""

import datetime as dt
import math
from dataclasses import dataclass
from fractions import Fraction

from tests.audit.document import Point, Vehicle, bound, energy_factor, factor, places, vehicles
from tests.audit.facts import MILLION, MOST_RATIO, Facts, Sums, by_others, ratio, thousandths

FIRST_MILE, LAST_MILE, HUB = 32_784, 46_880, 18_187  # section 3.1, mg
USUAL_MASS_MG = 700_000  # section 3.1
FAR_M = 50_000  # section 3.1
UNKNOWN_WAY_M = 1_366_000  # section 3.3
EARTH_M = 6_371_008.8  # section 3.6
NEW_CODES = dt.date(2025, 7, 1)  # section 3.6
COUNTRYSIDE = Fraction(44_000 * 60, 63_000 * 100)  # section 3.2
LORRY = "hgv.all.wtw.tkm"
AIR = "aircraft_domestic"


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
    return cost_of(vehicle, element, trip, role)


def cost_of(vehicle: Vehicle, element: Facts, trip: Trip, role: str) -> Round | str:
    """What a possible round costs, by km or by its energy."""
    assert vehicle.per_km is not None, "the vehicle makes rounds"
    distance, parcels = thousandths(element["round"]["distance_km"]), int(element["round"]["parcels"])
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
    return round(sum(one * metre / whole for one, metre in zip(figures, distances, strict=True)))


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
    counts = min(sum(min(one, default) for one in proven) + missing * default, trip.way.hubs * default)
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
    asked = parts if trip.way.far else [first, last, hubs]
    complete = trip.way.known and not any(part.undeclared or part.implausible for part in asked)
    elements = [one for one in data.get("transport_chain") or [] if trip.way.far or one["role"] != "line_haul"]
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
