"""A seller's account: its sums, what made them, what each default did, and the arithmetic down to the grade."""

import os
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.unit.methodology import honest
from tests.unit.methodology.honest import BROUGHT, PICKED_UP, measured

from greenlane.factors.loading import load_method
from greenlane.methodology.explaining.account_explanation import AccountExplanation, Contribution, explain_account
from greenlane.methodology.explaining.account_text import account_text, advice_text, to_do
from greenlane.methodology.explaining.advice import Advice, Suggestion
from greenlane.methodology.explaining.changes import Change
from greenlane.methodology.explaining.effects import Effect, effects_of
from greenlane.methodology.explaining.explain import DEFAULT_MEANING
from greenlane.methodology.explaining.suppositions import SUPPOSITIONS, suppose, suppose_everything
from greenlane.methodology.facts import (
    ChainElement,
    Component,
    DeliveredFacts,
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
from greenlane.methodology.seller.arithmetic import arithmetic_of
from greenlane.methodology.seller.score import green_points, packaging_points, score
from greenlane.methodology.sums import DeliverySums, PackagingSums, ReturnSums, Totals
from greenlane.methodology.vocabulary import (
    BadgeLevel,
    CertificateScheme,
    ChainRole,
    ComponentRole,
    DataCategory,
    DefaultUsed,
    Dimension,
    Grade,
    Material,
    OuterKind,
    RecoveredKind,
    StatedBy,
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
AVERAGE = measured(PackedFacts(DAY, "VN", THREE_LITRES, BOX, (BOARD, FILM)))
BOARD, FILM = AVERAGE.components or ()
USUAL = BROUGHT
SENT = honest.NEAR
BACK = replace(honest.NEAR, day=DAY + timedelta(days=9))


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
    film = Contribution(Dimension.PACKAGING, ("pk.film.primary",), DataCategory.MEASURED, 1, 230_404)
    assert film in explanation.contributions
    assert Contribution(Dimension.DELIVERY, (), DataCategory.DECLARED, 1, 70) in explanation.contributions
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
    arithmetic = arithmetic_of(totals, 40)
    *_, delivery = arithmetic.lines
    assert sum(line.weight for line in arithmetic.lines[:4]) == 1
    by_hand = sum(line.points * line.weight for line in arithmetic.lines[:4])
    assert abs(by_hand - arithmetic.packaging) < Decimal("1e-15")
    assert delivery.points == arithmetic.delivery
    assert abs(arithmetic.green - (arithmetic.packaging + arithmetic.delivery) / 2) < Decimal("1e-20")
    scores = score(totals)
    assert (arithmetic.score, arithmetic.grade, arithmetic.proven) == (scores.green, scores.grade, scores.proven)
    assert arithmetic.measured_share_permille == scores.measured_share_permille == 250
    assert arithmetic.complete_share_permille == scores.complete_share_permille == 500
    assert arithmetic.prior_parcels == 40


def test_the_lines_show_the_numbers_behind_each_sub_score() -> None:
    totals = totals_of(assess_all([packed(AVERAGE), sent(SENT)] * 30, METHOD))
    formulas = {line.name: line.formula for line in arithmetic_of(totals, 40).lines}
    assert formulas == {
        "packaging CO2e": "r = (30000000 / 1000000 + 40) / (30 + 40) = 1.000000; 50 - 25 log2 r within 0 and 100",
        "packaging plastic": "r = (30000000 / 1000000 + 40) / (30 + 40) = 1.000000; 50 - 25 log2 r within 0 and 100",
        "empty space": "600000 / 1000 / (30 + 40 parcels)",
        "circular mass": "0 / 1000 / (30 + 40 parcels)",
        "deliveries and returns": "r = (32787810 / 1000000 + 40) / (30 + 40) = 1.039826; "
        "50 - 25 log2 r within 0 and 100",
    }
    empty = {line.name: line.formula for line in arithmetic_of(Totals(), 40).lines}
    assert empty["packaging CO2e"] == empty["deliveries and returns"] == "no parcel: r = 1; 50 - 25 log2 r"


def test_returned_ratios_stand_in_the_delivery_line() -> None:
    totals = Totals(delivery=DeliverySums(1, ratio=250_000), returns=ReturnSums(1, ratio=250_000))
    assert arithmetic_of(totals, 0).lines[-1].formula.startswith("r = (500000 / 1000000 + 0) / (1 + 0) = 0.500000;")
    assert arithmetic_of(totals, 0).delivery == 75


SAID = honest.packed(*honest.AVERAGE.components or ())
CERTIFIED = replace(
    BOARD, recycled_permille=500, certificate_valid_until=DAY, certificate_scheme=CertificateScheme.FSC,
    certificate_id="FSC-C000000", stated_by=StatedBy.VERIFIER,
)  # fmt: skip
SAME_WHATEVER = replace(AVERAGE, outer=Outer(OuterKind.BOX, 182, 182, 182, StatedBy.MARKETPLACE))


@pytest.mark.parametrize(
    ("default", "facts", "declared"),
    [
        (
            DefaultUsed.PACKAGING_UNDECLARED,
            replace(AVERAGE, components=None),
            replace(
                SAID,
                items=AVERAGE.items,
                outer=AVERAGE.outer,
                components=(replace(honest.BOARD, mass_mg=113_300), honest.FILM),
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
            replace(AVERAGE, components=(replace(BOARD, mass_mg=113_300), FILM)),
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
            replace(AVERAGE, components=(CERTIFIED, FILM)),
        ),
        (
            DefaultUsed.TRIPS_UNVERIFIED,
            replace(AVERAGE, components=(replace(BOARD, reusable=ReusableAsset("a")), FILM)),
            replace(
                AVERAGE,
                components=(replace(BOARD, reusable=ReusableAsset("a", 20), stated_by=StatedBy.VERIFIER), FILM),
            ),
        ),
        (
            DefaultUsed.FILM_THICKNESS_UNDECLARED,
            replace(AVERAGE, components=(BOARD, replace(FILM, film_thickness_um=70), FILM)),
            replace(
                AVERAGE,
                components=(BOARD, replace(FILM, film_thickness_um=70), replace(FILM, film_thickness_um=50)),
            ),
        ),
        (
            DefaultUsed.OUTER_UNDECLARED,
            replace(AVERAGE, outer=None),
            replace(AVERAGE, outer=Outer(OuterKind.BOX, 182, 182, 182)),
        ),
        (
            DefaultUsed.OUTER_UNDECLARED,
            replace(AVERAGE, outer=Outer(OuterKind.OWN_BOX), items=()),
            replace(AVERAGE, outer=Outer(OuterKind.OWN_BOX, 182, 182, 182), items=()),
        ),
        (DefaultUsed.PRODUCT_VOLUME_UNDECLARED, replace(AVERAGE, items=honest.packed().items, outer=BOX), AVERAGE),
        (
            DefaultUsed.PRODUCT_VOLUME_UNDECLARED,
            replace(AVERAGE, items=()),
            replace(AVERAGE, items=(Item(1, None, 300, 200, 50, StatedBy.MARKETPLACE),)),
        ),
        (
            DefaultUsed.EMPTY_SPACE_UNDECLARED,
            replace(AVERAGE, items=(), outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300)),
            replace(
                AVERAGE,
                items=(Item(1, None, 400, 300, 75, StatedBy.MARKETPLACE),),
                outer=Outer(OuterKind.FLEXIBLE_MAILER, 400, 300, stated_by=StatedBy.MARKETPLACE),
            ),
        ),
        (DefaultUsed.EMPTY_SPACE_UNDECLARED, replace(AVERAGE, outer=None), SAME_WHATEVER),
    ],
)
def test_what_is_supposed_of_packaging_stands_where_nothing_stood(
    default: DefaultUsed, facts: PackedFacts, declared: PackedFacts
) -> None:
    assert suppose(default, packed(facts), METHOD) == packed(declared)


LEG = ChainElement(ChainRole.LINE_HAUL, Vehicle.TRAIN)
AVERAGE_LORRY = ChainElement(ChainRole.LINE_HAUL, Vehicle.LORRY_AVERAGE)


@pytest.mark.parametrize(
    ("default", "chain", "declared"),
    [
        (DefaultUsed.LINE_HAUL_UNDECLARED, (USUAL,), (USUAL, AVERAGE_LORRY)),
        (DefaultUsed.LINE_HAUL_UNDECLARED, None, (AVERAGE_LORRY,)),
        (DefaultUsed.FIRST_MILE_UNDECLARED, (LEG,), (LEG, PICKED_UP)),
        (DefaultUsed.LAST_MILE_UNDECLARED, (LEG,), (LEG, USUAL)),
        (DefaultUsed.LAST_MILE_UNDECLARED, None, (USUAL,)),
        (
            DefaultUsed.VEHICLE_UNDECLARED,
            (replace(LEG, vehicle=None), replace(USUAL, vehicle=None), LEG),
            (AVERAGE_LORRY, USUAL, LEG),
        ),
        (
            DefaultUsed.VEHICLE_UNDECLARED,
            (replace(LEG, vehicle=Vehicle.BICYCLE), replace(USUAL, vehicle=Vehicle.AIRCRAFT_DOMESTIC)),
            (AVERAGE_LORRY, USUAL),
        ),
        (DefaultUsed.ROUND_UNDECLARED, (replace(USUAL, round=None),), (USUAL,)),
        (DefaultUsed.ROUND_UNDECLARED, (replace(PICKED_UP, round=None), LEG), (PICKED_UP, LEG)),
    ],
)
def test_what_is_supposed_of_a_chain_stands_where_nothing_stood(
    default: DefaultUsed, chain: tuple[ChainElement, ...] | None, declared: tuple[ChainElement, ...]
) -> None:
    assert suppose(default, sent(replace(SENT, chain=chain)), METHOD) == sent(replace(SENT, chain=declared))


def test_a_usual_hub_that_the_carrier_states_is_supposed() -> None:
    supposed = suppose(DefaultUsed.HUB_UNDECLARED, sent(SENT), METHOD)
    assert supposed is not None
    assert "hub_undeclared" not in assess(supposed, METHOD).defaults


@pytest.mark.parametrize("trip", [Round(40_000, 115), None])
@pytest.mark.parametrize("role", [ChainRole.FIRST_MILE, ChainRole.LAST_MILE])
def test_a_vehicle_without_known_consumption_is_supposed_to_declare_its_energy_on_its_round(
    role: ChainRole, trip: Round | None
) -> None:
    electric = ChainElement(role, Vehicle.MOTORBIKE_ELECTRIC, round=trip)
    supposed = suppose(DefaultUsed.VEHICLE_CONSUMPTION_UNKNOWN, sent(replace(SENT, chain=(LEG, electric))), METHOD)
    assert supposed is not None
    assert isinstance(supposed.facts, DeliveredFacts)
    assert supposed.facts.chain is not None
    assert supposed.facts.chain[0] == LEG
    usual = Round(40_000, 130) if role is ChainRole.FIRST_MILE else Round(44_000, 100)
    assert supposed.facts.chain[1].round == (trip or usual)
    assert "vehicle_consumption_unknown" not in assess(supposed, METHOD).defaults
    assert assess(supposed, METHOD).implausible == ()


FULL_HUBS = (Hub(18_187, StatedBy.CARRIER), Hub(18_187, StatedBy.CARRIER))


@pytest.mark.parametrize("default", DefaultUsed)
def test_where_nothing_is_undeclared_nothing_is_supposed(default: DefaultUsed) -> None:
    always = {
        DefaultUsed.PACKAGING_UNDECLARED, DefaultUsed.LINE_HAUL_UNDECLARED, DefaultUsed.FIRST_MILE_UNDECLARED,
        DefaultUsed.LAST_MILE_UNDECLARED, DefaultUsed.HUB_UNDECLARED,
    }  # fmt: skip
    full = replace(AVERAGE, components=(BOARD, replace(FILM, film_thickness_um=60)))
    if default not in always:
        assert suppose(default, packed(full), METHOD) is None
        assert suppose(default, sent(replace(SENT, hubs=FULL_HUBS)), METHOD) is None
    recovered = Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 1))
    assert suppose(default, recovered, METHOD) is None


