"""Section 2 of method 2.0.0, written a second time from the document: packed parcels."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.audit.document import Material, bound, certificate_forms, materials, thin_bag_rules
from tests.audit.facts import MILLION, MOST_RATIO, Facts, Sums, by_others, ratio, thousandths

FILM_G_PER_M2_UM = Fraction("0.782")  # sections 2.1 and 2.4
BASE = {"co2e": 334_780, "plastic": 79_000, "mass": 166_000}  # section 2.2, mg
BASE_VOLUME = 3_000_000  # section 2.2, mm³
LEAST_VOLUME = 832_000  # section 2.2, mm³


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
    least = max(1, reference(0, what) // int(order["parcels"]))
    if own is None or whole_mm3 is None or whole_mm3 < own:
        return least
    return max(least, min(alone, reference(whole_mm3, what) * own // whole_mm3))


def references(data: Facts, own: int | None) -> dict[str, int]:
    order = data.get("order")
    if order is not None and int(order["parcels"]) > 1 and by_others(order):
        return {what: split_reference(order, own, what) for what in BASE}
    return {what: reference(own or 0, what) for what in BASE}


@dataclass(frozen=True)
class Parcel:
    """What section 2.1 says of a packed parcel; `volume` is that of the inventory, `mass_mg` of all parts."""

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
    fits = outer.declared and 0 < volume <= outer.holds
    others = outer.others and all(by_others(item) for item in items)
    counts = fits and others and possible_goods(items, volume)
    whole = possible(parts, outer, volume, whole=len(parts) == len(declared))
    thin = has_thin_bag(parts, outer, country, day, declared=whole)
    complete = whole and not thin
    return Parcel(
        components=parts,
        mass_mg=sum(thousandths(part["mass_g"]) for part in declared if part.get("mass_g") is not None),
        outer=outer,
        volume=volume if counts or (fits and not others) else 0,
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
