"""Badge rules: each has a passing and a failing case, levels nest, and a held level has its margin."""

from decimal import Decimal
from typing import Any

import pytest

from greenlane.factors.loading import load_policy
from greenlane.methodology.seller.eligibility import evaluate, level_held, level_met
from greenlane.methodology.seller.score import Scores
from greenlane.methodology.sums import DeliverySums, PackagingSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Grade

POLICY = load_policy()


def scores(green: str = "60", packaging: str = "50", delivery: str = "50", primary: int = 0) -> Scores:
    return Scores(Decimal(green), Decimal(packaging), Decimal(delivery), Grade.B, primary)


def totals(packed: int = 50, delivered: int = 50, days: int = 14, non_compliant: int = 1) -> Totals:
    packaging = PackagingSums(parcels=packed, non_compliant_parcels=non_compliant)
    return Totals(packaging=packaging, delivery=DeliverySums(parcels=delivered), active_days=days)


def test_every_rule_passes_exactly_at_its_threshold() -> None:
    results = evaluate(BadgeLevel.BRONZE, totals(), scores(), POLICY)
    assert [result.rule for result in results] == [
        "green_score",
        "packaging_score",
        "delivery_score",
        "primary_share",
        "parcels_packed",
        "parcels_delivered",
        "active_days",
        "non_compliant_share",
    ]
    assert all(result.passed and result.distance == 0 for result in results)


@pytest.mark.parametrize(
    ("rule", "window", "points", "distance", "unit"),
    [
        ("green_score", {}, {"green": "59.9"}, Decimal("0.1"), "points"),
        ("packaging_score", {}, {"packaging": "48.5"}, Decimal("1.5"), "points"),
        ("delivery_score", {}, {"delivery": "49.9"}, Decimal("0.1"), "points"),
        ("parcels_packed", {"packed": 49, "non_compliant": 0}, {}, 1, "parcels"),
        ("parcels_delivered", {"delivered": 20}, {}, 30, "parcels"),
        ("active_days", {"days": 13}, {}, 1, "days"),
        ("non_compliant_share", {"non_compliant": 2}, {}, Decimal(2), "percent"),
        ("non_compliant_share", {"packed": 99_999, "non_compliant": 2_000}, {}, Decimal("0.01"), "percent"),
    ],
)
def test_a_rule_fails_alone_and_tells_the_distance(
    rule: str, window: dict[str, Any], points: dict[str, Any], distance: Decimal, unit: str
) -> None:
    failed = [r for r in evaluate(BadgeLevel.BRONZE, totals(**window), scores(**points), POLICY) if not r.passed]
    assert [(r.rule, r.distance, r.unit) for r in failed] == [(rule, distance, unit)]


def test_the_primary_share_is_asked_from_silver_on() -> None:
    silver = scores("70", "60", "60", 249)
    failed = [result for result in evaluate(BadgeLevel.SILVER, totals(), silver, POLICY) if not result.passed]
    assert [(result.rule, result.value, result.distance) for result in failed] == [
        ("primary_share", Decimal("24.9"), Decimal("0.1"))
    ]


@pytest.mark.parametrize(
    ("points", "level"),
    [
        (scores("59.9"), BadgeLevel.NONE),
        (scores("60"), BadgeLevel.BRONZE),
        (scores("90", "90", "90", 0), BadgeLevel.BRONZE),
        (scores("90", "90", "90", 250), BadgeLevel.SILVER),
        (scores("90", "69.9", "90", 500), BadgeLevel.SILVER),
        (scores("80", "70", "70", 500), BadgeLevel.GOLD),
    ],
)
def test_the_highest_level_whose_every_rule_passes_is_met(points: Scores, level: BadgeLevel) -> None:
    assert level_met(totals(), points, POLICY) is level


def test_a_held_level_stands_until_a_score_falls_more_than_the_margin_below_it() -> None:
    assert level_held(BadgeLevel.BRONZE, totals(), scores("57", "47", "47"), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(), scores("56.9"), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(), scores("60", "46.9"), POLICY)


def test_the_margin_of_a_held_level_is_for_scores_alone() -> None:
    assert not level_held(BadgeLevel.BRONZE, totals(packed=49, non_compliant=0), scores(), POLICY)
    assert not level_held(BadgeLevel.BRONZE, totals(non_compliant=2), scores(), POLICY)


def test_the_level_none_asks_for_nothing() -> None:
    assert evaluate(BadgeLevel.NONE, Totals(), scores("0"), POLICY) == ()
    assert level_held(BadgeLevel.NONE, Totals(), scores("0"), POLICY)
    with pytest.raises(KeyError):
        POLICY.rules(BadgeLevel.NONE)
