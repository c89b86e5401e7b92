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
    Hub,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
)
from greenlane.methodology.seller.account import Declaration
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    Dimension,
    OuterKind,
    PlaceKind,
    RoundDensity,
    StatedBy,
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
    yield from _silences_about_packaging()
    yield from _silences_about_delivery()
    yield silent(
        "every source",
        lambda row: on_carried(_no_sources)(on_packed(lambda facts: items()(outer()(part()(facts))))(row)),
    )


def silent(name: str, do: Callable[[Declaration], Declaration], *, listed: bool = False) -> Act:
    """The act of not telling this."""
    return Act(f"withhold {name}", Kind.SILENCE, do, listed=listed)


def _silences_about_packaging() -> Iterator[Act]:
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
            yield silent(f"component {field} of {role}", on_packed(parts(partial(_part_with, fields=keep, role=role))))
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
    yield silent(
        "everything about packaging",
        on_packed(lambda facts: PackedFacts(facts.day, facts.country, local_day=facts.local_day)),
    )


def _silences_about_delivery() -> Iterator[Act]:
    keep: dict[str, Any]
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
        yield silent(f"{end}'s ward", on_carried(partial(_province, end=end)))
    yield silent("the destination", on_carried(lambda facts: replace(facts, destination=Place("VN", "ZZ"))))


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
