"""Advice: each change is the best for the account it was made for, and says what re-scoring says."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.unit.methodology.honest import carried, measured

from greenlane.factors.loading import load_method
from greenlane.methodology.explaining.advice import advise, suggest
from greenlane.methodology.explaining.changes import LEVERS, Change
from greenlane.methodology.explaining.suppositions import certified, usual_energy
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Hub,
    Item,
    Outer,
    PackedFacts,
    Place,
    RecoveredFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.seller.account import Declaration, assess, assess_all, co2e_mg, totals_of
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.seller.score import green_points, score
from greenlane.methodology.sums import DeliverySums, PackagingSums
from greenlane.methodology.vocabulary import (
    BadgeLevel,
    ChainRole,
    ComponentRole,
    Dimension,
    DistanceBasis,
    EnergyCarrier,
    Grade,
    Material,
    OuterKind,
    PlaceKind,
    RecoveredKind,
    StatedBy,
    Vehicle,
)

METHOD = load_method()
DAY = date(2026, 3, 1)
HANOI, HCMC = Place("VN", "01"), Place("VN", "79")
THREE_LITRES = (Item(1, 500_000, 200, 150, 100),)
TIGHT = Outer(OuterKind.BOX, 210, 160, 105)
HUGE = Outer(OuterKind.BOX, 300, 250, 400)
REUSED = Component(ComponentRole.OUTER, Material.WOVEN_PP, 87_000, 60, reusable=ReusableAsset("box", 20))
BOARD = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000)
METERED = ChainElement(
    ChainRole.LAST_MILE,
    Vehicle.MOTORBIKE_ELECTRIC,
    energy=Energy(EnergyCarrier.ELECTRICITY, 1_200, 130),
    round=Round(40_000, 130),
)
PETROL = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(40_000, 130))


def only_level(green: int) -> Policy:
    return Policy("t", (LevelRules(BadgeLevel.BRONZE, green, 0, 0, 0, 0, 0, 100),))


LENIENT, SEVERE = only_level(60), only_level(99)


def packed(*parts: Component, outer: Outer | None = TIGHT, items: tuple[Item, ...] = THREE_LITRES) -> Declaration:
    return Declaration("P", Dimension.PACKAGING, PackedFacts(DAY, "VN", items, outer, parts or None))


def delivered(*chain: ChainElement, attempts: int = 1, to: Place = HANOI) -> Declaration:
    return Declaration("P", Dimension.DELIVERY, DeliveredFacts(DAY, 500_000, HANOI, to, attempts, chain or None))


def whole(declaration: Declaration) -> Declaration:
    """The declaration with everything else declared, by others."""
    facts = declaration.facts
    if isinstance(facts, PackedFacts):
        return declaration._replace(facts=measured(facts))
    assert isinstance(facts, DeliveredFacts)
    hub = Hub(METHOD.delivery.hub_mg, StatedBy.CARRIER)
    first = replace(METERED, role=ChainRole.FIRST_MILE)
    return declaration._replace(
        facts=replace(carried(replace(facts, chain=(first, *(facts.chain or ())))), hubs=(hub, hub))
    )


def only(declaration: Declaration, change: Change) -> Declaration:
    changed = LEVERS[change].apply(declaration, METHOD)
    assert changed is not None
    return changed


def packing(declaration: Declaration) -> PackedFacts:
    assert isinstance(declaration.facts, PackedFacts)
    return declaration.facts


def sending(declaration: Declaration) -> DeliveredFacts:
    assert isinstance(declaration.facts, DeliveredFacts)
    return declaration.facts


FAR_ROUND = replace(METERED, energy=Energy(EnergyCarrier.ELECTRICITY, 4_500, 60), round=Round(100_000, 60))
FLIGHT = ChainElement(ChainRole.LINE_HAUL, Vehicle.AIRCRAFT_DOMESTIC, 1_138_000, DistanceBasis.ACTUAL)

BAG = Component(ComponentRole.OUTER, Material.LDPE_FILM, 20_000, 30)
PAPER = Component(ComponentRole.OUTER, Material.KRAFT_PAPER, 20_000)
TEXTILE = Component(ComponentRole.OUTER, Material.TEXTILE, 20_000)
MAILER = Outer(OuterKind.FLEXIBLE_MAILER, 300, 250)


def _partly_stated() -> Declaration:
    """Everything measured but one part, for which the whole parcel's circular mass does not count."""
    facts = packing(whole(packed(REUSED, replace(TEXTILE, role=ComponentRole.INNER, mass_mg=2_000))))
    reused, paper = facts.components or ()
    seller = replace(paper, stated_by=StatedBy.SELLER)
    return packed()._replace(facts=replace(facts, components=(reused, seller)))


