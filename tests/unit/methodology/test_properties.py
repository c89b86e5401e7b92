"""The principles of the method as properties: bounded, monotone, missing never improves, one big parcel."""

from datetime import date
from functools import reduce
from random import Random
from typing import TypeVar

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from greenlane.factors.loading import load_method
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
from greenlane.methodology.parcel.delivery import assess_delivered, assess_returned
from greenlane.methodology.parcel.packaging import assess_packed
from greenlane.methodology.seller.score import parcel_delivery_score, parcel_packaging_score, score
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import (
    ChainRole,
    ComponentRole,
    DistanceBasis,
    EnergyCarrier,
    Material,
    OuterKind,
    PlaceKind,
    RoundDensity,
    Vehicle,
)

SumsT = TypeVar("SumsT", PackagingSums, DeliverySums, ReturnSums)
METHOD = load_method()
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
SIDES = st.integers(20, 600)
HANOI, HCMC = Place("VN", "01"), Place("VN", "79")


def added(first: SumsT, second: SumsT) -> SumsT:
    return type(first)(*(a + b for a, b in zip(first, second, strict=True)))


def packaging(facts: PackedFacts) -> PackagingSums:
    sums = assess_packed(facts, METHOD).sums
    assert isinstance(sums, PackagingSums)
    return sums


def delivery(facts: DeliveredFacts) -> DeliverySums:
    sums = assess_delivered(facts, METHOD).sums
    assert isinstance(sums, DeliverySums)
    return sums


items = st.builds(Item, st.integers(1, 3), st.none(), SIDES, SIDES, SIDES)
outers = st.builds(Outer, st.sampled_from(OuterKind), SIDES, SIDES, SIDES)
components = st.builds(
    Component,
    st.sampled_from(ComponentRole),
    st.sampled_from(Material),
    st.integers(1, 300_000),
    st.none() | st.integers(5, 500),
    st.integers(0, 1000),
    st.none() | DAYS,
    st.none() | st.builds(ReusableAsset, st.just("a"), st.none() | st.integers(1, 1000)),
)
parcels = st.builds(
    PackedFacts,
    DAYS,
    st.sampled_from(["VN", "BR"]),
    st.lists(items, max_size=3).map(tuple),
    st.none() | outers,
    st.none() | st.lists(components, min_size=1, max_size=5).map(tuple),
    st.none() | st.builds(Order, st.integers(1, 5), st.none() | st.integers(1, 10**9)),
)
rounds = st.builds(Round, st.integers(1, 500_000), st.integers(1, 400))
elements = st.builds(
    ChainElement,
    st.sampled_from(ChainRole),
    st.none() | st.sampled_from(Vehicle),
    st.none() | st.integers(0, 3_000_000),
    st.sampled_from(DistanceBasis),
    st.none() | st.builds(Energy, st.sampled_from(EnergyCarrier), st.integers(1, 10**6), st.integers(1, 40_000)),
    st.none() | rounds,
    st.none() | st.sampled_from(RoundDensity),
    st.booleans(),
)
places = st.builds(
    Place, st.just("VN"), st.sampled_from(["01", "79", "48", "02", "00004", "99999"]), st.sampled_from(PlaceKind)
)
deliveries = st.builds(
    DeliveredFacts,
    DAYS,
    st.integers(1, 100_000_000),
    places,
    places,
    st.integers(1, 20),
    st.none() | st.lists(elements, min_size=1, max_size=4).map(tuple),
    st.lists(st.builds(Hub, st.none() | st.integers(0, 10**6)), max_size=2).map(tuple),
)


@given(parcels)
def test_a_packed_parcel_contributes_integers_and_scores_from_0_to_100(facts: PackedFacts) -> None:
    sums = packaging(facts)
    assert all(type(value) is int and value >= 0 for value in sums)
    assert sums.plastic_mass_mg <= sums.packaging_mass_mg
    assert sums.circular_mass_mg <= sums.packaging_mass_mg
    assert sums.primary_packaging_co2e_mg <= sums.packaging_co2e_mg
    assert sums.empty_volume_mm3 <= sums.outer_volume_mm3
    assert 0 <= parcel_packaging_score(sums) <= 100