def test_an_effect_is_what_assessing_again_says() -> None:
    one = effect(packed(replace(AVERAGE, components=None)), DefaultUsed.PACKAGING_UNDECLARED)
    supposed = suppose(DefaultUsed.PACKAGING_UNDECLARED, packed(replace(AVERAGE, components=None)), METHOD)
    assert supposed is not None
    before, after = (assess(item, METHOD).sums for item in (packed(replace(AVERAGE, components=None)), supposed))
    assert isinstance(before, PackagingSums)
    assert isinstance(after, PackagingSums)
    assert one.used == 1
    assert one.co2e_change_mg == after.packaging_co2e_mg - before.packaging_co2e_mg < -300_000
    assert one.points == (packaging_points(after, 0) - packaging_points(before, 0)) / 2
    assert one.supposed == SUPPOSITIONS[DefaultUsed.PACKAGING_UNDECLARED].text


def test_what_only_the_seller_knows_has_no_computed_effect() -> None:
    lost = sent(replace(SENT, destination=NOWHERE))
    assert effect(lost, DefaultUsed.PLACE_UNKNOWN) == Effect(DefaultUsed.PLACE_UNKNOWN, 1, None, 0, Decimal(0))


def test_a_default_is_supposed_away_only_in_the_parcels_that_used_it() -> None:
    rounds = [
        sent(replace(SENT, chain=(PICKED_UP, replace(USUAL, round=None)), hubs=FULL_HUBS)),
        sent(replace(SENT, hubs=FULL_HUBS)),
    ]
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
    explanation = explain_account([packed(AVERAGE), sent(replace(SENT, chain=(USUAL,)))], METHOD)
    head, _, factors = account_text(explanation).partition("\n\nFactors\n")
    if os.environ.get("GREENLANE_WRITE_GOLDEN"):
        (GOLDEN / "account.txt").write_text(f"{head}\n", encoding="utf-8")
    assert f"{head}\n" == (GOLDEN / "account.txt").read_text(encoding="utf-8")
    assert [line.split(" = ")[0].strip() for line in factors.splitlines()] == [f.id for f in explanation.factors]


