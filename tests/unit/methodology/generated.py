"""Parcels and deliveries for the properties: four of five hang together, the others are wild.

What hangs together has packaging that can cover the parcel, goods that fit, rounds that its vehicle can make, and
mostly one who states it all. Wild facts contradict each other, so nearly all of them count as undeclared.
"""

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace
from tests.unit.methodology.choices import Choices, chosen
from tests.unit.methodology.honest import METHOD

from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
    ReusableAsset,
    Round,
)
from greenlane.methodology.parcel.space import product_mm3, surface_mm2
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    RoundDensity,
    StatedBy,
    Vehicle,
)

FIRST_DAY, LAST_DAY = date(2024, 1, 1).toordinal(), date(2027, 12, 31).toordinal()
ROLES, KINDS, MATERIALS, VEHICLES = tuple(ComponentRole), tuple(OuterKind), tuple(Material), tuple(Vehicle)
COVERING = tuple(material for material in Material if METHOD.materials[material].least_mg_per_m2)
FILMS = tuple(material for material in COVERING if METHOD.materials[material].film)
ROUNDERS = tuple(name for name in Vehicle if METHOD.vehicles[name].km or METHOD.vehicles[name].kwh_km)
HAULERS = tuple(name for name in Vehicle if METHOD.vehicles[name].tkm or METHOD.vehicles[name].kwh_tkm)
SAID, OTHERS = tuple(StatedBy), tuple(who for who in StatedBy if who is not StatedBy.SELLER)
CODES = ("01", "79", "48", "02", "00004", "00376")
SCHEMES = tuple(CertificateScheme)
CERTIFICATES = ("FSC-C192811", "PEFC-01-00-01", "ABC-12345678-GRS-2107", "ABC-12345678-RCS-2107", "nothing")
FILM_MG_PER_M2_UM = 782


def day(of: Choices) -> date:
    return date.fromordinal(of.number(FIRST_DAY, LAST_DAY))


def item(of: Choices) -> Item:
    """Any goods with sides."""
    length, width, height = (of.number(20, 600) for _ in range(3))
    return Item(of.number(1, 3), of.maybe(70, lambda: of.size(1, 10**8)), length, width, height, of.one_of(SAID))


def outer(of: Choices) -> Outer:
    """Any outer packaging with length and width."""
    height = of.maybe(60, lambda: of.number(20, 600))
    return Outer(of.one_of(KINDS), of.number(20, 600), of.number(20, 600), height, of.one_of(SAID))


def component(of: Choices) -> Component:
    """Any component with a material and a mass."""
    return Component(
        of.one_of(ROLES),
        of.one_of(MATERIALS),
        of.size(1, 300_000),
        of.maybe(60, lambda: of.size(1, 1_000)),
        of.maybe(50, lambda: of.number(1, 1000)) or 0,
        of.maybe(60, lambda: day(of)),
        of.maybe(40, lambda: ReusableAsset("a", of.maybe(80, lambda: of.size(1, 150)))),
        of.maybe(60, lambda: of.one_of(SCHEMES)),
        of.one_of(CERTIFICATES),
        of.one_of(SAID),
    )


def wild_parcel(of: Choices) -> PackedFacts:
    return PackedFacts(
        day(of),
        of.one_of(("VN", "BR")),
        of.some(0, 3, lambda: item(of)),
        of.maybe(80, lambda: outer(of)),
        of.some(0, 5, lambda: component(of)) or None,
        of.maybe(40, lambda: order(of, of.size(1, 10**9))),
    )


def order(of: Choices, volume_mm3: int) -> Order:
    return Order(of.number(1, 5), of.maybe(80, lambda: volume_mm3), of.one_of(SAID))


def fitting_outer(of: Choices) -> Outer:
    """Outer packaging with every side it needs."""
    kind = of.one_of(KINDS)
    if kind is OuterKind.FLEXIBLE_MAILER:
        return Outer(kind, of.number(100, 600), of.number(100, 600), of.maybe(50, lambda: of.size(1, 250)))
    return Outer(kind, of.number(50, 600), of.number(50, 600), of.number(20, 600))