@given(deliveries)
def test_a_delivered_parcel_contributes_integers_and_scores_from_0_to_100(facts: DeliveredFacts) -> None:
    sums = delivery(facts)
    assert all(type(value) is int and value >= 0 for value in sums)
    parts = sums.line_haul_co2e_mg + sums.last_mile_co2e_mg + sums.hub_co2e_mg
    assert parts <= sums.delivery_co2e_mg
    assert sums.primary_delivery_co2e_mg + sums.modelled_delivery_co2e_mg <= sums.delivery_co2e_mg
    assert 0 <= parcel_delivery_score(sums) <= 100
    returned = assess_returned(facts, METHOD).sums
    assert all(type(value) is int and value >= 0 for value in returned)


@given(parcels, st.data())
def test_leaving_out_a_fact_about_packaging_never_raises_the_score(facts: PackedFacts, data: st.DataObject) -> None:
    """Within the domain of docs/method-choices.md: what is declared is not beyond what undeclared counts as."""
    before = packaging(facts)
    assume(before.undeclared_parcels or _within_undeclared(facts))
    after = packaging(data.draw(st.sampled_from(_fewer_packing_facts(facts))))
    assert parcel_packaging_score(after) <= parcel_packaging_score(before)


def _within_undeclared(facts: PackedFacts) -> bool:
    """Not beyond the undeclared figures of the smallest class, to which leaving out a dimension leads."""
    declared, undeclared = packaging(facts), packaging(replace(facts, components=None, outer=None))
    return (
        declared.packaging_co2e_mg <= undeclared.packaging_co2e_mg
        and declared.plastic_mass_mg <= undeclared.plastic_mass_mg
    )


def _fewer_packing_facts(facts: PackedFacts) -> list[PackedFacts]:
    fewer = [replace(facts, components=None), replace(facts, outer=None), replace(facts, items=())]
    if facts.outer is not None:
        fewer.append(replace(facts, outer=replace(facts.outer, length_mm=None)))
        fewer.append(replace(facts, outer=replace(facts.outer, height_mm=None)))
    if facts.items:
        fewer.append(replace(facts, items=(replace(facts.items[0], width_mm=None), *facts.items[1:])))
    if facts.components is not None:
        first, *others = facts.components
        lesser = [
            replace(first, material=None),
            replace(first, mass_mg=None),
            replace(first, film_thickness_um=None),
            replace(first, recycled_permille=0),
            replace(first, certificate_valid_until=None),
            replace(first, reusable=None),
        ]
        if first.reusable is not None:
            lesser.append(replace(first, reusable=replace(first.reusable, verified_trips=None)))
        fewer += [replace(facts, components=(part, *others)) for part in lesser]
    return fewer


good_rounds = st.builds(Round, st.integers(5_000, 18_400), st.integers(60, 100))
good_last_miles = st.builds(
    ChainElement,
    st.just(ChainRole.LAST_MILE),
    st.sampled_from([Vehicle.MOTORBIKE_PETROL, Vehicle.MOTORBIKE_ELECTRIC, Vehicle.VAN_ELECTRIC, Vehicle.BICYCLE]),
    st.none(),
    st.none(),
    st.none() | st.builds(Energy, st.just(EnergyCarrier.ELECTRICITY), st.integers(50, 900), st.integers(60, 100)),
    st.none() | good_rounds,
    st.none() | st.sampled_from(RoundDensity),
)
good_line_hauls = st.builds(
    ChainElement,
    st.just(ChainRole.LINE_HAUL),
    st.sampled_from([Vehicle.LORRY_ARTICULATED, Vehicle.LORRY_AVERAGE, Vehicle.LORRY_RIGID, Vehicle.TRAIN]),
    st.integers(900_000, 1_360_000),
    st.just(DistanceBasis.ACTUAL),
)