MADE_FOR = {
    Change.RIGHT_SIZE_BOX: whole(packed(REUSED, outer=HUGE)),
    Change.DROP_FILLER: whole(packed(TEXTILE, Component(ComponentRole.FILLER, Material.TEXTILE, 60_000))),
    Change.SWAP_MATERIAL: whole(packed(REUSED, Component(ComponentRole.CUSHIONING, Material.UNKNOWN_PLASTIC, 40_000))),
    Change.CERTIFIED_RECYCLED: whole(packed(replace(BOARD, role=ComponentRole.INNER))),
    Change.REUSABLE_ASSET: whole(packed(replace(TEXTILE, mass_mg=150_000))),
    Change.THICKER_BAGS: whole(packed(replace(REUSED, film_thickness_um=30), outer=MAILER)),
    Change.PICKUP_POINTS: whole(delivered(FAR_ROUND)),
    Change.ELECTRIC_LAST_MILE: whole(delivered(PETROL)),
    Change.FEWER_FAILED_ATTEMPTS: whole(delivered(METERED, attempts=3, to=replace(HANOI, kind=PlaceKind.LOCKER))),
    Change.SURFACE_LINE_HAUL: whole(delivered(FLIGHT, METERED, to=HCMC)),
    Change.DECLARE: packed(outer=None, items=()),
    Change.STATED_BY_OTHERS: _partly_stated(),
}


def test_every_change_has_an_account_for_which_it_is_the_best() -> None:
    assert set(MADE_FOR) == set(Change) == set(LEVERS)


@pytest.mark.parametrize("change", Change)
def test_each_change_is_named_first_where_it_raises_the_score_most(change: Change) -> None:
    account = [MADE_FOR[change]] * 100
    first = suggest(account, METHOD)[0]
    before, after = (
        totals_of(assess_all(items, METHOD)) for items in (account, [only(MADE_FOR[change], change)] * 100)
    )
    assert first.change is change
    assert first.parcels == 100
    assert first.points == green_points(after) - green_points(before) > 0
    assert first.co2e_saved_mg == co2e_mg(before) - co2e_mg(after)
    assert (first.green, first.grade) == (score(after).green, score(after).grade)


def test_three_changes_are_named_the_best_first_and_none_that_lowers_the_score() -> None:
    account = [whole(packed(BOARD, BOARD, BOARD, outer=HUGE)), whole(delivered(PETROL, attempts=2))] * 60
    suggestions = suggest(account, METHOD)
    everything = suggest(account, METHOD, most=len(Change))
    gains = [one.points for one in everything]
    assert len(suggestions) == 3
    assert suggestions == everything[:3]
    assert gains == sorted(gains, reverse=True)
    assert all(gain > 0 for gain in gains)


def test_an_account_that_can_do_nothing_better_gets_no_advice() -> None:
    recovered = Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 1))
    walked = delivered(ChainElement(ChainRole.LAST_MILE, Vehicle.ON_FOOT, round=Round(5_000, 60)))
    assert suggest([], METHOD) == ()
    assert suggest([recovered, walked], METHOD) == ()


def test_the_prior_dampens_what_a_change_gains() -> None:
    account = [MADE_FOR[Change.ELECTRIC_LAST_MILE]]
    assert 0 < suggest(account, METHOD)[0].points < suggest(account, METHOD, prior_parcels=0)[0].points


def test_a_grade_that_would_be_reached_is_named() -> None:
    electric = suggest([MADE_FOR[Change.ELECTRIC_LAST_MILE]] * 1000, METHOD)[0]
    assert electric.grade is Grade.C
    after = only(whole(delivered(PETROL)), electric.change)
    assert electric.green == score(totals_of(assess_all([after] * 1000, METHOD))).green


