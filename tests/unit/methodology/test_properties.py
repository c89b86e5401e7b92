"""The principles of the method as properties: bounded, silence never pays, goods and places move nothing, monotone."""

from collections.abc import Iterator
from datetime import date
from functools import reduce
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.methodology.generated import components, deliveries, items, outers, parcels, wrapped
from tests.unit.methodology.honest import (
    BAG,
    BOARD,
    BROUGHT,
    FAR,
    LORRY,
    MAILER,
    METHOD,
    NEAR,
    PICKED_UP,
    THREE_LITRES,
    carried,
    delivery,
    measured,
    packaging,
    packed,
    returning,
)

from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
    Round,
)
from greenlane.methodology.geography import great_circle_m
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.parcel.space import surface_mm2
from greenlane.methodology.rounding import surface_scale
from greenlane.methodology.seller.score import (
    delivery_points,
    green_points,
    packaging_points,
    parcel_delivery_score,
    parcel_packaging_score,
    proven_totals,
    score,
)
from greenlane.methodology.sums import MILLION, RATIO_MOST, DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DistanceBasis,
    ImplausibleFact,
    OuterKind,
    PlaceKind,
    StatedBy,
    Vehicle,
)

SumsT = TypeVar("SumsT", PackagingSums, DeliverySums, ReturnSums)


def added(first: SumsT, second: SumsT) -> SumsT:
    return type(first)(*(a + b for a, b in zip(first, second, strict=True)))


@given(parcels)
def test_a_packed_parcel_contributes_integers_and_scores_from_0_to_100(facts: PackedFacts) -> None:
    sums = packaging(facts)
    assert all(type(value) is int and value >= 0 for value in sums)
    assert sums.plastic_mass_mg <= sums.packaging_mass_mg
    assert sums.circular_mass_mg <= sums.packaging_mass_mg
    assert sums.measured_co2e_mg + sums.declared_co2e_mg <= sums.packaging_co2e_mg
    assert sums.empty_volume_mm3 <= sums.outer_volume_mm3
    assert max(sums.co2e_ratio, sums.plastic_ratio) <= RATIO_MOST
    assert max(sums.empty_space_milli, sums.circular_milli) <= 100_000
    assert 1 >= sums.complete_parcels >= sums.measured_parcels
    assert sums.measured_co2e_ratio in {0, sums.co2e_ratio}
    assert 0 <= parcel_packaging_score(sums) <= 100


@given(deliveries)
def test_a_delivered_parcel_contributes_integers_and_scores_from_25_to_100(facts: DeliveredFacts) -> None:
    sums = delivery(facts)
    assert all(type(value) is int and value >= 0 for value in sums)
    parts = sums.line_haul_co2e_mg + sums.last_mile_co2e_mg + sums.hub_co2e_mg
    assert parts <= sums.delivery_co2e_mg
    assert sums.measured_co2e_mg + sums.declared_co2e_mg + sums.modelled_co2e_mg <= sums.delivery_co2e_mg
    assert sums.ratio <= RATIO_MOST
    assert 1 >= sums.complete_parcels >= sums.measured_parcels
    assert 25 <= parcel_delivery_score(sums) <= 100
    returned = returning(facts)
    assert all(type(value) is int and value >= 0 for value in returned)
    assert returned.ratio <= RATIO_MOST


SMALL_PART = measured(packed(BOARD, items=(Item(1, None, 50, 50, 40),)))
SAID_PACKINGS = (
    measured(packed(BOARD, items=(replace(THREE_LITRES, mass_mg=1),))),
    replace(SMALL_PART, order=Order(2, 100_000_000, StatedBy.MARKETPLACE)),
    replace(SMALL_PART, order=Order(2, 99_999, StatedBy.MARKETPLACE)),
    measured(packed(BAG, items=(), outer=replace(MAILER, height_mm=30))),
    measured(packed(BAG, items=(), outer=replace(MAILER, height_mm=300))),
    replace(measured(packed(replace(BAG, film_thickness_um=500), items=(), outer=MAILER)), country="BR"),
    measured(packed(replace(BAG, film_thickness_um=600, mass_mg=90_000), items=(), outer=MAILER)),
    measured(packed(replace(BAG, film_thickness_um=20, mass_mg=90_000), items=(), outer=MAILER)),
    measured(packed(BOARD, items=(replace(THREE_LITRES, quantity=3),))),
)
"""Parcels stated by others: a goods' density, an order, a height, a thickness or sides, plausible or not."""


