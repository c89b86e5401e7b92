"""Every act: a fact withheld, a false fact about goods, packaging or transport, and facts outside physics.

A fact that a seller changes is the seller's own statement from then on; a fact that is withheld is nobody's.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

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
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.vocabulary import (
    CertificateScheme,
    ChainRole,
    ComponentRole,
    Dimension,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    RoundDensity,
    StatedBy,
    Vehicle,
)

SELLER, VERIFIER = StatedBy.SELLER, StatedBy.VERIFIER


class Kind(StrEnum):
    """What an act is about."""

    SILENCE = "silence"
    GOODS = "goods"
    PLAUSIBLE = "plausible"
    BEYOND = "beyond"


class Act(NamedTuple):
    """An act on one declaration; it is done to every declaration of an account.

    `listed`: the document says that this silence may gain. `bound` is the act that goes as far as physics allows.
    """

    name: str
    kind: Kind
    do: Callable[[Declaration], Declaration]
    bound: str = ""
    listed: bool = False


Packed = Callable[[PackedFacts], PackedFacts]
Delivered = Callable[[DeliveredFacts], DeliveredFacts]


def on_packed(change: Packed) -> Callable[[Declaration], Declaration]:
    """The change on packed parcels alone."""

    def do(row: Declaration) -> Declaration:
        if not isinstance(row.facts, PackedFacts):
            return row
        facts = change(row.facts)
        return row if facts == row.facts else row._replace(facts=facts)

    return do


def on_carried(change: Delivered, *dimensions: Dimension) -> Callable[[Declaration], Declaration]:
    """The change on deliveries and returns, or on some of them alone."""

    def do(row: Declaration) -> Declaration:
        if not isinstance(row.facts, DeliveredFacts) or (dimensions and row.dimension not in dimensions):
            return row
        facts = change(row.facts)
        return row if facts == row.facts else row._replace(facts=facts)

    return do


def items(**fields: Any) -> Packed:
    """Every item with other fields, by the seller's word."""
    return lambda facts: replace(
        facts, items=tuple(replace(item, **({"stated_by": SELLER} | fields)) for item in facts.items)
    )


def outer(**fields: Any) -> Packed:
    """The outer packaging with other fields, by the seller's word."""
    return lambda facts: (
        facts if facts.outer is None else replace(facts, outer=replace(facts.outer, **({"stated_by": SELLER} | fields)))
    )


def parts(change: Callable[[Component], Component | None]) -> Packed:
    """Every component changed; None leaves it out."""

    def do(facts: PackedFacts) -> PackedFacts:
        if facts.components is None:
            return facts
        kept = tuple(part for part in map(change, facts.components) if part is not None)
        return replace(facts, components=kept or None)

    return do


def part(**fields: Any) -> Packed:
    """Every component with other fields, by the seller's word."""
    return parts(lambda one: replace(one, **({"stated_by": SELLER} | fields)))


def outer_part(**fields: Any) -> Packed:
    """The components of role outer with other fields, by the seller's word."""
    return parts(
        lambda one: replace(one, **({"stated_by": SELLER} | fields)) if one.role is ComponentRole.OUTER else one
    )


def elements(change: Callable[[ChainElement], ChainElement | None], *roles: ChainRole) -> Delivered:
    """Every element of these roles changed; None leaves it out."""

    def do(facts: DeliveredFacts) -> DeliveredFacts:
        if facts.chain is None:
            return facts
        kept = (change(one) if not roles or one.role in roles else one for one in facts.chain)
        return replace(facts, chain=tuple(one for one in kept if one is not None) or None)

    return do


def element(*roles: ChainRole, **fields: Any) -> Delivered:
    """Every element of these roles with other fields, by the seller's word."""
    return elements(lambda one: replace(one, **({"stated_by": SELLER} | fields)), *roles)


def declared_chain(*chain: ChainElement) -> Delivered:
    """Another chain altogether."""
    return lambda facts: replace(facts, chain=chain)