def test_a_right_sized_box_is_a_fifth_empty_and_its_board_and_filler_shrink_with_it() -> None:
    filler, tape = (
        Component(ComponentRole.FILLER, Material.PAPER, 90_000),
        Component(ComponentRole.CLOSURE, Material.PAPER_TAPE, 2_000),
    )
    facts = packing(only(packed(BOARD, filler, tape, outer=HUGE), Change.RIGHT_SIZE_BOX))
    assert facts.outer == Outer(OuterKind.BOX, 300, 250, 50)  # 5/4 x 3,000,000 mm³ / (300 x 250)
    assert facts.components is not None
    board, paper, unchanged = facts.components
    surfaces = (300 * 250 + 550 * 50, 300 * 250 + 550 * 400)
    assert board.mass_mg == round(87_000 * surfaces[0] / surfaces[1])
    assert paper.mass_mg == round(90_000 * 750_000 / 27_000_000)
    assert unchanged == tape
    sums = assess(only(packed(BOARD, outer=HUGE), Change.RIGHT_SIZE_BOX), METHOD).sums
    assert isinstance(sums, PackagingSums)
    assert sums.empty_volume_mm3 * 5 == sums.outer_volume_mm3


@pytest.mark.parametrize(
    "declaration",
    [
        packed(BOARD),
        packed(BOARD, outer=None),
        packed(BOARD, outer=replace(HUGE, height_mm=None)),
        packed(BOARD, outer=replace(HUGE, kind=OuterKind.OWN_BOX)),
        packed(BOARD, outer=HUGE, items=(Item(1),)),
        packed(BOARD, outer=HUGE, items=()),
        delivered(PETROL),
    ],
)
def test_only_a_measured_box_that_is_too_high_is_right_sized(declaration: Declaration) -> None:
    assert LEVERS[Change.RIGHT_SIZE_BOX].apply(declaration, METHOD) is None


def test_an_undeclared_box_of_known_size_is_right_sized_without_components() -> None:
    facts = packing(only(packed(outer=HUGE), Change.RIGHT_SIZE_BOX))
    assert facts.components is None
    assert facts.outer == Outer(OuterKind.BOX, 300, 250, 50)
    unweighed = packed(replace(BOARD, mass_mg=None), outer=HUGE)
    assert packing(only(unweighed, Change.RIGHT_SIZE_BOX)).components == (replace(BOARD, mass_mg=None),)


def test_filler_is_dropped_only_where_something_else_remains() -> None:
    filler = Component(ComponentRole.FILLER, Material.PAPER, 1)
    assert packing(only(packed(BOARD, filler), Change.DROP_FILLER)).components == (BOARD,)
    for nothing in (packed(filler), packed(BOARD), packed()):
        assert LEVERS[Change.DROP_FILLER].apply(nothing, METHOD) is None


def test_plastic_becomes_kraft_paper_of_twice_the_mass_and_reused_plastic_stays() -> None:
    film = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 5_000, 60, 300, DAY)
    unknown = (Component(ComponentRole.INNER, None, 7), Component(ComponentRole.LABEL, Material.PET, None))
    facts = packing(only(packed(REUSED, film, *unknown), Change.SWAP_MATERIAL))
    assert facts.components == (
        REUSED,
        Component(ComponentRole.CUSHIONING, Material.KRAFT_PAPER, 10_000),
        unknown[0],
        Component(ComponentRole.LABEL, Material.KRAFT_PAPER, None),
    )
    assert LEVERS[Change.SWAP_MATERIAL].apply(packed(REUSED, BOARD), METHOD) is None
    assert LEVERS[Change.SWAP_MATERIAL].apply(packed(), METHOD) is None


def test_recycled_content_is_whole_and_certified_where_a_recycled_factor_exists() -> None:
    textile = Component(ComponentRole.INNER, Material.TEXTILE, 5)
    facts = packing(only(packed(BOARD, textile, replace(BOARD, material=None)), Change.CERTIFIED_RECYCLED))
    assert facts.components is not None
    assert facts.components[0] == certified(replace(BOARD, recycled_permille=1000), date.max)
    assert facts.components[1:] == (textile, replace(BOARD, material=None))
    assert "recycled_uncertified" not in assess(packed(*facts.components[:1]), METHOD).defaults
    assert LEVERS[Change.CERTIFIED_RECYCLED].apply(packed(), METHOD) is None


