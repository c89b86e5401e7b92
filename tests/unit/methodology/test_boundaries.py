"""The edges that neighbouring figures do not show: exact limits, smallest masses, and what must stay as it was."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pytest
from msgspec.structs import replace

from greenlane.factors.loading import load_method, load_policy
from greenlane.methodology.assessment import Step
from greenlane.methodology.explaining.account_explanation import explain_account
from greenlane.methodology.explaining.advice import suggest
from greenlane.methodology.explaining.changes import LEVERS, Change
from greenlane.methodology.explaining.effects import effects_of
from greenlane.methodology.explaining.suppositions import suppose, usual_energy
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
    Energy,
    Item,
    Order,
    Outer,
    PackedFacts,
    Place,
    RecoveredFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.parcel.allocation import notional_shares
from greenlane.methodology.parcel.circularity import assess_recovered
from greenlane.methodology.parcel.legs import basis_of
from greenlane.methodology.seller.account import Declaration, assess, assess_all
from greenlane.methodology.seller.arithmetic import arithmetic_of
from greenlane.methodology.seller.eligibility import RuleResult, evaluate
from greenlane.methodology.seller.score import Scores, green_points, parcel_delivery_score, score
from greenlane.methodology.sums import DeliverySums, PackagingSums, Totals
from greenlane.methodology.vocabulary import (
    BadgeLevel,
    ChainRole,
    ComponentRole,
    DefaultUsed,
    Dimension,
    DistanceBasis,
    EnergyCarrier,
    Grade,
    ImplausibleFact,
    Material,
    OuterKind,
    RecoveredKind,
    RoundDensity,
    Vehicle,
)

METHOD = load_method()
DAY = date(2026, 3, 1)
HANOI, HCMC = Place("VN", "01"), Place("VN", "79")
BOARD = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000)
FILM = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 79_000)
AVERAGE = PackedFacts(DAY, "VN", (Item(1, None, 200, 150, 100),), Outer(OuterKind.BOX, 300, 200, 100), (BOARD, FILM))
LAST_MILE = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(60_000, 100))
SENT = DeliveredFacts(DAY, 500_000, HANOI, HANOI, 1, (LAST_MILE,))


def packed(facts: PackedFacts) -> Declaration:
    return Declaration("P", Dimension.PACKAGING, facts)


def sent(*chain: ChainElement, to: Place = HANOI) -> Declaration:
    return Declaration("P", Dimension.DELIVERY, replace(SENT, chain=chain, destination=to))


def supposed(default: DefaultUsed, facts: PackedFacts) -> PackedFacts:
    changed = suppose(default, packed(facts), METHOD)
    assert changed is not None
    assert isinstance(changed.facts, PackedFacts)
    return changed.facts


def changed(change: Change, facts: PackedFacts) -> PackedFacts | None:
    found = LEVERS[change].apply(packed(facts), METHOD)
    if found is None:
        return None
    assert isinstance(found.facts, PackedFacts)
    return found.facts


def test_the_usual_energy_of_a_round_is_whole_and_never_nothing() -> None:
    assert usual_energy(Vehicle.MOTORBIKE_ELECTRIC, Round(40_000, 130), METHOD) == Energy(
        EnergyCarrier.ELECTRICITY, 1_360, 130
    )  # 40 km x isqrt(12 x 100) Wh/km
    short = usual_energy(Vehicle.MOTORBIKE_ELECTRIC, Round(1, 1), METHOD)
    long = usual_energy(Vehicle.MOTORBIKE_ELECTRIC, Round(400_000, 1), METHOD)
    assert short == Energy(EnergyCarrier.ELECTRICITY, 1, 1)
    assert long == Energy(EnergyCarrier.ELECTRICITY, 13_600, 1)
    assert usual_energy(Vehicle.BICYCLE, Round(40_000, 130), METHOD) is None


def test_the_average_board_of_a_share_that_rounds_away_still_weighs_something() -> None:
    tiny = supposed(DefaultUsed.PACKAGING_UNDECLARED, replace(AVERAGE, components=None, order=Order(10**7, 10**15)))
    assert tiny.components is not None
    assert [part.mass_mg for part in tiny.components] == [1, 1]
    sums = assess(packed(tiny), METHOD).sums
    assert isinstance(sums, PackagingSums)
    assert (sums.reference_packaging_co2e_mg, sums.reference_plastic_mg) == (1, 1)


def test_only_what_is_unknown_or_uncertified_is_supposed_otherwise() -> None:
    nameless = replace(FILM, material=None)
    unknown = replace(FILM, material=Material.UNKNOWN_PLASTIC)
    after = supposed(DefaultUsed.MATERIAL_UNKNOWN, replace(AVERAGE, components=(nameless, unknown)))
    assert after.components == (nameless, FILM)
    certified = replace(BOARD, recycled_permille=5, certificate_valid_until=DAY + timedelta(days=9))
    today = replace(certified, certificate_valid_until=DAY)
    expired = replace(certified, certificate_valid_until=DAY - timedelta(days=9))
    after = supposed(DefaultUsed.RECYCLED_UNCERTIFIED, replace(AVERAGE, components=(certified, today, expired)))
    assert after.components == (certified, today, today)


@pytest.mark.parametrize(
    ("outer", "items", "expected"),
    [
        (Outer(OuterKind.BOX, 9, 8, 2), (), ((Item(1, None, 9, 8, 1),), Outer(OuterKind.BOX, 9, 8, 2))),
        (Outer(OuterKind.BOX, 9, 8, 3), (), ((Item(1, None, 9, 8, 1),), Outer(OuterKind.BOX, 9, 8, 3))),
        (None, (Item(2, None, 2, 1, 1),), ((Item(2, None, 2, 1, 1),), Outer(OuterKind.BOX, 2, 2, 2))),
        (
            Outer(OuterKind.BOX, 9, 8, 1),
            (Item(1, None, 2, 2, 1),),
            ((Item(1, None, 2, 2, 1),), Outer(OuterKind.BOX, 2, 2, 2)),
        ),
        (
            Outer(OuterKind.BOX, None, 8, 9),
            (Item(1, None, 5, None, None),),
            ((Item(1, None, 200, 150, 100),), Outer(OuterKind.BOX, 182, 182, 182)),
        ),
    ],
)
def test_a_half_full_outer_packaging_is_whole_millimetres(
    outer: Outer | None, items: tuple[Item, ...], expected: tuple[tuple[Item, ...], Outer]
) -> None:
    after = supposed(DefaultUsed.PRODUCT_VOLUME_UNDECLARED, replace(AVERAGE, outer=outer, items=items))
    assert (after.items, after.outer) == expected


def test_an_outer_packaging_that_is_half_full_already_stays() -> None:
    cube = replace(AVERAGE, outer=Outer(OuterKind.BOX, 2, 2, 1), items=(Item(2, None, 2, 1, 1),))
    assert supposed(DefaultUsed.EMPTY_SPACE_UNDECLARED, replace(cube, outer=None)).outer == Outer(
        OuterKind.BOX, 2, 2, 2
    )
    flat = replace(cube, outer=Outer(OuterKind.BOX, 2, 2, 2), items=(Item(1, None, 2, 2, 1),))
    assert suppose(DefaultUsed.EMPTY_SPACE_UNDECLARED, packed(flat), METHOD) is None


def test_vehicles_that_do_their_part_stay_whatever_their_energy() -> None:
    van = replace(LAST_MILE, vehicle=Vehicle.VAN_ELECTRIC)
    leg = ChainElement(ChainRole.LINE_HAUL, Vehicle.VAN_ELECTRIC)
    nameless = replace(LAST_MILE, vehicle=None)
    after = suppose(DefaultUsed.VEHICLE_UNDECLARED, sent(van, leg, nameless), METHOD)
    assert after == sent(van, leg, LAST_MILE)
    odd = ChainElement(ChainRole.LINE_HAUL, Vehicle.MOTORBIKE_ELECTRIC)
    assert suppose(DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN, sent(odd, nameless), METHOD) is None


def test_each_default_is_supposed_away_only_where_it_was_used() -> None:
    dense = replace(LAST_MILE, round=None, density=RoundDensity.DENSE)
    silent = replace(LAST_MILE, round=None)
    judged = assess_all([sent(dense), sent(silent)], METHOD)
    effects = {
        effect.default: effect.co2e_change_mg
        for effect in effects_of(judged, METHOD, partial(green_points, prior_parcels=0))
    }
    first, second, usual = (assess(sent(one), METHOD).sums[1] for one in (dense, silent, LAST_MILE))
    assert effects == {DefaultUsed.ROUND_BY_DENSITY: usual - first, DefaultUsed.ROUND_UNDECLARED: usual - second}


def test_a_rule_shows_value_threshold_distance_and_unit() -> None:
    window = Totals(
        packaging=PackagingSums(parcels=300, non_compliant_parcels=7),
        delivery=DeliverySums(parcels=49),
        active_days=13,
    )
    scores = Scores(Decimal("80.0"), Decimal("59.5"), Decimal("60.0"), Grade.A, 245)
    assert evaluate(BadgeLevel.SILVER, window, scores, load_policy()) == (
        RuleResult("green_score", passed=True, value=Decimal("80.0"), threshold=70, distance=0, unit="points"),
        RuleResult("packaging_score", False, Decimal("59.5"), 60, Decimal("0.5"), "points"),
        RuleResult("delivery_score", True, Decimal("60.0"), 60, 0, "points"),
        RuleResult("primary_share", False, Decimal("24.5"), 25, Decimal("0.5"), "percent"),
        RuleResult("parcels_packed", True, 300, 50, 0, "parcels"),
        RuleResult("parcels_delivered", False, 49, 50, 1, "parcels"),
        RuleResult("active_days", False, 13, 14, 1, "days"),
        RuleResult("non_compliant_share", False, Decimal("2.33"), 2, Decimal("0.33"), "percent"),
    )
    eighth = replace_parcels(window, 800, 13)
    assert evaluate(BadgeLevel.SILVER, eighth, scores, load_policy())[-1].value == Decimal(
        "1.62"
    )  # 1.625, half to even
    none = replace_parcels(window, 0, 1)
    assert evaluate(BadgeLevel.SILVER, none, scores, load_policy())[-1].value == Decimal("100.00")


def replace_parcels(window: Totals, parcels: int, non_compliant: int) -> Totals:
    return window._replace(packaging=PackagingSums(parcels=parcels, non_compliant_parcels=non_compliant))


def test_the_rules_of_no_level_are_asked_for_by_name() -> None:
    with pytest.raises(KeyError, match="none"):
        load_policy().rules(BadgeLevel.NONE)


def test_a_parcels_own_score_has_no_prior() -> None:
    assert parcel_delivery_score(DeliverySums(1, 10, 20)) == 75


def test_the_arithmetic_of_a_short_prior_is_shown_with_it() -> None:
    totals = Totals(delivery=DeliverySums(1, 10, 40))
    assert arithmetic_of(totals, 0).green == green_points(totals, 0) != green_points(totals)
    assert arithmetic_of(Totals(packaging=PackagingSums(1, 5)), 0).lines[0].formula.startswith("no parcel: r = 1")


def test_advice_is_scored_with_the_given_prior_and_says_the_levers_words() -> None:
    account = [sent(LAST_MILE)] * 5
    first = suggest(account, METHOD, prior_parcels=0)[0]
    after = [LEVERS[first.change].apply(one, METHOD) or one for one in account]
    totals, before = (
        Totals(delivery=DeliverySums(*map(sum, zip(*(assess(one, METHOD).sums for one in rows), strict=True))))
        for rows in (after, account)
    )
    assert first.text == LEVERS[first.change].text
    assert first.points == green_points(totals, 0) - green_points(before, 0)
    assert first.green == score(totals, 0).green


def test_a_box_is_cut_down_only_if_it_becomes_lower_and_keeps_what_weighs_least() -> None:
    tight = replace(AVERAGE, outer=Outer(OuterKind.BOX, 300, 250, 50))  # exactly a fifth is empty
    assert changed(Change.RIGHT_SIZE_BOX, tight) is None
    high = replace(tight, outer=Outer(OuterKind.BOX, 300, 250, 5_000), components=(replace(BOARD, mass_mg=1),))
    after = changed(Change.RIGHT_SIZE_BOX, high)
    assert after is not None
    assert after.components == (replace(BOARD, mass_mg=1),)
    for outer in (replace(tight.outer or Outer(OuterKind.BOX), length_mm=None), Outer(OuterKind.BOX, 300, None, 500)):
        assert changed(Change.RIGHT_SIZE_BOX, replace(tight, outer=outer)) is None


def test_a_box_of_several_products_is_cut_down_to_all_of_them() -> None:
    two = replace(
        AVERAGE, items=(*AVERAGE.items, Item(2, None, 100, 100, 50)), outer=Outer(OuterKind.BOX, 300, 250, 500)
    )
    after = changed(Change.RIGHT_SIZE_BOX, two)
    assert after is not None
    assert after.outer == Outer(OuterKind.BOX, 300, 250, 67)  # 5/4 x 4,000,000 / 75,000, rounded up
    for lacking in (Item(1, None, 5, None, 5), Item(1, None, 5, 5, None), Item(1, None, None, 5, 5)):
        assert changed(Change.RIGHT_SIZE_BOX, replace(two, items=(lacking,))) is None


def test_a_supposed_reusable_bag_says_that_it_is_supposed() -> None:
    after = changed(Change.REUSABLE_ASSET, AVERAGE)
    assert after is not None
    assert after.components is not None
    assert after.components[0].reusable == ReusableAsset("supposed", 20)


@pytest.mark.parametrize(("trips", "counted"), [(2, 2), (1000, 1000), (1001, 1), (1, 1)])
def test_verified_trips_count_within_their_bounds(trips: int, counted: int) -> None:
    part = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 1_000_000, reusable=ReusableAsset("a", trips))
    assessed = assess(packed(replace(AVERAGE, components=(part,))), METHOD)
    assert isinstance(assessed.sums, PackagingSums)
    assert assessed.sums.packaging_co2e_mg == round(1_199_725.42 / counted)
    assert (ImplausibleFact.VERIFIED_TRIPS in assessed.implausible) is (trips > 1000)


@pytest.mark.parametrize(("film", "implausible"), [(4, True), (5, False), (49, False), (500, False), (501, True)])
def test_film_counts_within_its_bounds_and_undeclared_film_is_named(film: int, *, implausible: bool) -> None:
    bag = Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, film)
    facts = replace(AVERAGE, outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300), components=(bag,))
    assert (ImplausibleFact.FILM_THICKNESS in assess(packed(facts), METHOD).implausible) is implausible
    silent = replace(facts, components=(replace(bag, film_thickness_um=None),))
    assert assess(packed(silent), METHOD).defaults == (DefaultUsed.FILM_THICKNESS_UNDECLARED,)


def test_an_order_of_one_product_volume_is_plausible() -> None:
    whole = assess(packed(replace(AVERAGE, order=Order(2, 3_000_000))), METHOD)
    assert whole.implausible == ()
    assert whole.sums == assess(packed(AVERAGE), METHOD).sums


@pytest.mark.parametrize(("parcels", "shared"), [(1, True), (30_000, True), (30_001, False)])
def test_a_line_haul_vehicle_is_shared_by_as_many_parcels_as_are_plausible(parcels: int, *, shared: bool) -> None:
    leg = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_RIGID, round=Round(1_700_000, parcels))
    assessed = assess(sent(leg, LAST_MILE, to=HCMC), METHOD)
    assert assessed.implausible == (() if shared else (ImplausibleFact.ROUND,))
    assert (assessed.data_category == "primary") is shared


def test_an_electric_lorrys_trip_takes_the_grid_of_its_origin() -> None:
    leg = ChainElement(ChainRole.LINE_HAUL, Vehicle.VAN_ELECTRIC, round=Round(1_700_000, 100))
    assessed = assess(sent(leg, LAST_MILE, to=HCMC), METHOD)
    assert isinstance(assessed.sums, DeliverySums)
    assert "grid.vn.y2023.plug" in assessed.factor_ids
    assert assessed.sums.line_haul_co2e_mg == round(17_000_000 * 0.38984 * 0.77553)


def test_a_vehicle_that_carries_no_line_haul_is_named_and_counts_as_undeclared() -> None:
    walked, silent = (
        assess(sent(ChainElement(ChainRole.LINE_HAUL, vehicle), LAST_MILE, to=HCMC), METHOD)
        for vehicle in (Vehicle.ON_FOOT, None)
    )
    assert walked.implausible == (ImplausibleFact.VEHICLE,)
    assert walked.sums == silent.sums
    assert DefaultUsed.VEHICLE_UNDECLARED in walked.defaults


def test_an_account_is_explained_with_its_own_prior() -> None:
    account = [sent(replace(LAST_MILE, round=None))]
    wide, none = (explain_account(account, METHOD, prior).effects[0].points for prior in (30, 0))
    assert 0 < wide < none


def test_a_recovery_shows_its_declared_mass() -> None:
    facts = RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 7)
    steps: list[Step] = []
    assess_recovered(facts, METHOD, steps)
    assert steps == [Step("taken back: used_packaging", "declared mass", 7, "mg")]


def test_shares_of_nothing_and_of_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^the round carried nothing anywhere; give masses and distances above 0$"):
        notional_shares([0, 1], [1, 0])
    with pytest.raises(ValueError, match="zip"):
        notional_shares([1, 2], [1])
    assert notional_shares([1], [1]) == (Fraction(1),)


ROAD = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_RIGID)
FLIGHT = ChainElement(ChainRole.LINE_HAUL, Vehicle.AIRCRAFT_DOMESTIC)


@pytest.mark.parametrize(
    ("element", "declared", "basis"),
    [
        (ROAD, False, DistanceBasis.SHORTEST_FEASIBLE),
        (replace(ROAD, vehicle=None), False, DistanceBasis.SHORTEST_FEASIBLE),
        (FLIGHT, False, DistanceBasis.GREAT_CIRCLE),
        (replace(ROAD, round=Round(1, 1)), True, DistanceBasis.ACTUAL),
        (replace(ROAD, distance_basis=DistanceBasis.ACTUAL), True, DistanceBasis.ACTUAL),
        (replace(ROAD, distance_basis=DistanceBasis.GREAT_CIRCLE), True, DistanceBasis.SHORTEST_FEASIBLE),
        (replace(FLIGHT, distance_basis=DistanceBasis.GREAT_CIRCLE), True, DistanceBasis.GREAT_CIRCLE),
        (replace(FLIGHT, distance_basis=DistanceBasis.ACTUAL), True, DistanceBasis.ACTUAL),
        (ROAD, True, DistanceBasis.SHORTEST_FEASIBLE),
    ],
)
def test_the_basis_of_a_distance_says_how_it_was_obtained(
    element: ChainElement, basis: DistanceBasis, *, declared: bool
) -> None:
    assert basis_of(element, METHOD, declared=declared) is basis
