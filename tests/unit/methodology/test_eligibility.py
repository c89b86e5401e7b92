"""Badge rules: each has a passing and a failing case, levels nest, and a held level has its margin."""

from decimal import Decimal
from typing import Any

import pytest

from greenlane.factors.loading import load_policy
from greenlane.methodology.seller.eligibility import evaluate, level_held, level_met
from greenlane.methodology.seller.score import Points, Scores
from greenlane.methodology.sums import DeliverySums, PackagingSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Grade

POLICY = load_policy()
BRONZE, SILVER, GOLD = (POLICY.rules(level) for level in (BadgeLevel.BRONZE, BadgeLevel.SILVER, BadgeLevel.GOLD))


def scores(
    green: str = "60",
    packaging: str = "50",
    delivery: str = "50",
    proven: tuple[str, str, str] = ("0", "0", "0"),
    measured: int = 0,
    complete: int = 500,
) -> Scores:
    points = Points(*map(Decimal, proven))
    return Scores(Decimal(green), Decimal(packaging), Decimal(delivery), Grade.B, points, measured, complete)


def totals(packed: int = 50, delivered: int = 50, days: int = 14, thin: int = 1, measured: int = 0) -> Totals:
    packaging = PackagingSums(parcels=packed, thin_bag_parcels=thin, measured_parcels=measured)
    return Totals(packaging, DeliverySums(parcels=delivered, measured_parcels=measured), active_days=days)


def test_every_rule_passes_exactly_at_its_threshold() -> None:
    results = evaluate(BadgeLevel.BRONZE, totals(), scores(), POLICY)
    assert [result.rule for result in results] == [
        "green_score",
        "packaging_score",
        "delivery_score",
        "complete_share",
        "measured_share",
        "parcels_packed",
        "parcels_delivered",
        "active_days",
        "thin_bags",
    ]
    assert all(result.passed and result.distance == 0 for result in results)


@pytest.mark.parametrize(
    ("rule", "window", "points", "distance", "unit"),
    [
        ("green_score", {}, {"green": "59.9"}, Decimal("0.1"), "points"),
        ("packaging_score", {}, {"packaging": "48.5"}, Decimal("1.5"), "points"),
        ("delivery_score", {}, {"delivery": "49.9"}, Decimal("0.1"), "points"),
        ("complete_share", {}, {"complete": 499}, Decimal("0.1"), "percent"),
        ("parcels_packed", {"packed": 49, "thin": 0}, {}, 1, "parcels"),
        ("parcels_delivered", {"delivered": 20}, {}, 30, "parcels"),
        ("active_days", {"days": 13}, {}, 1, "days"),
        ("thin_bags", {"thin": 2}, {}, Decimal(2), "percent"),
        ("thin_bags", {"packed": 99_999, "thin": 2_000}, {}, Decimal("0.01"), "percent"),
    ],
)
def test_a_rule_fails_alone_and_tells_the_distance(
    rule: str, window: dict[str, Any], points: dict[str, Any], distance: Decimal, unit: str
) -> None:
    failed = [r for r in evaluate(BadgeLevel.BRONZE, totals(**window), scores(**points), POLICY) if not r.passed]
    assert [(r.rule, r.distance, r.unit) for r in failed] == [(rule, distance, unit)]


GOOD: dict[str, Any] = {"proven": ("65", "55", "55"), "measured": 600, "complete": 600}


@pytest.mark.parametrize(
    ("rule", "window", "points"),
    [
        ("proven_green_score", {}, {"green": "99", "proven": ("64.9", "55", "55")}),
        ("proven_packaging_score", {}, {"packaging": "99", "proven": ("65", "54.9", "55")}),
        ("proven_delivery_score", {}, {"delivery": "99", "proven": ("65", "55", "54.9")}),
        ("complete_share", {}, {"complete": 599}),
        ("measured_share", {}, {"measured": 599}),
        ("active_days", {"days": 13}, {}),
        ("thin_bags", {"packed": 100, "thin": 3}, {}),
    ],
)
def test_silver_is_judged_on_what_others_state(rule: str, window: dict[str, Any], points: dict[str, Any]) -> None:
    window = {"measured": 50} | window
    assert level_met(totals(measured=50), scores("1", "1", "1", **GOOD), POLICY) is BadgeLevel.SILVER
    failed = [
        r.rule for r in evaluate(BadgeLevel.SILVER, totals(**window), scores(**GOOD | points), POLICY) if not r.passed
    ]
    assert failed == [rule]


def test_silver_counts_measured_parcels_alone() -> None:
    results = evaluate(BadgeLevel.SILVER, totals(200, 200, measured=49), scores(**GOOD), POLICY)
    assert [(r.rule, r.value, r.distance) for r in results if not r.passed] == [
        ("measured_packed", 49, 1),
        ("measured_delivered", 49, 1),
    ]


@pytest.mark.parametrize(
    ("points", "level"),
    [
        (scores("59.9"), BadgeLevel.NONE),
        (scores("60"), BadgeLevel.BRONZE),
        (scores("100", "100", "100", ("64.9", "90", "90"), 1000, 1000), BadgeLevel.BRONZE),
        (scores("90", "90", "90", ("65", "55", "55"), 600, 600), BadgeLevel.SILVER),
        (scores("90", "90", "90", ("75", "65", "65"), 799, 1000), BadgeLevel.SILVER),
        (scores("90", "90", "90", ("75", "64.9", "65"), 800, 800), BadgeLevel.SILVER),
        (scores("75", "65", "65", ("75", "65", "65"), 800, 800), BadgeLevel.GOLD),
    ],
)
def test_the_highest_level_whose_every_rule_passes_is_met(points: Scores, level: BadgeLevel) -> None:
    assert level_met(totals(measured=50), points, POLICY) is level


def test_the_levels_are_bronze_60_silver_65_and_gold_75() -> None:
    assert [(one.green_min, one.dimension_min, one.proven) for one in POLICY.levels] == [
        (60, 50, False), (65, 55, True), (75, 65, True),
    ]  # fmt: skip
    assert (POLICY.prior_parcels, POLICY.enter_days, POLICY.leave_days, POLICY.leave_margin) == (40, 3, 14, 3)


def test_a_held_level_stands_until_a_score_falls_more_than_the_margin_below_it() -> None:
    assert level_held(BadgeLevel.BRONZE, totals(), scores("57", "47", "47"), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(), scores("56.9"), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(), scores("60", "46.9"), POLICY)
    silver = scores(proven=("62", "52", "52"), measured=600, complete=600)
    assert level_held(BadgeLevel.SILVER, totals(measured=50), silver, POLICY)
    assert not level_held(BadgeLevel.SILVER, totals(measured=49), silver, POLICY)


def test_the_margin_of_a_held_level_is_for_scores_alone() -> None:
    assert not level_held(BadgeLevel.BRONZE, totals(packed=49, thin=0), scores(), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(thin=2), scores(), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(), scores(complete=499), POLICY)


def test_the_level_none_asks_for_nothing() -> None:
    assert evaluate(BadgeLevel.NONE, Totals(), scores("0"), POLICY) == ()
    assert level_held(BadgeLevel.NONE, Totals(), scores("0"), POLICY)
    with pytest.raises(KeyError):
        POLICY.rules(BadgeLevel.NONE)