def all_acts() -> tuple[Act, ...]:
    """Every act, each name once."""
    found = (*silences(), *about_goods(), *plausible(), *beyond())
    assert len({act.name for act in found}) == len(found), "an act's name stands twice"
    return found


FactsT = TypeVar("FactsT", PackedFacts, DeliveredFacts)


def in_turn(first: Callable[[FactsT], FactsT], second: Callable[[FactsT], FactsT]) -> Callable[[FactsT], FactsT]:
    """One change after the other."""
    return lambda facts: second(first(facts))


def _packed_with(facts: PackedFacts, **fields: Any) -> PackedFacts:
    return replace(facts, **fields)


def _delivered_with(facts: DeliveredFacts, **fields: Any) -> DeliveredFacts:
    return replace(facts, **fields)


def _part_with(one: Component, fields: dict[str, Any], role: ComponentRole | None = None) -> Component:
    return replace(one, **fields) if role is None or one.role is role else one


def _element_with(one: ChainElement, fields: dict[str, Any]) -> ChainElement:
    return replace(one, **fields)


def _without_role(one: Component, role: ComponentRole) -> Component | None:
    return None if one.role is role else one


def _renamed(one: Component, role: ComponentRole, other: ComponentRole) -> Component:
    return replace(one, role=other, stated_by=SELLER) if one.role is role else one


def _more_hubs(facts: DeliveredFacts, count: int) -> DeliveredFacts:
    return replace(facts, hubs=(*facts.hubs, *[Hub()] * count))


def _province(facts: DeliveredFacts, end: str) -> DeliveredFacts:
    return _place(facts, end, code=getattr(facts, end).code[:2])


ROUND_ROLES = (ChainRole.FIRST_MILE, ChainRole.LAST_MILE)


def silences() -> Iterator[Act]:
    """Each optional fact withheld, alone and with what depends on it."""

    def silent(name: str, do: Callable[[Declaration], Declaration], *, listed: bool = False) -> Act:
        return Act(f"withhold {name}", Kind.SILENCE, do, listed=listed)

    keep: dict[str, Any]
    for field in ("mass_mg", "length_mm", "width_mm", "height_mm"):
        keep = {field: None}
        yield silent(f"item {field}", on_packed(partial(_unstated_items, fields=keep)))
    sides = {"length_mm": None, "width_mm": None, "height_mm": None}
    yield silent("item sides", on_packed(partial(_unstated_items, fields=sides)))
    yield silent("items", on_packed(lambda facts: replace(facts, items=())))
    yield silent("items' source", on_packed(items()))
    yield silent("outer", on_packed(lambda facts: replace(facts, outer=None)))
    for field in ("length_mm", "width_mm", "height_mm"):
        keep = {field: None}
        yield silent(f"outer {field}", on_packed(partial(_unstated_outer, fields=keep)))
    yield silent("outer's source", on_packed(outer()))
    yield silent("components", on_packed(lambda facts: replace(facts, components=None)))
    for field, nothing in (
        ("material", None), ("mass_mg", None), ("film_thickness_um", None), ("recycled_permille", 0),
        ("certificate_valid_until", None), ("certificate_scheme", None), ("certificate_id", ""), ("reusable", None),
        ("stated_by", SELLER),
    ):  # fmt: skip
        keep = {field: nothing}
        yield silent(f"component {field}", on_packed(parts(partial(_part_with, fields=keep))))
        for role in ComponentRole:
            yield silent(
                f"component {field} of {role}",
                on_packed(parts(partial(_part_with, fields=keep, role=role))),
            )
    yield silent(
        "verified trips",
        on_packed(
            parts(
                lambda one: (
                    one if one.reusable is None else replace(one, reusable=replace(one.reusable, verified_trips=None))
                )
            )
        ),
    )
    yield silent("the order of a split parcel", on_packed(lambda facts: replace(facts, order=None)), listed=True)
    yield silent("chain", on_carried(lambda facts: replace(facts, chain=None)))
    yield silent("hubs", on_carried(lambda facts: replace(facts, hubs=())))
    yield silent("hub figures", on_carried(lambda facts: replace(facts, hubs=tuple(Hub() for _ in facts.hubs))))
    yield silent(
        "hubs' source",
        on_carried(lambda facts: replace(facts, hubs=tuple(replace(hub, stated_by=SELLER) for hub in facts.hubs))),
    )
    for leg in ChainRole:
        yield silent(f"{leg}", on_carried(elements(lambda _one: None, leg)))
        for field, nothing in (
            ("vehicle", None), ("round", None), ("energy", None), ("density", None), ("stated_by", SELLER),
            ("temperature_controlled", False),
        ):  # fmt: skip
            keep = {field: nothing}
            yield silent(f"{leg} {field}", on_carried(elements(partial(_element_with, fields=keep), leg)))
        keep = {"distance_m": None, "distance_basis": None}
        yield silent(f"{leg} distance", on_carried(elements(partial(_element_with, fields=keep), leg)))
        keep = {"round": None, "energy": None}
        yield silent(f"{leg} round and energy", on_carried(elements(partial(_element_with, fields=keep), leg)))
    for end in ("origin", "destination"):
        yield silent(f"{end}'s source", on_carried(partial(_place, end=end, stated_by=SELLER)))
        yield silent(f"{end}'s kind", on_carried(partial(_place, end=end, kind=PlaceKind.HOME)))
        yield silent(
            f"{end}'s ward",
            on_carried(partial(_province, end=end)),
        )
    yield silent("the destination", on_carried(lambda facts: replace(facts, destination=Place("VN", "ZZ"))))
    yield silent(
        "everything about packaging",
        on_packed(lambda facts: PackedFacts(facts.day, facts.country, local_day=facts.local_day)),
    )
    yield silent(
        "every source",
        lambda row: on_carried(_no_sources)(on_packed(lambda facts: items()(outer()(part()(facts))))(row)),
    )


