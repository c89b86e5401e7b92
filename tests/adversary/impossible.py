"""Facts outside physics, each beside the act at its bound."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from msgspec.structs import replace
from tests.adversary.acts import (
    ROUND_ROLES,
    VERIFIER,
    Act,
    Delivered,
    Kind,
    Packed,
    _both_sides,
    _part_with,
    elements,
    on_carried,
    on_packed,
    parts,
)
from tests.adversary.lies import _electric, _petrol

from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Item,
    PackedFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DistanceBasis,
    Material,
    PlaceKind,
    Vehicle,
)


def beyond() -> Iterator[Act]:  # noqa: C901 - a list of acts
    """Facts outside physics, each beside the act at its bound."""

    def over(name: str, do: Callable[[Declaration], Declaration], bound: str = "") -> Act:
        return Act(f"claim {name}", Kind.BEYOND, do, bound)

    for vehicle, km, number in (
        (Vehicle.MOTORBIKE_PETROL, 201, 100), (Vehicle.MOTORBIKE_PETROL, 44, 143), (Vehicle.MOTORBIKE_PETROL, 44, 401),
        (Vehicle.MOTORBIKE_ELECTRIC, 44, 143), (Vehicle.ON_FOOT, 21, 40), (Vehicle.ON_FOOT, 10, 43),
        (Vehicle.BICYCLE, 81, 40), (Vehicle.BICYCLE, 40, 43), (Vehicle.CARGO_BIKE, 81, 100),
        (Vehicle.CARGO_BIKE, 40, 429), (Vehicle.VAN_DIESEL, 100, 301), (Vehicle.VAN_DIESEL, 401, 100),
        (Vehicle.MOTORBIKE_PETROL, 0.4, 1), (Vehicle.MOTORBIKE_PETROL, 8, 100), (Vehicle.VAN_ELECTRIC, 0.001, 100_000),
        (Vehicle.LORRY_AVERAGE, 100, 1_001), (Vehicle.TRAIN, 40, 100), (Vehicle.CONTAINER_SHIP, 40, 100),
        (Vehicle.AIRCRAFT_DOMESTIC, 40, 100),
    ):  # fmt: skip
        trip = Round(max(1, int(km * 1000)), number)
        yield over(
            f"rounds by {vehicle} of {km} km for {number} parcels",
            on_carried(_whole_chain(vehicle, trip)),
        )
    for vehicle in (Vehicle.ON_FOOT, Vehicle.BICYCLE, Vehicle.CARGO_BIKE, Vehicle.MOTORBIKE_ELECTRIC):
        hauled = replace(
            ChainElement(ChainRole.LINE_HAUL, vehicle), distance_m=1_140_000, distance_basis=DistanceBasis.ACTUAL
        )
        yield over(f"line-haul by {vehicle}", on_carried(partial(_only_haul, hauled=hauled)))
    nothing = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED, 0, DistanceBasis.ACTUAL)
    yield over(
        "a line-haul of 0 km",
        on_carried(lambda facts: _only_haul(facts, nothing)),
        "say line_haul by lorry_articulated",
    )
    for wh in (1, 14, 61, 1_000):
        yield over(f"electric rounds at {wh} Wh/km", on_carried(elements(_electric(wh), *ROUND_ROLES)))
    for ml in (1, 19, 81, 1_000):
        yield over(f"petrol rounds at {ml} ml/km", on_carried(elements(_petrol(ml), *ROUND_ROLES)))
    yield over("energy shared by three times the round's parcels", on_carried(elements(_shared_energy, *ROUND_ROLES)))
    for mg in (1, 1_000):
        for material in (Material.CORRUGATED_BOARD, Material.KRAFT_PAPER, Material.LDPE_FILM, Material.ALUMINIUM):
            one = (Component(ComponentRole.OUTER, material, mg, 60),)
            yield over(f"{mg} mg of {material}", on_packed(partial(_packed_with_components, components=one)))
    yield over("items larger than the box", on_packed(_larger_than_box))
    for factor in (2, 3, 10):
        yield over(
            f"outer sides times {factor} at the same mass",
            on_packed(_both_sides(factor * 10, 1)),
        )
    for trips in (21, 1_000):
        yield over(
            f"{trips} trips, by a verifier",
            on_packed(parts(partial(_part_with, fields=_asset(trips)))),
            "say nothing",
        )
    for um in (1, 4, 501, 5_000):
        yield over(f"film of {um} um", on_packed(_bag(um)))
    mass = 1_000_000_000
    yield over("a tonne in the last mile", on_carried(lambda facts: replace(facts, mass_mg=mass)))


def _whole_chain(vehicle: Vehicle, trip: Round) -> Delivered:
    def do(facts: DeliveredFacts) -> DeliveredFacts:
        hauls = tuple(one for one in facts.chain or () if one.role is ChainRole.LINE_HAUL)
        first, last = (ChainElement(role, vehicle, round=trip) for role in ROUND_ROLES)
        home = replace(facts.destination, kind=PlaceKind.HOME)
        return replace(facts, chain=(first, *hauls, last), destination=home)

    return do


def _only_haul(facts: DeliveredFacts, hauled: ChainElement) -> DeliveredFacts:
    legs = [one for one in facts.chain or () if one.role is ChainRole.LINE_HAUL]
    if not legs:
        return facts
    return replace(facts, chain=(hauled, *(one for one in facts.chain or () if one.role is not ChainRole.LINE_HAUL)))


def _shared_energy(one: ChainElement) -> ChainElement:
    changed = _petrol(30)(one)
    assert changed.energy is not None, "it was just given"
    return replace(changed, energy=replace(changed.energy, parcels=changed.energy.parcels * 3))


def _asset(trips: int) -> dict[str, Any]:
    """A reusable asset that a verifier states, and nothing else that counts by the verifier's word."""
    return {"reusable": ReusableAsset("a", trips), "recycled_permille": 0, "stated_by": VERIFIER}


def _packed_with_components(facts: PackedFacts, components: tuple[Component, ...]) -> PackedFacts:
    return facts if facts.components is None else replace(facts, components=components)


def _larger_than_box(facts: PackedFacts) -> PackedFacts:
    one = facts.outer
    if one is None or not facts.items:
        return facts
    return replace(facts, items=(Item(1, None, 20_000, 20_000, 20_000),))


def _bag(um: int) -> Packed:
    bag = Component(ComponentRole.OUTER, Material.LDPE_FILM, 20_000, um)
    return lambda facts: _packed_with_components(facts, (bag,))