def test_the_text_names_what_is_implausible_and_the_thin_bags() -> None:
    bag = replace(AVERAGE, components=(Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, 3),))
    text = account_text(explain_account([packed(bag)], METHOD))
    assert "\n\nNot plausible, so counted as not declared\n  film_thickness, once: No bag has a film of this" in text
    assert (
        "\n1 of 1 parcels count as undeclared: they use, or may use, bags under 50 µm. Use thicker bags, or declare "
        "packaging and thickness. Parcels: P.\n"
    ) in text


def test_the_text_begins_with_the_score_and_what_lowered_it_most() -> None:
    flown = replace(honest.FAR, chain=(PICKED_UP, USUAL))
    head, lowered, *_ = account_text(explain_account([packed(AVERAGE), *[sent(flown)] * 40], METHOD)).splitlines()
    assert head.startswith("green 35.2, grade D")
    assert lowered.startswith("Lowered most by deliveries and returns: 32.3 points.")


def test_seven_of_many_thin_bags_are_counted_and_five_of_their_parcels_named() -> None:
    bag = replace(AVERAGE, components=(Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, 30),))
    thin = [Declaration(f"P-{number}", Dimension.PACKAGING, bag) for number in range(7)]
    text = account_text(explain_account([*thin, packed(AVERAGE)], METHOD))
    assert "7 of 8 parcels count as undeclared: they use, or may use, bags under 50 µm" in text
    assert "Parcels: P-0, P-1, P-2, P-3, P-4 and 2 more." in text