def test_a_reusable_bag_of_three_times_the_mass_replaces_all_outer_packaging() -> None:
    film = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 5_000)
    facts = packing(only(packed(BOARD, film, replace(BOARD, mass_mg=3_000)), Change.REUSABLE_ASSET))
    assert facts.components is not None
    bag, kept = facts.components
    assert (bag.role, bag.material, bag.mass_mg) == (ComponentRole.OUTER, Material.WOVEN_PP, 270_000)
    assert bag.reusable is not None
    assert bag.reusable.verified_trips == 20
    assert kept == film
    mailer = packed(*facts.components, outer=Outer(OuterKind.FLEXIBLE_MAILER, 300, 300))
    sums = assess(mailer, METHOD).sums
    assert isinstance(sums, PackagingSums)
    assert sums.thin_bag_parcels == 0
    for nothing in (packed(REUSED), packed(film), packed(replace(BOARD, mass_mg=None)), packed()):
        assert LEVERS[Change.REUSABLE_ASSET].apply(nothing, METHOD) is None


def test_a_pickup_point_means_a_dense_round_a_single_attempt_and_the_energy_of_the_shorter_way() -> None:
    facts = sending(only(delivered(FAR_ROUND, attempts=2), Change.PICKUP_POINTS))
    dense = Round(40_000, 130)
    assert facts.destination == replace(HANOI, kind=PlaceKind.PICKUP_POINT)
    assert facts.attempts == 1
    assert facts.chain == (replace(FAR_ROUND, round=dense, energy=Energy(EnergyCarrier.ELECTRICITY, 1_800, 130)),)
    faint = replace(FAR_ROUND, energy=Energy(EnergyCarrier.ELECTRICITY, 1, 60))
    least = sending(only(delivered(faint), Change.PICKUP_POINTS)).chain
    assert least == (replace(faint, round=dense, energy=Energy(EnergyCarrier.ELECTRICITY, 1, 130)),)
    unmetered = sending(only(delivered(replace(PETROL, round=Round(60_000, 100))), Change.PICKUP_POINTS))
    assert unmetered.chain == (replace(PETROL, round=dense),)
    best = replace(PETROL, round=Round(20_000, 130))
    assert sending(only(delivered(best), Change.PICKUP_POINTS)).chain == (best,)
    same = replace(PETROL, density=None, round=Round(20_000, 65))
    assert sending(only(delivered(same), Change.PICKUP_POINTS)).chain == (same,)
    for kind in (PlaceKind.LOCKER, PlaceKind.PICKUP_POINT):
        there = delivered(PETROL, to=replace(HANOI, kind=kind))
        assert LEVERS[Change.PICKUP_POINTS].apply(there, METHOD) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Vehicle.MOTORBIKE_PETROL, Vehicle.MOTORBIKE_ELECTRIC),
        (None, Vehicle.MOTORBIKE_ELECTRIC),
        (Vehicle.VAN_DIESEL, Vehicle.VAN_ELECTRIC),
        (Vehicle.VAN_CLASS_1_DIESEL, Vehicle.VAN_CLASS_1_ELECTRIC),
        (Vehicle.VAN_CLASS_1_PETROL, Vehicle.VAN_CLASS_1_ELECTRIC),
        (Vehicle.VAN_CLASS_2_DIESEL, Vehicle.VAN_CLASS_2_ELECTRIC),
        (Vehicle.VAN_CLASS_2_PETROL, Vehicle.VAN_CLASS_2_ELECTRIC),
        (Vehicle.LORRY_AVERAGE, Vehicle.VAN_ELECTRIC),
        (Vehicle.VAN_PETROL, Vehicle.VAN_ELECTRIC),
        (Vehicle.LORRY_RIGID, Vehicle.VAN_ELECTRIC),
        (Vehicle.CARGO_BIKE, Vehicle.CARGO_BIKE),
        (Vehicle.MOTORBIKE_ELECTRIC, Vehicle.MOTORBIKE_ELECTRIC),
    ],
)
def test_an_electric_last_mile_declares_plausible_energy_on_the_same_round(
    before: Vehicle | None, after: Vehicle
) -> None:
    changed = only(delivered(replace(PETROL, vehicle=before)), Change.ELECTRIC_LAST_MILE)
    chain = sending(changed).chain
    assert chain is not None
    assert (chain[0].vehicle, chain[0].round) == (after, Round(40_000, 130))
    assessed = assess(changed, METHOD)
    assert assessed.implausible == ()
    assert assessed.defaults == ("first_mile_undeclared", "hub_undeclared")
    assert "grid.vn.y2023.plug" in assessed.factor_ids