@given(good_line_hauls, good_last_miles, st.integers(1, 5), st.integers(1, 10**7), st.data())
def test_leaving_out_a_fact_about_delivery_never_raises_the_score(
    leg: ChainElement, last: ChainElement, attempts: int, mass_mg: int, data: st.DataObject
) -> None:
    """Within the domain of docs/method-choices.md: what is declared is not worse than the default in its place."""
    facts = DeliveredFacts(date(2026, 3, 1), mass_mg, HANOI, HCMC, attempts, (leg, last))
    fewer_legs = (replace(leg, vehicle=None), replace(leg, distance_m=None, distance_basis=None))
    fewer_lasts = [replace(last, vehicle=None), replace(last, energy=None), replace(last, round=None)]
    if last.round is None:
        fewer_lasts.append(replace(last, density=None))
    fewer = [replace(facts, chain=None), replace(facts, chain=(last,)), replace(facts, chain=(leg,))]
    fewer += [replace(facts, chain=(lesser, last)) for lesser in fewer_legs]
    fewer += [replace(facts, chain=(leg, lesser)) for lesser in fewer_lasts]
    after = delivery(data.draw(st.sampled_from(fewer)))
    before = delivery(facts)
    assert after.delivery_co2e_mg >= before.delivery_co2e_mg
    assert after.reference_delivery_co2e_mg == before.reference_delivery_co2e_mg


@given(parcels, st.integers(0, 300_000))
def test_packaging_without_circular_mass_never_scores_lower_for_being_lighter(facts: PackedFacts, less: int) -> None:
    assume(facts.components is not None)
    assert facts.components is not None
    first, *others = (replace(part, recycled_permille=0, reusable=None) for part in facts.components)
    assert first.mass_mg is not None
    heavy = replace(facts, components=(first, *others))
    light = replace(facts, components=(replace(first, mass_mg=max(1, first.mass_mg - less)), *others))
    assert parcel_packaging_score(packaging(light)) >= parcel_packaging_score(packaging(heavy))


@given(st.lists(st.integers(1, 40_000), min_size=2, max_size=6), st.integers(1, 300_000), st.booleans())
def test_splitting_an_order_never_improves_its_packaging_score(
    shares_ml: list[int], board_mg: int, volume_declared: bool
) -> None:
    """The same packaging in all, around one parcel or around several that say of which order they are a part."""
    assume(board_mg >= len(shares_ml))
    whole = reduce(added, [_boxed(sum(shares_ml), board_mg, None)], PackagingSums())
    order = Order(len(shares_ml), sum(shares_ml) * 1000 if volume_declared else None)
    parts = [board_mg // len(shares_ml)] * (len(shares_ml) - 1)
    parts.append(board_mg - sum(parts))
    split = reduce(added, (_boxed(ml, mg, order) for ml, mg in zip(shares_ml, parts, strict=True)), PackagingSums())
    assert split.reference_packaging_co2e_mg <= whole.reference_packaging_co2e_mg
    assert split.reference_plastic_mg <= whole.reference_plastic_mg


def _boxed(product_ml: int, board_mg: int, order: Order | None) -> PackagingSums:
    item = (Item(1, None, product_ml, 100, 10),)
    board = (Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, board_mg),)
    box = Outer(OuterKind.BOX, product_ml, 100, 10)
    return packaging(PackedFacts(date(2026, 3, 1), "VN", item, box, board, order))


@given(parcels, st.integers(2, 50), st.integers(1, 10**9))
def test_saying_that_an_order_was_split_never_raises_the_reference(facts: PackedFacts, count: int, mm3: int) -> None:
    alone = packaging(replace(facts, order=None))
    part = packaging(replace(facts, order=Order(count, mm3)))
    unmeasured = packaging(replace(facts, order=Order(count)))
    assert 0 < part.reference_packaging_co2e_mg <= alone.reference_packaging_co2e_mg
    assert 0 < unmeasured.reference_packaging_co2e_mg <= alone.reference_packaging_co2e_mg
    assert 0 < unmeasured.reference_plastic_mg <= alone.reference_plastic_mg