def fitting_item(of: Choices, around: Outer) -> Item:
    """Goods within the sides of their packaging, of any density from air to lead."""
    length, width = (of.number(10, side or 10) for side in (around.length_mm, around.width_mm))
    one = Item(of.one_of((1, 1, 1, 2)), None, length, width, of.number(10, around.height_mm or 60))
    volume = product_mm3((one,)) // one.quantity
    return replace(one, mass_mg=of.maybe(75, lambda: max(1, volume * of.size(1_000, 16_000_000) // 10**6)))


def covering_component(of: Choices, surface: int) -> Component:
    """A component of half to four times the mass that covers the parcel, or of exactly that mass."""
    material = of.one_of((*COVERING, *FILMS, Material.CORRUGATED_BOARD, Material.KRAFT_PAPER))
    row, thickness = METHOD.materials[material], of.maybe(70, lambda: of.size(4, 700))
    least = max(row.least_mg_per_m2, FILM_MG_PER_M2_UM * (thickness or 0) if row.film else 0)
    needed = least * surface // 10**6 + 1
    return Component(
        ComponentRole.OUTER,
        material,
        needed * of.number(2, 16) // 4 if of.chance(80) else needed,
        thickness,
        of.maybe(40, lambda: of.number(1, 1000)) or 0,
        of.maybe(80, lambda: day(of) if of.chance(40) else date.fromordinal(LAST_DAY)),
        of.maybe(25, lambda: ReusableAsset("a", of.maybe(80, lambda: of.size(1, 150)))),
        CertificateScheme.FSC if of.chance(80) else of.maybe(50, lambda: of.one_of(SCHEMES)),
        of.one_of(CERTIFICATES[:1] * 4 + CERTIFICATES),
    )


def plausible_parcel(of: Choices) -> PackedFacts:
    around = fitting_outer(of)
    goods = of.some(0, 2, lambda: fitting_item(of, around))
    volume = product_mm3(goods) or 10**6
    facts = PackedFacts(
        day(of),
        of.one_of(("VN", "VN", "BR")),
        goods,
        around,
        (covering_component(of, surface_mm2(around)), *of.some(0, 2, lambda: component(of))),
        of.maybe(40, lambda: order(of, volume * of.size(50, 20_000) // 100)),
    )
    return stated(of, facts)


def stated(of: Choices, facts: PackedFacts) -> PackedFacts:
    """By one of the others altogether, or each fact by anybody."""
    one = of.maybe(70, lambda: of.one_of(OTHERS))

    def by() -> StatedBy:
        return of.one_of(SAID) if one is None else one

    assert facts.outer is not None, "it hangs together"
    return replace(
        facts,
        items=tuple(replace(each, stated_by=by()) for each in facts.items),
        outer=replace(facts.outer, stated_by=by()),
        components=tuple(replace(part, stated_by=by()) for part in facts.components or ()),
        order=None if facts.order is None else replace(facts.order, stated_by=by()),
    )


def a_parcel(of: Choices) -> PackedFacts:
    return plausible_parcel(of) if of.chance(80) else wild_parcel(of)


def wrapped_parcel(of: Choices) -> PackedFacts:
    """A parcel of July 2026 in Vietnam around which films and paper may lie."""
    materials = (Material.LDPE_FILM, Material.BUBBLE_WRAP, Material.PP, Material.KRAFT_PAPER)

    def film() -> Component:
        thickness = of.maybe(70, lambda: of.number(20, 80))
        return Component(of.one_of(ROLES), of.one_of(materials), of.number(1_000, 60_000), thickness)

    return PackedFacts(date(2026, 7, 1), "VN", (), fitting_outer(of), of.some(1, 4, film))


def element(of: Choices) -> ChainElement:
    """Any chain element."""
    return ChainElement(
        of.one_of(tuple(ChainRole)),
        of.maybe(80, lambda: of.one_of(VEHICLES)),
        of.maybe(50, lambda: of.size(1, 3_000_000)),
        of.one_of(tuple(DistanceBasis)),
        of.maybe(40, lambda: Energy(of.one_of(tuple(EnergyCarrier)), of.size(1, 10**5), of.number(1, 200))),
        of.maybe(70, lambda: Round(of.number(300, 250_000), of.number(1, 200))),
        of.maybe(30, lambda: of.one_of(tuple(RoundDensity))),
        of.chance(30),
        of.one_of(SAID),
    )


def possible_round(of: Choices, role: ChainRole) -> ChainElement:
    """A round that its vehicle can make, sometimes with the energy of its own."""
    vehicle = of.one_of(ROUNDERS)
    row = METHOD.vehicles[vehicle]
    parcels = of.number(1, min(row.limits.round_parcels, row.limits.payload_mg // METHOD.delivery.usual_mass_mg))
    trip = Round(of.number(max(500, 90 * parcels), min(row.limits.round_m, 1_000 + 400 * parcels)), parcels)
    energy = None
    if row.carrier is not None and of.chance(50):
        least, most = row.energy_per_km
        energy = Energy(row.carrier, -(-trip.distance_m * of.number(least, most) // 1000), parcels)
    return ChainElement(role, vehicle, energy=energy, round=trip, temperature_controlled=of.chance(20))


def possible_leg(of: Choices) -> ChainElement:
    """A leg of line-haul by a vehicle that does line-haul."""
    distance = of.maybe(60, lambda: of.number(100_000, 2_000_000))
    basis = None if distance is None else of.one_of(tuple(DistanceBasis))
    cooled = of.chance(20)
    return ChainElement(
        ChainRole.LINE_HAUL, of.one_of(HAULERS), distance, basis, temperature_controlled=cooled, round=None
    )


def place(of: Choices) -> Place:
    return Place("VN", of.one_of(CODES) if of.chance(95) else "99999", of.one_of(tuple(PlaceKind)), of.one_of(SAID))


def wild_delivery(of: Choices) -> DeliveredFacts:
    return DeliveredFacts(
        day(of),
        of.size(1, 100_000_000),
        place(of),
        place(of),
        of.number(1, 20),
        of.some(0, 4, lambda: element(of)) or None,
        hubs(of),
    )


def hubs(of: Choices) -> tuple[Hub, ...]:
    return of.some(0, 3, lambda: Hub(of.maybe(70, lambda: of.size(1, 10**6) - 1), of.one_of(SAID)))


def plausible_delivery(of: Choices) -> DeliveredFacts:
    """A whole chain, by one of the others altogether or each fact by anybody; one in ten parts is double."""
    one = of.maybe(70, lambda: of.one_of(OTHERS))

    def by() -> StatedBy:
        return of.one_of(SAID) if one is None else one

    def rounds(role: ChainRole) -> Sequence[ChainElement]:
        return [possible_round(of, role) for _ in range(2 if of.chance(10) else 1)]

    start, end = (replace(place(of), stated_by=by()) for _ in range(2))
    legs = of.some(1, 2, lambda: possible_leg(of)) if start.code != end.code or of.chance(20) else ()
    chain = (*rounds(ChainRole.FIRST_MILE), *legs, *rounds(ChainRole.LAST_MILE))
    return DeliveredFacts(
        day(of),
        of.size(1, 60_000_000),
        start,
        end,
        of.one_of((1, 1, 1, 2, 3, 20)),
        tuple(replace(each, stated_by=by()) for each in chain),
        hubs(of),
    )


def a_delivery(of: Choices) -> DeliveredFacts:
    return plausible_delivery(of) if of.chance(80) else wild_delivery(of)


items, outers, components = chosen(item, 32), chosen(outer, 32), chosen(component, 64)
parcels, wrapped, deliveries = chosen(a_parcel, 384), chosen(wrapped_parcel, 96), chosen(a_delivery, 256)