@pytest.mark.parametrize(("height", "side"), [(5, 10), (6, 11)])
def test_an_undeclared_outer_is_supposed_to_be_a_cube_of_twice_the_goods(height: int, side: int) -> None:
    goods = replace(AVERAGE, items=(Item(1, None, 10, 10, height),), outer=None)
    supposed = suppose(DefaultUsed.OUTER_UNDECLARED, packed(goods), METHOD)
    assert supposed is not None
    assert isinstance(supposed.facts, PackedFacts)
    assert supposed.facts.outer == Outer(OuterKind.BOX, side, side, side)


def test_five_thin_bags_are_all_named() -> None:
    bag = replace(AVERAGE, components=(Component(ComponentRole.OUTER, Material.LDPE_FILM, 9_000, 30),))
    thin = [Declaration(f"P-{number}", Dimension.PACKAGING, bag) for number in range(5)]
    assert "Parcels: P-0, P-1, P-2, P-3, P-4.\n" in account_text(explain_account(thin, METHOD))


@pytest.mark.parametrize(
    ("points", "implausible", "used", "begins"),
    [
        ("4.0", {}, 9, "Declare"),
        ("4.0", {"round": 4}, 9, "Declare"),
        ("4.0", {"round": 5}, 9, "Correct round (5 parcels). "),
        ("4.0", {"round": 5, "payload": 6, "energy": 1}, 9, "Correct payload (6 parcels). "),
        ("0.0", {}, 9, "Nothing is missing. "),
        (None, {}, 0, "Nothing is missing. "),
        (None, {"energy": 1}, 0, "Correct energy (1 parcel). "),
    ],
)
def test_the_first_thing_to_do_is_a_wrong_fact_that_half_as_many_parcels_have(
    points: str | None, implausible: dict[str, int], used: int, begins: str
) -> None:
    default = DefaultUsed.LAST_MILE_UNDECLARED
    effects = [] if points is None else [Effect(default, used, None, 0, Decimal(points))]
    text = to_do(effects, implausible, {default: used})
    expected = f"{DEFAULT_MEANING[default]} (9 parcels)" if begins == "Declare" else begins
    assert text.startswith(expected)
    less = Effect(DefaultUsed.HUB_UNDECLARED, 40, None, 0, Decimal("-1.0"))
    assert to_do([less, *effects], implausible, {default: used}).startswith(expected) or not effects


def test_an_account_without_parcels_has_no_score_to_explain() -> None:
    recovered = Declaration("P", Dimension.CIRCULARITY, RecoveredFacts(DAY, RecoveredKind.USED_PACKAGING, 1))
    for account in ((), (recovered,)):
        text = account_text(explain_account(account, METHOD))
        assert text == "no parcels in the window, so there is no score to explain and no advice; method 2.0.0"


def test_the_text_shows_returns_recoveries_and_declared_hub_figures() -> None:
    text = account_text(explain_account(SMALL_ACCOUNT, METHOD))
    assert "\n  return: parcels 1, return_co2e_mg 106944, " in text
    assert "\n  circularity: recoveries 1, recovered_assets 1, recovered_mass_mg 400\n" in text
    assert "\n  delivery [declared] declared figures: 0.1 g in 1 step\n" in text
    assert "\n  packaging [default] pk.board.primary, pk.film.primary: 669.6 g in 1 step\n" in text
    assert "\n  proven: green " in text


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
    assert explanation.method_version == "2.0.0"