@pytest.mark.parametrize("facts", SAID_PACKINGS)
def test_leaving_out_a_fact_about_a_stated_packaging_never_raises_the_score_or_the_proven_one(
    facts: PackedFacts,
) -> None:
    _assert_no_silence_pays(facts)


@given(parcels)
def test_leaving_out_a_fact_about_packaging_never_raises_the_score_or_the_proven_one(facts: PackedFacts) -> None:
    _assert_no_silence_pays(facts)
    _assert_no_silence_pays(measured(facts))


def _assert_no_silence_pays(facts: PackedFacts) -> None:
    before = packaging(facts)
    for less in _fewer_packing_facts(facts):
        after = packaging(less)
        if after == before:
            continue
        if not _as_bad(after, before):
            assert packaging_points(after, 0) <= packaging_points(before, 0), less
            assert _proven(after) <= _proven(before), less
        assert after.complete_parcels <= before.complete_parcels
        assert after.measured_parcels <= before.measured_parcels
        assert after.thin_bag_parcels >= before.thin_bag_parcels


def _as_bad(after: PackagingSums, before: PackagingSums) -> bool:
    """Whether no part of the score is better, so that neither score need be computed."""
    unproven_after, unproven_before = (RATIO_MOST * (1 - one.measured_parcels) for one in (after, before))
    return (
        after.co2e_ratio >= before.co2e_ratio
        and after.plastic_ratio >= before.plastic_ratio
        and after.empty_space_milli <= before.empty_space_milli
        and after.circular_milli <= before.circular_milli
        and after.measured_co2e_ratio + unproven_after >= before.measured_co2e_ratio + unproven_before
        and after.measured_plastic_ratio + unproven_after >= before.measured_plastic_ratio + unproven_before
    )


def _proven(packaging: PackagingSums) -> Any:
    return green_points(proven_totals(Totals(packaging)), 0)


def _fewer_packing_facts(facts: PackedFacts) -> Iterator[PackedFacts]:
    """What is left when one fact is not told, but for those of which the document says that hiding them gains."""
    flags, thin = assess_packed(facts, METHOD).implausible, packaging(facts).thin_bag_parcels
    yield from (replace(facts, components=None), replace(facts, outer=None))
    if facts.order is not None:
        yield replace(facts, order=replace(facts.order, product_mm3=None))
    if facts.outer is not None:
        for side in ("length_mm", "width_mm", "height_mm"):
            if side != "height_mm" or not (thin or ImplausibleFact.PACKAGING_MASS in flags):
                yield replace(facts, outer=replace(facts.outer, **{side: None}))
        yield replace(facts, outer=replace(facts.outer, stated_by=StatedBy.SELLER))
    if ImplausibleFact.ITEMS_VOLUME not in flags:
        yield replace(facts, items=())
    for number, item in enumerate(facts.items):
        for lesser in _lesser_item(item, flags):
            yield replace(facts, items=(*facts.items[:number], lesser, *facts.items[number + 1 :]))
    parts = facts.components or ()
    for number, part in enumerate(parts):
        for lesser_part in _lesser(part, facts, flags):
            yield replace(facts, components=(*parts[:number], lesser_part, *parts[number + 1 :]))


def _lesser_item(item: Item, flags: tuple[str, ...]) -> Iterator[Item]:
    yield replace(item, stated_by=StatedBy.SELLER)
    if ImplausibleFact.GOODS_DENSITY not in flags:
        yield replace(item, mass_mg=None)
    if ImplausibleFact.ITEMS_VOLUME not in flags:
        for side in ("length_mm", "width_mm", "height_mm"):
            yield replace(item, **{side: None})


