"""What is missing for a badge, in words."""

from decimal import Decimal

import pytest

from greenlane.accounts.aggregator.badge import Reason
from greenlane.factors.loading import load_policy
from greenlane.methodology.explaining.rule_text import REASON_MEANING, missing_text
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import RuleResult, evaluate
from greenlane.methodology.seller.score import score
from greenlane.methodology.sums import PackagingSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel

POLICY = load_policy()


def failing(rule: str, value: Decimal | int, threshold: int) -> RuleResult:
    return RuleResult(rule, False, value, threshold, threshold - value, "points")


def test_the_first_reason_has_its_figures_and_the_others_their_names() -> None:
    rules = [failing("green_score", Decimal("20.0"), 60), failing("parcels_packed", 3, 50)]
    expected = "Bronze needs 60.0 points; you have 20.0. Also missing: parcels packed."
    assert missing_text(BadgeLevel.BRONZE, rules) == expected
    assert missing_text(BadgeLevel.BRONZE, rules[:1]) == "Bronze needs 60.0 points; you have 20.0."


def test_thin_bags_come_first_since_they_lower_the_scores() -> None:
    rules = [failing("green_score", Decimal("20.0"), 60), failing("thin_bags", Decimal("98.67"), 2)]
    assert missing_text(BadgeLevel.BRONZE, rules) == (
        "Bronze allows thin bags, or packaging that nobody knows, for 2 % of the parcels; you have 98.67 %. "
        "Also missing: green score."
    )


def test_nothing_is_said_above_the_highest_level_and_the_days_where_nothing_fails() -> None:
    assert missing_text(None, ()) == ""
    passed = failing("green_score", Decimal(70), 60)._replace(passed=True)
    assert missing_text(BadgeLevel.SILVER, [passed]) == "Silver: all rules met; the days in a row are counted"


@pytest.mark.parametrize("level", [level for level in BadgeLevel if level is not BadgeLevel.NONE])
def test_every_rule_of_every_level_has_words(level: BadgeLevel) -> None:
    totals = Totals(packaging=PackagingSums(parcels=1, thin_bag_parcels=1))
    for rule in evaluate(level, totals, score(totals), POLICY):
        assert missing_text(level, [rule._replace(passed=False)]).startswith(str(level).capitalize())


def test_every_reason_of_a_decision_has_words() -> None:
    assert set(Reason.__args__) == set(REASON_MEANING), METHOD_VERSION  # type: ignore[attr-defined] # a Literal's arguments