def _unstated_items(facts: PackedFacts, fields: dict[str, Any]) -> PackedFacts:
    return replace(facts, items=tuple(replace(item, **fields) for item in facts.items))


def _unstated_outer(facts: PackedFacts, fields: dict[str, Any]) -> PackedFacts:
    return facts if facts.outer is None else replace(facts, outer=replace(facts.outer, **fields))


def _no_sources(facts: DeliveredFacts) -> DeliveredFacts:
    facts = element()(facts)
    for end in ("origin", "destination"):
        facts = _place(facts, end, stated_by=SELLER)
    return replace(facts, hubs=tuple(replace(hub, stated_by=SELLER) for hub in facts.hubs))


def _place(facts: DeliveredFacts, end: str, **fields: Any) -> DeliveredFacts:
    return replace(facts, **{end: replace(getattr(facts, end), **fields)})


def about_goods() -> Iterator[Act]:  # noqa: C901 - a list of acts
    """False facts about mass, volume and order, and other names of kinds and roles."""

    def false(name: str, do: Callable[[Declaration], Declaration]) -> Act:
        return Act(f"false {name}", Kind.GOODS, do)

    for grams in (1, 10, 100, 200, 500, 700, 1_500, 3_000, 6_000, 10_000, 30_000, 100_000, 1_000_000):
        mg = grams * 1000
        yield false(f"delivered mass {grams} g", on_carried(partial(_delivered_with, mass_mg=mg)))
        yield false(f"item mass {grams} g", on_packed(items(mass_mg=mg)))
    for factor in (2, 3, 5, 10, 20):
        yield false(f"item sides times {factor}", on_packed(_sides(factor, 1)))
        yield false(f"item and outer sides times {factor}", on_packed(_both_sides(factor, 1)))
        yield false(f"item sides divided by {factor}", on_packed(_sides(1, factor)))
        yield false(f"item quantity times {factor}", on_packed(_quantity(factor)))
        yield false(f"item mass times {factor}", on_packed(_masses(factor, 1)))
        yield false(f"item mass divided by {factor}", on_packed(_masses(1, factor)))
    for side in (50, 100, 200, 400, 600, 1_000):
        same = {"length_mm": side, "width_mm": side, "height_mm": side}
        yield false(f"item of {side} mm", on_packed(items(quantity=1, **same)))
        yield false(
            f"item and box of {side} mm",
            on_packed(in_turn(outer(**same), items(quantity=1, **same))),
        )
    yield false("item as large as the box", on_packed(_item_as_box))
    for number in (1, 2, 5, 100):
        yield false(f"order in {number} parcels", on_packed(partial(_packed_with, order=Order(number))))
        for litres in (1, 10, 100):
            order = Order(number, litres * 1_000_000)
            yield false(
                f"order of {litres} l in {number} parcels",
                on_packed(partial(_packed_with, order=order)),
            )
    for kind in OuterKind:
        yield false(f"outer kind {kind}", on_packed(outer(kind=kind)))
        yield false(f"outer kind {kind} without a height", on_packed(outer(kind=kind, height_mm=None)))
    for role in ComponentRole:
        yield false(f"role {role} for all components", on_packed(part(role=role)))
        for other in ComponentRole:
            if other is not role:
                yield false(
                    f"role {other} for {role}",
                    on_packed(parts(partial(_renamed, role=role, other=other))),
                )
    for density in RoundDensity:
        yield false(f"density {density}", on_carried(element(*ROUND_ROLES, density=density)))
    yield false("parcel ids", lambda row: row._replace(parcel_id=f"X{row.parcel_id}"))
    yield false("asset ids", on_packed(parts(lambda one: replace(one, certificate_id="X", stated_by=SELLER))))
    for number in (1, 2, 5):
        yield false(
            f"{number} more hubs without a figure",
            on_carried(partial(_more_hubs, count=number)),
        )