def _lesser(part: Component, facts: PackedFacts, flags: tuple[str, ...]) -> Iterator[Component]:
    for field, nothing in (
        ("material", None),
        ("mass_mg", None),
        ("recycled_permille", 0),
        ("certificate_valid_until", None),
        ("certificate_scheme", None),
        ("reusable", None),
        ("stated_by", StatedBy.SELLER),
    ):
        yield replace(part, **{field: nothing})
    if part.reusable is not None:
        yield replace(part, reusable=replace(part.reusable, verified_trips=None))
    if ImplausibleFact.PACKAGING_MASS not in flags and not _sheet(part, facts.outer):
        yield replace(part, film_thickness_um=None)


@given(wrapped)
def test_a_film_without_a_thickness_never_scores_higher_in_vietnam(facts: PackedFacts) -> None:
    """Elsewhere no rule asks for the thickness. A film whose thickness its mass belies counts as undeclared anyway."""
    bare = replace(facts, components=tuple(replace(part, film_thickness_um=None) for part in facts.components or ()))
    if not assess_packed(facts, METHOD).implausible and not _sheets(facts):
        assert packaging_points(packaging(bare), 0) <= packaging_points(packaging(facts), 0)


def _sheets(facts: PackedFacts) -> bool:
    """Whether a part is so heavy for its parcel that it is no film."""
    return any(_sheet(part, facts.outer) for part in facts.components or ())


def _sheet(part: Component, outer: Outer | None) -> bool:
    return outer is not None and (part.mass_mg or 0) * 10**6 > 391_000 * surface_mm2(outer)


NEAR_BY_OTHERS = carried(NEAR)
NEAR_WITH_LEGS = [
    replace(NEAR_BY_OTHERS, chain=(*(NEAR_BY_OTHERS.chain or ()), leg))
    for leg in (
        LORRY,
        replace(LORRY, vehicle=None, stated_by=StatedBy.CARRIER),
        ChainElement(ChainRole.LINE_HAUL, Vehicle.ON_FOOT, stated_by=StatedBy.CARRIER),
    )
]

TOO_SHORT = replace(LORRY, distance_m=100_000, distance_basis=DistanceBasis.ACTUAL)


@given(deliveries)
@example(carried(replace(FAR, chain=(PICKED_UP, TOO_SHORT, BROUGHT))))
@example(NEAR_WITH_LEGS[0])
@example(NEAR_WITH_LEGS[1])
@example(NEAR_WITH_LEGS[2])
def test_leaving_out_a_fact_about_delivery_never_raises_the_score_or_the_proven_one(facts: DeliveredFacts) -> None:
    before = delivery(facts)
    for less in _fewer_transport_facts(facts):
        after = delivery(less)
        assert after.ratio >= before.ratio
        assert _proven_ratio(after) >= _proven_ratio(before)
        assert (after.complete_parcels, after.measured_parcels) <= (before.complete_parcels, before.measured_parcels)
        assert returning(less).ratio >= returning(facts).ratio


def _proven_ratio(sums: DeliverySums) -> int:
    """What one parcel counts in the proven score."""
    return sums.measured_ratio + RATIO_MOST * (1 - sums.measured_parcels)


def _passes(facts: DeliveredFacts) -> int:
    """Hubs of the chain's reference."""
    start, end = (METHOD.places.find(place, facts.day) for place in (facts.origin, facts.destination))
    if facts.origin.code == facts.destination.code:
        return 1
    far_m = METHOD.distances.line_haul_from_m * METHOD.distances.road_denominator
    near = start and end and great_circle_m(start, end) * METHOD.distances.road_numerator <= far_m
    return 1 if near else 2


