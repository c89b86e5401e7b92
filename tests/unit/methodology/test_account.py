"""A seller's account: its sums, what made them, what each default did, and the arithmetic down to the grade."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from greenlane.factors.loading import load_method
from greenlane.methodology.explaining.account_explanation import AccountExplanation, Contribution, explain_account
from greenlane.methodology.explaining.account_text import account_text, advice_text
from greenlane.methodology.explaining.advice import Advice, Suggestion
from greenlane.methodology.explaining.changes import Change
from greenlane.methodology.explaining.effects import Effect, effects_of
from greenlane.methodology.explaining.suppositions import SUPPOSITIONS, suppose, suppose_everything
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
    RecoveredFacts,
    ReusableAsset,
    Round,
)
from greenlane.methodology.seller.account import Declaration, assess, assess_all, co2e_mg, totals_of
from greenlane.methodology.seller.arithmetic import arithmetic_of
from greenlane.methodology.seller.score import green_points, packaging_points, score
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import (
    BadgeLevel,
    ChainRole,
    ComponentRole,
    DataCategory,
    DefaultUsed,
    Dimension,
    Grade,
    Material,
    OuterKind,
    RecoveredKind,
    RoundDensity,
    Vehicle,
)

GOLDEN = Path(__file__).with_name("golden")
METHOD = load_method()
DAY = date(2026, 3, 1)
HANOI, HCMC, NOWHERE = Place("VN", "01"), Place("VN", "79"), Place("VN", "99999")
THREE_LITRES = (Item(1, 500_000, 200, 150, 100),)
BOX = Outer(OuterKind.BOX, 300, 200, 100)
BOARD = Component(ComponentRole.OUTER, Material.CORRUGATED_BOARD, 87_000)
FILM = Component(ComponentRole.CUSHIONING, Material.PLASTIC_FILM, 79_000)
AVERAGE = PackedFacts(DAY, "VN", THREE_LITRES, BOX, (BOARD, FILM))
USUAL = ChainElement(ChainRole.LAST_MILE, Vehicle.MOTORBIKE_PETROL, round=Round(60_000, 100))
SPARSE = replace(USUAL, round=None, density=RoundDensity.SPARSE)
SENT = DeliveredFacts(DAY, 500_000, HANOI, HANOI, 1, (USUAL,))
BACK = DeliveredFacts(DAY + timedelta(days=9), 500_000, HANOI, HANOI, 1, (replace(USUAL, role=ChainRole.FIRST_MILE),))


def packed(facts: PackedFacts) -> Declaration:
    return Declaration("P", Dimension.PACKAGING, facts)


def sent(facts: DeliveredFacts) -> Declaration:
    return Declaration("P", Dimension.DELIVERY, facts)


SMALL_ACCOUNT = (
    packed(AVERAGE),
    packed(replace(AVERAGE, day=DAY + timedelta(days=1), components=None)),
    sent(SENT),
    sent(replace(SENT, destination=HCMC, chain=None, hubs=(Hub(70),))),
    Declaration("P", Dimension.RETURN, BACK),
    Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.REUSABLE_ASSET, 400)),
)


def effect(declaration: Declaration, default: DefaultUsed) -> Effect:
    points = partial(green_points, prior_parcels=0)
    effects = effects_of(assess_all([declaration], METHOD), METHOD, points)
    return next(one for one in effects if one.default is default)


def test_an_account_adds_up_every_dimension_and_counts_the_days_with_a_packed_or_delivered_parcel() -> None:
    totals = totals_of(assess_all(SMALL_ACCOUNT, METHOD))
    one, two, three, four, five, six = (assess(item, METHOD).sums for item in SMALL_ACCOUNT)
    assert totals.packaging == PackagingSums(*map(sum, zip(one, two, strict=True)))
    assert totals.delivery == DeliverySums(*map(sum, zip(three, four, strict=True)))
    assert (totals.returns, totals.circularity) == (five, six)
    assert totals.active_days == 2
    assert totals_of(()) == Totals()
    assert co2e_mg(totals) == (
        totals.packaging.packaging_co2e_mg + totals.delivery.delivery_co2e_mg + totals.returns.return_co2e_mg
    )
    assert min(totals.packaging.packaging_co2e_mg, totals.delivery.delivery_co2e_mg, totals.returns.return_co2e_mg) > 0


def test_contributions_add_up_to_the_co2e_of_each_dimension_and_name_factors_and_category() -> None:
    explanation = explain_account(SMALL_ACCOUNT, METHOD)
    totals = explanation.totals
    by_dimension = {
        dimension: sum(row.co2e_mg for row in explanation.contributions if row.dimension is dimension)
        for dimension in (Dimension.PACKAGING, Dimension.DELIVERY, Dimension.RETURN)
    }
    assert by_dimension == {
        Dimension.PACKAGING: totals.packaging.packaging_co2e_mg,
        Dimension.DELIVERY: totals.delivery.delivery_co2e_mg,
        Dimension.RETURN: totals.returns.return_co2e_mg,
    }
    film = Contribution(Dimension.PACKAGING, ("pk.film.primary",), DataCategory.PRIMARY, 1, 230_404)
    assert film in explanation.contributions
    assert Contribution(Dimension.DELIVERY, (), DataCategory.PRIMARY, 1, 70) in explanation.contributions
    order = [(row.dimension, -row.co2e_mg) for row in explanation.contributions]
    assert order == sorted(order, key=lambda row: (list(Dimension).index(row[0]), row[1]))


def test_contributions_of_one_kind_are_counted_together() -> None:
    explanation = explain_account([packed(AVERAGE)] * 3, METHOD)
    assert [(row.steps, row.co2e_mg) for row in explanation.contributions] == [(3, 691_212), (3, 313_128)]


def test_of_a_parcel_with_an_unweighed_part_only_what_stands_for_it_counts() -> None:
    unweighed = replace(AVERAGE, components=(BOARD, replace(FILM, mass_mg=None)))
    explanation = explain_account([packed(unweighed)], METHOD)
    assert [row.category for row in explanation.contributions] == [DataCategory.DEFAULT]
    assert explanation.contributions[0].co2e_mg == explanation.totals.packaging.packaging_co2e_mg


def test_every_factor_used_is_listed_once_with_its_source() -> None:
    factors = explain_account(SMALL_ACCOUNT, METHOD).factors
    identifiers = [factor.id for factor in factors]
    used = {identifier for item in SMALL_ACCOUNT for identifier in assess(item, METHOD).factor_ids}
    assert identifiers == sorted(used)


def test_implausible_facts_are_counted() -> None:
    impossible = replace(SENT, chain=(replace(USUAL, round=Round(1, 300)),))
    assert explain_account([sent(impossible)] * 2, METHOD).implausible == (("round", 2),)


def test_the_arithmetic_comes_to_the_score_by_the_lines_it_shows() -> None:
    totals = totals_of(assess_all(SMALL_ACCOUNT, METHOD))
    arithmetic = arithmetic_of(totals, 30)
    co2e, plastic, empty, circular, delivery = arithmetic.lines
    weights = co2e.weight + plastic.weight + empty.weight + circular.weight
    by_hand = sum(line.points * line.weight for line in arithmetic.lines[:4]) / weights
    assert abs(by_hand - arithmetic.packaging) < Decimal("1e-15")
    assert delivery.points == arithmetic.delivery
    assert arithmetic.green == (arithmetic.packaging + arithmetic.delivery) / 2
    scores = score(totals)
    assert (arithmetic.score, arithmetic.grade) == (scores.green, scores.grade)
    assert arithmetic.prior_parcels == 30
    assert not arithmetic.capped


def test_the_lines_show_the_numbers_behind_each_sub_score() -> None:
    totals = totals_of(assess_all([packed(AVERAGE), sent(SENT)] * 30, METHOD))
    formulas = {line.name: line.formula for line in arithmetic_of(totals, 30).lines}
    assert formulas == {
        "packaging CO2e": "r = (30 x 10043400 / 10043400 mg + 30) / (30 + 30) = 1.000000; "
        "50 - 25 log2 r within 0 and 100",
        "packaging plastic": "r = (30 x 2370000 / 2370000 mg + 30) / (30 + 30) = 1.000000; "
        "50 - 25 log2 r within 0 and 100",
        "empty space": "600000 / 1000 / (30 + 30 parcels); weight 0.15 x 60 / 60",
        "circular mass": "100 x 0 / 4980000 mg x 30 / 60",
        "delivery and return CO2e": "r = (30 x 1917840 / 1917840 mg + 30) / (30 + 30) = 1.000000; "
        "50 - 25 log2 r within 0 and 100",
    }
    empty = {line.name: line.formula for line in arithmetic_of(Totals(), 30).lines}
    assert empty["packaging CO2e"] == empty["delivery and return CO2e"] == "no parcel: r = 1; 50 - 25 log2 r"


def test_returned_co2e_stands_in_the_delivery_line() -> None:
    totals = Totals(delivery=DeliverySums(1, 10, 40), returns=ReturnSums(1, 10))
    assert arithmetic_of(totals, 0).lines[-1].formula.startswith("r = (1 x 20 / 40 mg + 0) / (1 + 0) = 0.500000;")
    assert arithmetic_of(totals, 0).delivery == 75


@pytest.mark.parametrize(("non_compliant", "capped"), [(1, False), (2, True)])
def test_the_cap_is_shown_from_over_two_percent(non_compliant: int, *, capped: bool) -> None:
    sums = PackagingSums(parcels=50, non_compliant_parcels=non_compliant)
    assert arithmetic_of(Totals(packaging=sums), 30).capped is capped


@pytest.mark.parametrize(
    ("default", "facts", "declared"),
    [
        (
            DefaultUsed.PACKAGING_UNDECLARED,
            replace(AVERAGE, components=None),
            AVERAGE,
        ),
        (
            DefaultUsed.PACKAGING_UNDECLARED,
            replace(AVERAGE, components=None, order=Order(2, 6_000_000)),
            replace(
                AVERAGE,
                components=(replace(BOARD, mass_mg=263_509 // 2 - 125_405 // 2), replace(FILM, mass_mg=125_405 // 2)),
                order=Order(2, 6_000_000),
            ),
        ),
        (
            DefaultUsed.MATERIAL_UNDECLARED,
            replace(AVERAGE, components=(replace(BOARD, material=None), replace(FILM, material=None))),
            AVERAGE,
        ),
        (
            DefaultUsed.MASS_UNDECLARED,
            replace(AVERAGE, components=(replace(BOARD, mass_mg=None), replace(FILM, mass_mg=None))),
            AVERAGE,
        ),
        (
            DefaultUsed.MATERIAL_UNKNOWN,
            replace(
                AVERAGE,
                components=(
                    replace(BOARD, material=Material.UNKNOWN_FIBRE),
                    replace(FILM, material=Material.UNKNOWN_PLASTIC),
                ),
            ),
            AVERAGE,
        ),
        (
            DefaultUsed.RECYCLED_UNCERTIFIED,
            replace(AVERAGE, components=(replace(BOARD, recycled_permille=500), FILM)),
            replace(AVERAGE, components=(replace(BOARD, recycled_permille=500, certificate_valid_until=DAY), FILM)),
        ),
        (
            DefaultUsed.RECYCLED_UNCERTIFIED,
            replace(
                AVERAGE,
                components=(replace(BOARD, recycled_permille=1, certificate_valid_until=DAY - timedelta(days=1)),),
            ),
            replace(AVERAGE, components=(replace(BOARD, recycled_permille=1, certificate_valid_until=DAY),)),
        ),
        (
            DefaultUsed.TRIPS_UNVERIFIED,
            replace(AVERAGE, components=(replace(BOARD, reusable=ReusableAsset("a")), FILM)),
            replace(AVERAGE, components=(replace(BOARD, reusable=ReusableAsset("a", 20)), FILM)),
        ),
        (
            DefaultUsed.FILM_THICKNESS_UNDECLARED,
            replace(AVERAGE, outer=None, components=(replace(FILM, role=ComponentRole.OUTER), FILM)),
            replace(
                AVERAGE, outer=None, components=(replace(FILM, role=ComponentRole.OUTER, film_thickness_um=50), FILM)
            ),
        ),
        (
            DefaultUsed.PRODUCT_VOLUME_UNDECLARED,
            replace(AVERAGE, items=()),
            replace(AVERAGE, items=(Item(1, None, 300, 200, 50),)),
        ),
        (
            DefaultUsed.PRODUCT_VOLUME_UNDECLARED,
            replace(AVERAGE, items=(), outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300)),
            replace(AVERAGE, items=(Item(1, None, 400, 300, 75),), outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300)),
        ),
        (
            DefaultUsed.EMPTY_SPACE_UNDECLARED,
            replace(AVERAGE, outer=None),
            replace(AVERAGE, outer=Outer(OuterKind.BOX, 182, 182, 182)),
        ),
        (
            DefaultUsed.EMPTY_SPACE_UNDECLARED,
            replace(AVERAGE, outer=Outer(OuterKind.OWN_BOX), items=(Item(3), Item(1, None, 1, 1, 1))),
            replace(AVERAGE, outer=Outer(OuterKind.OWN_BOX, 182, 182, 182), items=(Item(1, None, 200, 150, 100),)),
        ),
    ],
)
def test_what_is_supposed_of_packaging_stands_where_nothing_stood(
    default: DefaultUsed, facts: PackedFacts, declared: PackedFacts
) -> None:
    supposed = suppose(default, packed(facts), METHOD)
    assert supposed == packed(declared)


LEG = ChainElement(ChainRole.LINE_HAUL, Vehicle.TRAIN)


@pytest.mark.parametrize(
    ("default", "chain", "declared"),
    [
        (DefaultUsed.LINE_HAUL_UNDECLARED, (USUAL,), (USUAL, ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_AVERAGE))),
        (DefaultUsed.LINE_HAUL_UNDECLARED, None, (ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_AVERAGE),)),
        (DefaultUsed.LAST_MILE_UNDECLARED, (LEG,), (LEG, USUAL)),
        (DefaultUsed.LAST_MILE_UNDECLARED, None, (USUAL,)),
        (
            DefaultUsed.VEHICLE_UNDECLARED,
            (replace(LEG, vehicle=None), replace(USUAL, vehicle=None), LEG),
            (replace(LEG, vehicle=Vehicle.LORRY_AVERAGE), USUAL, LEG),
        ),
        (
            DefaultUsed.VEHICLE_UNDECLARED,
            (replace(LEG, vehicle=Vehicle.BICYCLE), replace(USUAL, vehicle=Vehicle.AIRCRAFT_DOMESTIC)),
            (replace(LEG, vehicle=Vehicle.LORRY_AVERAGE), USUAL),
        ),
        (
            DefaultUsed.ROUND_BY_DENSITY,
            (LEG, replace(USUAL, round=None, density=RoundDensity.DENSE)),
            (LEG, replace(USUAL, density=RoundDensity.DENSE)),
        ),
        (DefaultUsed.ROUND_UNDECLARED, (replace(USUAL, round=None),), (USUAL,)),
    ],
)
def test_what_is_supposed_of_a_chain_stands_where_nothing_stood(
    default: DefaultUsed, chain: tuple[ChainElement, ...] | None, declared: tuple[ChainElement, ...]
) -> None:
    assert suppose(default, sent(replace(SENT, chain=chain)), METHOD) == sent(replace(SENT, chain=declared))


@pytest.mark.parametrize(
    ("element", "trip"),
    [
        (USUAL, Round(60_000, 100)),
        (replace(USUAL, round=None, density=RoundDensity.DENSE), Round(40_000, 130)),
        (replace(USUAL, round=None), Round(100_000, 60)),
    ],
)
def test_a_vehicle_without_known_consumption_is_supposed_to_declare_its_energy_on_its_round(
    element: ChainElement, trip: Round
) -> None:
    electric = replace(element, vehicle=Vehicle.MOTORBIKE_ELECTRIC)
    supposed = suppose(DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN, sent(replace(SENT, chain=(LEG, electric))), METHOD)
    assert supposed is not None
    assert isinstance(supposed.facts, DeliveredFacts)
    assert supposed.facts.chain is not None
    assert supposed.facts.chain[0] == LEG
    assert supposed.facts.chain[1].round == trip
    assert assess(supposed, METHOD).data_category is not DataCategory.DEFAULT
    assert "vehicle_consumption_unknown" not in assess(supposed, METHOD).defaults


@pytest.mark.parametrize("default", DefaultUsed)
def test_where_nothing_is_undeclared_nothing_is_supposed(default: DefaultUsed) -> None:
    full = replace(AVERAGE, items=(Item(1, None, 300, 200, 50),))
    if default not in {
        DefaultUsed.PACKAGING_UNDECLARED,
        DefaultUsed.LINE_HAUL_UNDECLARED,
        DefaultUsed.LAST_MILE_UNDECLARED,
    }:
        assert suppose(default, packed(full), METHOD) is None
        assert suppose(default, sent(SENT), METHOD) is None
    recovered = Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 1))
    assert suppose(default, recovered, METHOD) is None


def test_an_effect_is_what_assessing_again_says() -> None:
    one = effect(packed(replace(AVERAGE, components=None)), DefaultUsed.PACKAGING_UNDECLARED)
    before, after = (assess(packed(facts), METHOD).sums for facts in (replace(AVERAGE, components=None), AVERAGE))
    assert isinstance(before, PackagingSums)
    assert isinstance(after, PackagingSums)
    assert one.used == 1
    assert one.co2e_change_mg == after.packaging_co2e_mg - before.packaging_co2e_mg == -334_780
    assert one.points == (packaging_points(after, 0) - packaging_points(before, 0)) / 2
    assert one.supposed == SUPPOSITIONS[DefaultUsed.PACKAGING_UNDECLARED].text


def test_what_only_the_seller_knows_has_no_computed_effect() -> None:
    lost = sent(replace(SENT, destination=NOWHERE))
    assert effect(lost, DefaultUsed.PLACE_UNKNOWN) == Effect(DefaultUsed.PLACE_UNKNOWN, 1, None, 0, Decimal(0))


def test_a_default_is_supposed_away_only_in_the_parcels_that_used_it() -> None:
    rounds = [sent(replace(SENT, chain=(replace(USUAL, round=None),))), sent(SENT)]
    effects = effects_of(assess_all(rounds * 2, METHOD), METHOD, partial(green_points, prior_parcels=0))
    assert [(one.default, one.used) for one in effects] == [(DefaultUsed.ROUND_UNDECLARED, 2)]


def test_supposing_everything_leaves_only_what_nobody_can_suppose() -> None:
    nothing = sent(replace(SENT, destination=HCMC, chain=None))
    declared = suppose_everything(nothing, METHOD)
    assert declared is not None
    assert assess(declared, METHOD).defaults == ("distance_undeclared",)
    bare = suppose_everything(packed(PackedFacts(DAY, "VN")), METHOD)
    assert bare is not None
    assert assess(bare, METHOD).defaults == ()
    assert suppose_everything(packed(AVERAGE), METHOD) is None


def test_the_text_of_an_account_is_complete_and_stable() -> None:
    explanation = explain_account([packed(AVERAGE), sent(replace(SENT, chain=(SPARSE,)))], METHOD)
    head, _, factors = account_text(explanation).partition("\n\nFactors\n")
    assert f"{head}\n" == (GOLDEN / "account.txt").read_text(encoding="utf-8")
    assert [line.split(" = ")[0].strip() for line in factors.splitlines()] == [f.id for f in explanation.factors]


def test_the_text_names_what_is_implausible_and_the_cap() -> None:
    bag = replace(AVERAGE, components=(Component(ComponentRole.OUTER, Material.LDPE_FILM, 9, 3),), outer=None)
    text = account_text(explain_account([packed(bag)], METHOD))
    assert (
        " points\n\nNot plausible, so counted as not declared\n  film_thickness, once: No bag has a film of this"
        in text
    )
    assert (
        "\nCapped at 40 by the badge policy: 1 of 1 parcels use bags under 50 µm (Decree 08/2022/ND-CP Art. 64: "
        "non-biodegradable plastic bags smaller than 50 x 50 cm and thinner than 50 um). Use thicker bags or declare "
        "the thickness. Parcels: P.\n"
    ) in text
    assert ", capped at 40: over 2 % of the parcels use bags that are too thin\n" in text


def test_seven_of_many_thin_bags_are_counted_and_five_of_their_parcels_named() -> None:
    bag = replace(AVERAGE, components=(Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, 30),), outer=None)
    thin = [Declaration(f"P-{number}", Dimension.PACKAGING, bag) for number in range(7)]
    text = account_text(explain_account([*thin, packed(AVERAGE)], METHOD))
    assert "7 of 8 parcels use bags under 50 µm" in text
    assert "Parcels: P-0, P-1, P-2, P-3, P-4 and 2 more." in text


def test_an_account_without_parcels_has_no_score_to_explain() -> None:
    recovered = Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 1))
    for account in ((), (recovered,)):
        text = account_text(explain_account(account, METHOD))
        assert text == "no parcels in the window, so there is no score to explain and no advice; method 1.0.0"


def test_the_text_shows_returns_recoveries_and_declared_hub_figures() -> None:
    text = account_text(explain_account(SMALL_ACCOUNT, METHOD))
    assert "\n  return: parcels 1, return_co2e_mg 63928, primary_return_co2e_mg 63928\n" in text
    assert "\n  circularity: recoveries 1, recovered_assets 1, recovered_mass_mg 400\n" in text
    assert "\n  delivery [primary] declared figures: 0.1 g in 1 step\n" in text
    assert "\n  packaging [default] pk.board.primary, pk.film.primary: 669.6 g in 1 step\n" in text


def test_the_text_of_what_cannot_be_computed_says_so() -> None:
    text = account_text(explain_account([sent(replace(SENT, destination=NOWHERE))], METHOD))
    assert "\n    No single figure; declare it with the other missing facts.\n" in text


def test_advice_as_text_ranks_changes_with_points_grams_and_the_score_they_would_reach() -> None:
    best = Suggestion(Change.DROP_FILLER, "leave it", 7, Decimal("1.234"), 5_678, Decimal("60.1"), Grade.B)
    other = best._replace(parcels=1)
    bronze = Advice((best, other), BadgeLevel.NONE, BadgeLevel.BRONZE, (Change.DROP_FILLER,), empty=False)
    ranked = (
        "1. leave it (drop_filler)\n   7 parcels, +1.23 points, -5.7 g CO2e; the score would be 60.1 (B)\n"
        "2. leave it (drop_filler)\n   1 parcel, +1.23 points, -5.7 g CO2e; the score would be 60.1 (B)\n"
    )
    assert advice_text(bronze) == f"{ranked}To meet every rule of bronze, drop_filler suffices."
    both = bronze._replace(way=(Change.DROP_FILLER, Change.DECLARE))
    assert advice_text(both) == f"{ranked}To meet every rule of bronze, drop_filler and declare together suffice."
    far = bronze._replace(way=())
    assert advice_text(far) == f"{ranked}No set of up to three of these changes meets every rule of bronze."
    gold = bronze._replace(level=BadgeLevel.GOLD, next_level=None, way=())
    assert advice_text(gold) == f"{ranked}The account meets every rule of the highest badge level."
    assert advice_text(bronze._replace(suggestions=())) == "None of the known changes would raise this score."
    assert advice_text(bronze._replace(suggestions=(), empty=True)).startswith("no parcels in the window")


def test_an_explanation_names_the_method_version() -> None:
    explanation: AccountExplanation = explain_account((), METHOD)
    assert explanation.method_version == "1.0.0"