def _sides(times: int, by: int) -> Packed:
    def larger(item: Item) -> Item:
        if item.length_mm is None or item.width_mm is None or item.height_mm is None:
            return item
        length, width, height = (max(1, side * times // by) for side in (item.length_mm, item.width_mm, item.height_mm))
        return replace(item, length_mm=length, width_mm=width, height_mm=height, stated_by=SELLER)

    return lambda facts: replace(facts, items=tuple(map(larger, facts.items)))


def _both_sides(times: int, by: int) -> Packed:
    return lambda facts: _outer_sides(times, by)(_sides(times, by)(facts))


def _outer_sides(times: int, by: int) -> Packed:
    def do(facts: PackedFacts) -> PackedFacts:
        one = facts.outer
        if one is None:
            return facts
        length, width, height = (
            None if side is None else max(1, side * times // by)
            for side in (one.length_mm, one.width_mm, one.height_mm)
        )
        return replace(facts, outer=Outer(one.kind, length, width, height))

    return do


def _quantity(times: int) -> Packed:
    return lambda facts: replace(
        facts, items=tuple(replace(item, quantity=item.quantity * times, stated_by=SELLER) for item in facts.items)
    )


def _masses(times: int, by: int) -> Packed:
    return lambda facts: replace(
        facts,
        items=tuple(
            replace(
                item, mass_mg=None if item.mass_mg is None else max(1, item.mass_mg * times // by), stated_by=SELLER
            )
            for item in facts.items
        ),
    )


def _item_as_box(facts: PackedFacts) -> PackedFacts:
    one = facts.outer
    if one is None:
        return facts
    return replace(facts, items=(Item(1, None, one.length_mm, one.width_mm, one.height_mm),))


def plausible() -> Iterator[Act]:  # noqa: C901, PLR0912 - a list of acts
    """Lies that physics does not see: about materials, masses of packaging, vehicles, rounds, places."""

    def lie(name: str, do: Callable[[Declaration], Declaration]) -> Act:
        return Act(f"say {name}", Kind.PLAUSIBLE, do)

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
