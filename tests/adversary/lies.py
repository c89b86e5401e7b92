"""Lies that physics does not see: about materials, masses of packaging, vehicles, rounds and places."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec.structs import replace
from tests.adversary.acts import (
    ROUND_ROLES,
    SELLER,
    Act,
    Kind,
    Packed,
    _both_sides,
    _delivered_with,
    _outer_sides,
    _place,
    _without_role,
    declared_chain,
    element,
    elements,
    in_turn,
    on_carried,
    on_packed,
    outer_part,
    part,
    parts,
)

from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    PackedFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    Dimension,
    EnergyCarrier,
    Material,
    PlaceKind,
    Vehicle,
)


def plausible() -> Iterator[Act]:
    """Lies that physics does not see: about materials, masses of packaging, vehicles, rounds, places."""
    yield from _lies_about_packaging()
    yield from _lies_about_rounds()
    yield from _lies_about_places()
    yield from _lies_about_whole_chains()


def lie(name: str, do: Callable[[Declaration], Declaration]) -> Act:
    """The act of saying this."""
    return Act(f"say {name}", Kind.PLAUSIBLE, do)


def _lies_about_packaging() -> Iterator[Act]:
    for material in Material:
        yield lie(f"{material} for every component", on_packed(part(material=material)))
        yield lie(f"{material} for the outer", on_packed(outer_part(material=material)))
    for percent in (90, 75, 50, 30, 20, 10, 5, 2, 1):
        yield lie(f"{percent} % of every component's mass", on_packed(_lighter(percent)))
    for role in ComponentRole:
        yield lie(
            f"no component of role {role}",
            on_packed(parts(partial(_without_role, role=role))),
        )
    yield lie("no plastic", on_packed(parts(lambda one: None if _plastic(one) else one)))
    yield lie("paper for plastic", on_packed(parts(_paper)))
    yield lie("the lightest paper", on_packed(_lightest(Material.KRAFT_PAPER, 60)))
    yield lie("the lightest board", on_packed(_lightest(Material.CORRUGATED_BOARD, 250)))
    yield lie("the lightest wood", on_packed(_lightest(Material.WOOD, 250)))
    yield lie("the lightest film of 60 um", on_packed(_lightest(Material.LDPE_FILM, 47, 60)))
    for factor in (2, 3, 5):
        yield lie(f"outer sides divided by {factor}", on_packed(_outer_sides(1, factor)))
        yield lie(
            f"item and outer sides divided by {factor}, the lightest paper",
            on_packed(in_turn(_both_sides(1, factor), _lightest(Material.KRAFT_PAPER, 60))),
        )
    for um in (20, 50, 60, 100, 500):
        yield lie(f"film of {um} um", on_packed(part(film_thickness_um=um)))
    for scheme in CertificateScheme:
        fields = {"certificate_scheme": scheme, "certificate_id": "FSC-C123456", "recycled_permille": 1000}
        yield lie(f"all recycled under {scheme}", on_packed(part(**fields)))
    for trips in (2, 12, 20, 100, 1_000):
        yield lie(f"{trips} trips of every component", on_packed(part(reusable=ReusableAsset("a", trips))))


def _lies_about_rounds() -> Iterator[Act]:
    for attempts in (1, 2, 20):
        yield lie(f"{attempts} attempts", on_carried(partial(_attempts, attempts=attempts)))
    for vehicle in Vehicle:
        for leg in ChainRole:
            yield lie(f"{leg} by {vehicle}", on_carried(element(leg, vehicle=vehicle, energy=None)))
    for km, number in ((60, 100), (44, 100), (40, 130), (20, 100), (13, 142), (10, 100), (5, 50), (0.5, 5), (9, 100)):
        trip = Round(int(km * 1000), number)
        yield lie(f"rounds of {km} km for {number} parcels", on_carried(element(*ROUND_ROLES, round=trip, energy=None)))
        for leg in ROUND_ROLES:
            yield lie(f"{leg} of {km} km for {number} parcels", on_carried(element(leg, round=trip, energy=None)))
            for vehicle in (Vehicle.ON_FOOT, Vehicle.BICYCLE, Vehicle.MOTORBIKE_ELECTRIC, Vehicle.CARGO_BIKE):
                yield lie(
                    f"{leg} by {vehicle} of {km} km for {number} parcels",
                    on_carried(element(leg, vehicle=vehicle, round=trip, energy=None)),
                )
    for kwh_per_km in (15, 30, 60):
        yield lie(f"electric rounds at {kwh_per_km} Wh/km", on_carried(elements(_electric(kwh_per_km), *ROUND_ROLES)))
    for ml_per_km in (20, 40, 80):
        yield lie(f"petrol rounds at {ml_per_km} ml/km", on_carried(elements(_petrol(ml_per_km), *ROUND_ROLES)))


def _lies_about_places() -> Iterator[Act]:
    for kind in PlaceKind:
        yield lie(f"destination {kind}", on_carried(partial(_lying_place, end="destination", kind=kind)))
    for code in ("01", "48", "79", "00004", "01066"):
        for end in ("origin", "destination"):
            yield lie(f"{end} {code}", on_carried(partial(_lying_place, end=end, code=code)))
        yield lie(
            f"both places {code}",
            on_carried(
                in_turn(
                    partial(_lying_place, end="origin", code=code), partial(_lying_place, end="destination", code=code)
                )
            ),
        )
    yield lie(
        "everything is local",
        on_carried(lambda facts: replace(facts, destination=replace(facts.origin, stated_by=SELLER))),
    )


def _lies_about_whole_chains() -> Iterator[Act]:
    for grams in (0, 1, 10, 100):
        hub = Hub(grams * 1000)
        yield lie(f"two hubs of {grams} g", on_carried(partial(_delivered_with, hubs=(hub, hub))))
    walked = ChainElement(ChainRole.FIRST_MILE, Vehicle.ON_FOOT, round=Round(500, 5))
    yield lie("returns on foot", on_carried(declared_chain(walked), Dimension.RETURN))
    both = (walked, replace(walked, role=ChainRole.LAST_MILE))
    yield lie("returns on foot at both ends", on_carried(declared_chain(*both), Dimension.RETURN))
    train = ChainElement(ChainRole.LINE_HAUL, Vehicle.TRAIN)
    yield lie("on foot and by train", on_carried(declared_chain(both[0], train, both[1])))


def _plastic(one: Component) -> bool:
    return one.material in {
        Material.PLASTIC_FILM, Material.LDPE_FILM, Material.BUBBLE_WRAP, Material.AIR_CUSHION, Material.PP_TAPE,
        Material.PP, Material.WOVEN_PP, Material.HDPE,
    }  # fmt: skip


def _paper(one: Component) -> Component:
    return replace(one, material=Material.KRAFT_PAPER, stated_by=SELLER) if _plastic(one) else one


def _lighter(percent: int) -> Packed:
    return parts(
        lambda one: replace(
            one, mass_mg=None if one.mass_mg is None else max(1, one.mass_mg * percent // 100), stated_by=SELLER
        )
    )


def _lightest(material: Material, grams_per_m2: int, um: int | None = None) -> Packed:
    """One component alone that just covers the outer packaging."""

    def do(facts: PackedFacts) -> PackedFacts:
        one = facts.outer
        if one is None or one.length_mm is None or one.width_mm is None:
            return facts
        length, width, height = one.length_mm, one.width_mm, one.height_mm or 0
        surface = 2 * (length * width + length * height + width * height)
        mass = -(-surface * grams_per_m2 // 1000)
        return replace(facts, components=(Component(ComponentRole.OUTER, material, mass, um),))

    return do


def _attempts(facts: DeliveredFacts, attempts: int) -> DeliveredFacts:
    return replace(element(ChainRole.LAST_MILE)(facts), attempts=attempts)


def _lying_place(facts: DeliveredFacts, end: str, **fields: Any) -> DeliveredFacts:
    return _place(facts, end, **({"stated_by": SELLER} | fields))


def _electric(wh_per_km: int) -> Callable[[ChainElement], ChainElement]:
    def do(one: ChainElement) -> ChainElement:
        trip = one.round or Round(44_000, 100)
        energy = Energy(EnergyCarrier.ELECTRICITY, trip.distance_m * wh_per_km // 1000, trip.parcels)
        return ChainElement(one.role, Vehicle.MOTORBIKE_ELECTRIC, energy=energy, round=trip)

    return do


def _petrol(ml_per_km: int) -> Callable[[ChainElement], ChainElement]:
    def do(one: ChainElement) -> ChainElement:
        trip = one.round or Round(44_000, 100)
        energy = Energy(EnergyCarrier.PETROL, trip.distance_m * ml_per_km // 1000, trip.parcels)
        return ChainElement(one.role, Vehicle.MOTORBIKE_PETROL, energy=energy, round=trip)

    return do