@given(deliveries)
def test_temperature_control_never_lowers_the_co2e_of_a_chain(facts: DeliveredFacts) -> None:
    assume(facts.chain is not None)
    chain = tuple(replace(element, temperature_controlled=False) for element in facts.chain or ())
    cooled = tuple(replace(element, temperature_controlled=True) for element in chain)
    ambient, controlled = delivery(replace(facts, chain=chain)), delivery(replace(facts, chain=cooled))
    assert controlled.delivery_co2e_mg >= ambient.delivery_co2e_mg
    assert controlled.reference_delivery_co2e_mg == ambient.reference_delivery_co2e_mg


@given(deliveries, st.integers(1, 20))
def test_fewer_attempts_never_lower_a_score(facts: DeliveredFacts, attempts: int) -> None:
    few, many = sorted((facts.attempts, attempts))
    best, worst = (delivery(replace(facts, attempts=count)) for count in (few, many))
    assert parcel_delivery_score(best) >= parcel_delivery_score(worst)


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_fuller_box_never_scores_lower(length: int, width: int, high: int, higher: int) -> None:
    product = (Item(1, None, length, width, 20),)
    board = (Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000),)
    low, tall = sorted((high, higher))
    full, empty = (
        PackedFacts(date(2026, 3, 1), "VN", product, Outer(OuterKind.BOX, length, width, height), board)
        for height in (low, tall)
    )
    assert parcel_packaging_score(packaging(full)) >= parcel_packaging_score(packaging(empty))


@given(st.sampled_from(Vehicle), st.integers(500, 400_000), st.integers(500, 400_000), st.integers(1, 10))
def test_a_shorter_round_never_scores_lower(vehicle: Vehicle, one: int, other: int, attempts: int) -> None:
    short, long = sorted((one, other))
    best, worst = (
        delivery(
            DeliveredFacts(
                date(2026, 3, 1),
                500_000,
                HANOI,
                HANOI,
                attempts,
                (ChainElement(ChainRole.LAST_MILE, vehicle, round=Round(metres, 10)),),
            )
        )
        for metres in (short, long)
    )
    assert parcel_delivery_score(best) >= parcel_delivery_score(worst)


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
def test_a_seller_of_equal_parcels_scores_as_one_big_parcel(
    packed: PackedFacts, sent: DeliveredFacts, count: int
) -> None:
    one, another = packaging(packed), delivery(sent)
    many = Totals(
        packaging=PackagingSums(*(value * count for value in one)),
        delivery=DeliverySums(*(value * count for value in another)),
    )
    scores = score(many, prior_parcels=0)
    assert scores.packaging == parcel_packaging_score(one)
    assert scores.delivery == parcel_delivery_score(another)


@given(parcels, deliveries, st.integers(1, 60))
def test_more_of_the_same_moves_a_seller_away_from_the_prior_only(
    packed: PackedFacts, sent: DeliveredFacts, count: int
) -> None:
    one = score(Totals(packaging=packaging(packed), delivery=delivery(sent)))
    many = score(
        Totals(
            packaging=PackagingSums(*(value * count for value in packaging(packed))),
            delivery=DeliverySums(*(value * count for value in delivery(sent))),
        )
    )
    assert 0 <= many.green <= 100
    assert abs(many.delivery - 50) >= abs(one.delivery - 50)


@given(parcels, deliveries)
def test_an_explanation_changes_no_figure(packed: PackedFacts, sent: DeliveredFacts) -> None:
    assert assess_packed(packed, METHOD, []) == assess_packed(packed, METHOD)
    assert assess_delivered(sent, METHOD, []) == assess_delivered(sent, METHOD)
    assert assess_returned(sent, METHOD, []) == assess_returned(sent, METHOD)