def test_the_usual_energy_is_the_geometric_middle_of_the_plausible() -> None:
    chain = sending(only(delivered(PETROL), Change.ELECTRIC_LAST_MILE)).chain
    assert chain is not None
    least, most = METHOD.vehicles[Vehicle.MOTORBIKE_ELECTRIC].energy_per_km
    assert chain[0].energy is not None
    assert chain[0].energy.parcels == 130
    assert abs((chain[0].energy.amount_milli / 40) ** 2 - least * most) < 2 * (least * most) ** 0.5


def test_the_usual_energy_of_a_hundred_kilometres_is_a_hundred_times_that_of_one() -> None:
    one, hundred = (usual_energy(Vehicle.MOTORBIKE_ELECTRIC, Round(metres, 10), METHOD) for metres in (1_000, 100_000))
    assert one is not None
    assert hundred is not None
    assert (one.amount_milli, hundred.amount_milli, hundred.parcels) == (30, 3_000, 10)


@pytest.mark.parametrize("vehicle", [Vehicle.BICYCLE, Vehicle.ON_FOOT, Vehicle.VAN_ELECTRIC])
def test_what_is_electric_or_muscle_already_stays(vehicle: Vehicle) -> None:
    for element in (replace(PETROL, vehicle=vehicle), METERED):
        assert LEVERS[Change.ELECTRIC_LAST_MILE].apply(delivered(element), METHOD) is None


def test_an_undeclared_last_mile_is_changed_too_and_the_line_haul_is_not() -> None:
    leg = ChainElement(ChainRole.LINE_HAUL, Vehicle.TRAIN)
    chain = sending(only(delivered(leg, to=HCMC), Change.ELECTRIC_LAST_MILE)).chain
    assert chain is not None
    assert chain[0] == leg
    assert (chain[1].role, chain[1].round) == (ChainRole.LAST_MILE, Round(44_000, 100))
    bare = sending(only(delivered(), Change.ELECTRIC_LAST_MILE)).chain
    assert bare is not None
    assert [element.role for element in bare] == [ChainRole.LAST_MILE]


def test_failed_attempts_are_left_out_of_deliveries_only() -> None:
    twice = delivered(PETROL, attempts=2)
    assert sending(only(twice, Change.FEWER_FAILED_ATTEMPTS)).attempts == 1
    assert LEVERS[Change.FEWER_FAILED_ATTEMPTS].apply(delivered(PETROL), METHOD) is None
    returned = twice._replace(dimension=Dimension.RETURN)
    assert LEVERS[Change.FEWER_FAILED_ATTEMPTS].apply(returned, METHOD) is None
    assert LEVERS[Change.FEWER_FAILED_ATTEMPTS].apply(packed(BOARD), METHOD) is None


def test_an_aircraft_gives_way_to_a_lorry_over_the_geographic_distance() -> None:
    changed = only(delivered(FLIGHT, METERED, to=HCMC), Change.SURFACE_LINE_HAUL)
    assert sending(changed).chain == (ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED), METERED)
    sums = assess(changed, METHOD).sums
    assert isinstance(sums, DeliverySums)
    assert sums.air_parcels == 0
    cooled = only(delivered(replace(FLIGHT, temperature_controlled=True), to=HCMC), Change.SURFACE_LINE_HAUL)
    assert sending(cooled).chain == (
        ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED, temperature_controlled=True),
    )
    metered = replace(FLIGHT, energy=Energy(EnergyCarrier.DIESEL, 9, 9), round=Round(1_138_000, 90))
    assert sending(only(delivered(metered, to=HCMC), Change.SURFACE_LINE_HAUL)).chain == (
        ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_ARTICULATED),
    )
    for nothing in (delivered(PETROL), delivered(), delivered(replace(PETROL, vehicle=None))):
        assert LEVERS[Change.SURFACE_LINE_HAUL].apply(nothing, METHOD) is None