def _fewer_transport_facts(facts: DeliveredFacts) -> Iterator[DeliveredFacts]:
    """What is left when one fact is not told, but for those of which the document says that hiding them gains.

    A leg with a round and a distance has two distances; without the round the other one counts.
    """
    short = ImplausibleFact.LINE_HAUL_DISTANCE in assess_delivered(facts, METHOD).implausible
    yield replace(facts, chain=None)
    yield replace(facts, hubs=())
    for end in ("origin", "destination"):
        place = getattr(facts, end)
        yield replace(facts, **{end: replace(place, stated_by=StatedBy.SELLER)})
        yield replace(facts, **{end: replace(place, kind=PlaceKind.HOME)})
    for number, hub in enumerate(facts.hubs if len(facts.hubs) <= _passes(facts) else ()):
        for lesser_hub in (replace(hub, co2e_mg=None), replace(hub, stated_by=StatedBy.SELLER)):
            yield replace(facts, hubs=(*facts.hubs[:number], lesser_hub, *facts.hubs[number + 1 :]))
    chain = facts.chain or ()
    roles = [element.role for element in chain]
    for number, element in enumerate(chain):
        rest = (*chain[:number], *chain[number + 1 :])
        if roles.count(element.role) == 1:
            yield replace(facts, chain=rest or None)
        for field, nothing in (
            ("vehicle", None),
            ("round", None),
            ("distance_m", None),
            ("energy", None),
            ("density", None),
            ("temperature_controlled", False),
            ("stated_by", StatedBy.SELLER),
        ):
            if field == "energy" and _belied(element):
                continue
            if field in {"round", "distance_m"} and short:
                continue
            if field == "round" and element.role is ChainRole.LINE_HAUL and element.distance_m is not None:
                continue
            lesser = replace(element, **{field: nothing})
            yield replace(facts, chain=(*chain[:number], lesser, *chain[number + 1 :]))


def _belied(element: ChainElement) -> bool:
    """Energy outside its bounds makes its round undeclared; without it the round counts by its kilometres."""
    energy, trip = element.energy, element.round
    if energy is None or trip is None or element.vehicle is None:
        return False
    row = METHOD.vehicles[element.vehicle]
    least, most = row.energy_per_km
    within = least * trip.distance_m <= energy.amount_milli * 1000 <= most * trip.distance_m
    return row.carrier is not energy.carrier or energy.parcels != trip.parcels or not within


@given(deliveries, st.integers(1, 10**9))
def test_the_mass_of_the_goods_moves_no_ratio_unless_a_vehicle_cannot_carry_it(
    facts: DeliveredFacts, mass_mg: int
) -> None:
    other = replace(facts, mass_mg=mass_mg)
    assessed, again = assess_delivered(facts, METHOD), assess_delivered(other, METHOD)
    if ("payload" in assessed.implausible) == ("payload" in again.implausible):
        assert delivery(other).ratio == delivery(facts).ratio
    elif "payload" in again.implausible:
        assert delivery(other).ratio >= delivery(facts).ratio


@given(parcels, st.lists(items, max_size=3).map(tuple), st.none() | st.integers(1, 10**9))
def test_goods_that_only_the_seller_states_raise_no_reference(
    facts: PackedFacts, goods: tuple[Item, ...], order_mm3: int | None
) -> None:
    said = tuple(replace(item, stated_by=StatedBy.SELLER) for item in goods)
    none = replace(facts, items=(), order=None)
    lied = replace(facts, items=said, order=Order(3, order_mm3))
    assert packaging_points(packaging(lied), 0) <= packaging_points(packaging(none), 0)


@given(
    parcels,
    outers,
    st.lists(components, min_size=1, max_size=5).map(tuple),
    st.sampled_from(ComponentRole),
    st.sampled_from([OuterKind.BOX, OuterKind.OWN_BOX]),
)
def test_names_of_kind_and_role_move_no_score_that_only_the_seller_states(
    facts: PackedFacts, outer: Outer, parts: tuple[Component, ...], role: ComponentRole, kind: OuterKind
) -> None:
    box = replace(outer, kind=OuterKind.BOX, stated_by=StatedBy.SELLER)
    plain = replace(facts, outer=box, components=parts)
    named = replace(plain, outer=replace(box, kind=kind), components=tuple(replace(part, role=role) for part in parts))
    assert packaging(named) == packaging(plain)