def test_points_are_decimals_that_two_runs_give_alike() -> None:
    account = [packed(BOARD, outer=HUGE), delivered(PETROL)] * 3
    assert suggest(account, METHOD) == suggest(tuple(reversed(account)), METHOD)
    assert all(isinstance(one.points, Decimal) for one in suggest(account, METHOD))


def test_a_bag_without_a_thickness_becomes_thick_enough_and_twice_as_heavy() -> None:
    bare = packed(replace(BAG, film_thickness_um=None), outer=MAILER)
    thick = packing(only(bare, Change.THICKER_BAGS)).components
    assert thick is not None
    assert (thick[0].film_thickness_um, thick[0].mass_mg) == (50, 40_000)
    unweighed = packing(only(packed(replace(BAG, mass_mg=None), outer=MAILER), Change.THICKER_BAGS)).components
    assert unweighed == (replace(BAG, mass_mg=None, film_thickness_um=50),)
    known = packing(only(packed(BAG, replace(PAPER, mass_mg=5_000), outer=MAILER), Change.THICKER_BAGS)).components
    assert known is not None
    assert (known[0].film_thickness_um, known[0].mass_mg) == (50, 33_333)
    assert known[1] == replace(PAPER, mass_mg=5_000)
    for nothing in (packed(BOARD), packed(outer=MAILER), packed(BAG, outer=None)):
        assert LEVERS[Change.THICKER_BAGS].apply(nothing, METHOD) is None


def test_the_smallest_set_that_reaches_the_next_level_is_named() -> None:
    account = [packed(BOARD), delivered(PETROL)] * 300
    best = suggest(account, METHOD)[0]
    reached = advise(account, METHOD, only_level(green=int(best.green)))
    assert (reached.level, reached.next_level) == (BadgeLevel.NONE, BadgeLevel.BRONZE)
    assert reached.way == (best.change,)
    assert advise([packed(BOARD), delivered(PETROL)] * 300, METHOD, SEVERE).way == ()
    silver = advise([whole(packed(PAPER)), whole(delivered(METERED))] * 300, METHOD, LENIENT)
    assert (silver.level, silver.next_level) == (BadgeLevel.BRONZE, BadgeLevel.SILVER)
    assert advise([], METHOD, LENIENT).empty
    assert not advise([packed(BOARD)], METHOD, LENIENT).empty
    assert not advise([delivered(PETROL)], METHOD, LENIENT).empty


def test_others_state_every_fact_of_a_parcel_and_keep_what_a_verifier_states() -> None:
    verified = replace(BOARD, stated_by=StatedBy.VERIFIER)
    facts = packing(only(packed(BOARD, verified), Change.STATED_BY_OTHERS))
    assert facts == replace(
        measured(packing(packed(BOARD, verified))),
        components=(replace(BOARD, stated_by=StatedBy.MARKETPLACE), verified),
    )
    sent = sending(only(delivered(PETROL), Change.STATED_BY_OTHERS))
    assert sent == carried(sending(delivered(PETROL)))
    assert LEVERS[Change.STATED_BY_OTHERS].apply(whole(delivered(PETROL)), METHOD) is None
    assert sending(only(delivered(), Change.STATED_BY_OTHERS)).chain is None
    assert packing(only(packed(outer=None), Change.STATED_BY_OTHERS)).components is None
    recovered = Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 1))
    assert LEVERS[Change.STATED_BY_OTHERS].apply(recovered, METHOD) is None


def test_two_changes_are_named_where_neither_suffices_alone() -> None:
    account = [packed(BOARD, outer=HUGE), delivered(PETROL)] * 300
    singles = [suggestion.green for suggestion in suggest(account, METHOD, most=len(Change))]
    policy = only_level(green=int(max(singles)) + 2)
    way = advise(account, METHOD, policy).way
    assert len(way) == 2
    after = [LEVERS[way[1]].apply(item, METHOD) or item for item in account]
    after = [LEVERS[way[0]].apply(item, METHOD) or item for item in after]
    assert score(totals_of(assess_all(after, METHOD))).green >= policy.levels[0].green_min