@given(st.integers(1, 10**9), st.integers(1, 10**7))
def test_the_surface_scale_is_the_nearest_integer(volume: int, base: int) -> None:
    scale = surface_scale(volume, base)
    cube = volume * volume * 10**18 * 8
    assert (2 * scale - 1) ** 3 * base * base <= cube <= (2 * scale + 1) ** 3 * base * base


@given(st.integers(900_000, 10**9))
def test_a_thousandth_more_volume_moves_a_parcel_by_less_than_a_tenth_of_a_point(volume: int) -> None:
    table = METHOD.packaging
    before, after = (table.base.times(surface_scale(mm3, table.base_mm3)) for mm3 in (volume, volume + volume // 1000))
    for ratio in (MILLION // 2, MILLION, 3 * MILLION // 2):
        co2e = before.co2e_mg * ratio // MILLION
        points = [
            packaging_points(PackagingSums(1, co2e_ratio=co2e * MILLION // one.co2e_mg), 0) for one in (before, after)
        ]
        assert abs(points[0] - points[1]) < 0.1


@given(deliveries)
def test_temperature_control_moves_no_ratio_and_never_lowers_the_inventory(facts: DeliveredFacts) -> None:
    chain = tuple(replace(element, temperature_controlled=False) for element in facts.chain or ())
    cooled = tuple(replace(element, temperature_controlled=True) for element in chain)
    ambient, controlled = (delivery(replace(facts, chain=one or None)) for one in (chain, cooled))
    assert controlled.ratio == ambient.ratio
    assert controlled.delivery_co2e_mg >= ambient.delivery_co2e_mg


@given(deliveries, st.integers(1, 20))
def test_fewer_attempts_never_lower_a_score(facts: DeliveredFacts, attempts: int) -> None:
    few, many = sorted((facts.attempts, attempts))
    best, worst = (delivery(replace(facts, attempts=count)) for count in (few, many))
    assert best.ratio <= worst.ratio


@given(wrapped, st.integers(0, 60_000))
def test_packaging_never_scores_lower_for_being_lighter_as_long_as_it_covers_the_parcel(
    facts: PackedFacts, less: int
) -> None:
    first, *others = facts.components or ()
    assert first.mass_mg is not None
    light = replace(facts, components=(replace(first, mass_mg=max(1, first.mass_mg - less)), *others))
    if packaging(light).complete_parcels:
        assert parcel_packaging_score(packaging(light)) >= parcel_packaging_score(packaging(facts))


vehicles_on_rounds = st.sampled_from(
    [vehicle for vehicle in Vehicle if METHOD.vehicles[vehicle].km or METHOD.vehicles[vehicle].kwh_km]
)


def brought(vehicle: Vehicle, trip: Round, attempts: int = 1) -> DeliverySums:
    """A delivery within Hanoi of which the last mile alone is declared."""
    place, last_mile = Place("VN", "01"), ChainElement(ChainRole.LAST_MILE, vehicle, round=trip)
    return delivery(DeliveredFacts(date(2026, 3, 1), 500_000, place, place, attempts, (last_mile,)))


@given(vehicles_on_rounds, st.integers(900, 20_000), st.integers(900, 20_000), st.integers(1, 10))
def test_a_shorter_round_never_scores_lower(vehicle: Vehicle, one: int, other: int, attempts: int) -> None:
    best, worst = (brought(vehicle, Round(metres, 10), attempts) for metres in sorted((one, other)))
    assert best.ratio <= worst.ratio


@given(vehicles_on_rounds, st.integers(1, 42), st.integers(1, 42))
def test_more_parcels_in_a_round_never_lower_a_score(vehicle: Vehicle, one: int, other: int) -> None:
    emptier, fuller = (brought(vehicle, Round(20_000, count)) for count in sorted((one, other)))
    assert fuller.ratio <= emptier.ratio


ratios = st.integers(0, RATIO_MOST)
milli = st.integers(0, 100_000)


@st.composite
def windows(draw: st.DrawFn) -> Totals:
    """Sums of parcels that the method can give."""
    packed, delivered, returned = (draw(st.integers(0, 300)) for _ in range(3))
    returned = min(returned, delivered)
    return Totals(
        PackagingSums(
            packed,
            co2e_ratio=draw(st.integers(0, RATIO_MOST * packed)),
            plastic_ratio=draw(st.integers(0, RATIO_MOST * packed)),
            empty_space_milli=draw(st.integers(0, 100_000 * packed)),
            circular_milli=draw(st.integers(0, 100_000 * packed)),
        ),
        DeliverySums(delivered, ratio=draw(st.integers(0, RATIO_MOST * delivered))),
        ReturnSums(returned, ratio=draw(st.integers(0, RATIO_MOST * returned))),
    )


@given(windows(), ratios, ratios, ratios, milli, milli)
def test_no_parcel_moves_a_score_by_more_than_two_points(
    totals: Totals, co2e: int, plastic: int, sent: int, empty: int, circular: int
) -> None:
    packed = added(
        totals.packaging,
        PackagingSums(1, co2e_ratio=co2e, plastic_ratio=plastic, empty_space_milli=empty, circular_milli=circular),
    )
    delivered = added(totals.delivery, DeliverySums(1, ratio=sent))
    returned = added(totals.returns, ReturnSums(1, ratio=sent))
    before = packaging_points(totals.packaging, 40)
    assert abs(packaging_points(packed, 40) - before) < 2
    before = delivery_points(totals.delivery, totals.returns, 40)
    assert abs(delivery_points(delivered, totals.returns, 40) - before) < 2
    assert abs(delivery_points(totals.delivery, returned, 40) - before) < 2


@given(st.lists(parcels, min_size=1, max_size=6), st.randoms(use_true_random=False), st.integers(0, 6))
def test_sums_do_not_depend_on_order_or_grouping(facts: list[PackedFacts], random: Random, cut: int) -> None:
    contributions = [packaging(one) for one in facts]
    whole = reduce(added, contributions, PackagingSums())
    shuffled = contributions.copy()
    random.shuffle(shuffled)
    left = reduce(added, shuffled[:cut], PackagingSums())
    right = reduce(added, shuffled[cut:], PackagingSums())
    assert added(left, right) == whole
    assert score(Totals(packaging=whole)) == score(Totals(packaging=added(left, right)))


@given(parcels, deliveries, st.integers(1, 500))
def test_a_seller_of_equal_parcels_scores_as_one_of_them(packed: PackedFacts, sent: DeliveredFacts, count: int) -> None:
    one, another = packaging(packed), delivery(sent)
    many = Totals(
        packaging=PackagingSums(*(value * count for value in one)),
        delivery=DeliverySums(*(value * count for value in another)),
    )
    scores = score(many, prior_parcels=0)
    assert scores.packaging == parcel_packaging_score(one)
    assert scores.delivery == parcel_delivery_score(another)


@given(parcels, deliveries, st.integers(0, 60))
def test_proven_scores_are_never_above_the_scores_of_all_parcels(
    packed: PackedFacts, sent: DeliveredFacts, prior: int
) -> None:
    scores = score(Totals(packaging(packed), delivery(sent), returning(sent)), prior)
    assert scores.proven.green <= scores.green
    assert scores.proven.packaging <= scores.packaging
    assert scores.proven.delivery <= scores.delivery
    if scores.measured_share_permille == 1000 and returning(sent).measured_parcels:
        assert scores.proven.green == scores.green


@given(parcels, deliveries)
def test_an_explanation_changes_no_figure(packed: PackedFacts, sent: DeliveredFacts) -> None:
    assert assess_packed(packed, METHOD, []) == assess_packed(packed, METHOD)
    assert assess_delivered(sent, METHOD, []) == assess_delivered(sent, METHOD)
    assert assess_returned(sent, METHOD, []) == assess_returned(sent, METHOD)
