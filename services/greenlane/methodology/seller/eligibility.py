"""Badge eligibility from sums and scores under a policy: every rule with pass, value, threshold and distance."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import NamedTuple

from greenlane.methodology.seller.score import PRIOR_PARCELS, Scores
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import BadgeLevel


@dataclass(frozen=True, slots=True)
class LevelRules:
    """What a level asks for: points of 100, whole percent, parcels and days."""

    level: BadgeLevel
    green_min: int
    dimension_min: int
    primary_share_min_percent: int
    packed_min: int
    delivered_min: int
    active_days_min: int
    non_compliant_max_percent: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A badge policy; `levels` run from the lowest to the highest, each at least as strict as the one before."""

    version: str
    levels: tuple[LevelRules, ...]
    window_days: int = 90
    lateness_days: int = 90
    prior_parcels: int = PRIOR_PARCELS
    enter_days: int = 3
    leave_days: int = 14
    leave_margin: int = 3

    def rules(self, level: BadgeLevel) -> LevelRules:
        """The rules of a level. Raises KeyError for `none`, which asks for nothing."""
        for rules in self.levels:
            if rules.level is level:
                return rules
        raise KeyError(level)


_NONE_OF_THEM = Decimal("0.00")


class RuleResult(NamedTuple):
    """One rule: `distance` is what is missing to pass, in `unit`; 0 when passed."""

    rule: str
    passed: bool
    value: Decimal | int
    threshold: int
    distance: Decimal | int
    unit: str


def evaluate(level: BadgeLevel, totals: Totals, scores: Scores, policy: Policy) -> tuple[RuleResult, ...]:
    """Every rule of a level on these sums and scores; none for the level `none`."""
    return () if level is BadgeLevel.NONE else _evaluate(policy.rules(level), totals, scores, margin=0)


def level_met(totals: Totals, scores: Scores, policy: Policy) -> BadgeLevel:
    """The highest level whose every rule passes."""
    for rules in reversed(policy.levels):
        if all(result.passed for result in _evaluate(rules, totals, scores, margin=0)):
            return rules.level
    return BadgeLevel.NONE


def level_held(level: BadgeLevel, totals: Totals, scores: Scores, policy: Policy) -> bool:
    """Whether a level still stands: each score may fall short by the leave margin, every other rule must pass."""
    if level is BadgeLevel.NONE:
        return True
    results = _evaluate(policy.rules(level), totals, scores, margin=policy.leave_margin)
    return all(result.passed for result in results)


def _evaluate(rules: LevelRules, totals: Totals, scores: Scores, *, margin: int) -> tuple[RuleResult, ...]:
    packed, delivered = totals.packaging.parcels, totals.delivery.parcels
    primary = Decimal(scores.primary_share_permille).scaleb(-1)
    return (
        _at_least("green_score", scores.green, rules.green_min - margin, "points"),
        _at_least("packaging_score", scores.packaging, rules.dimension_min - margin, "points"),
        _at_least("delivery_score", scores.delivery, rules.dimension_min - margin, "points"),
        _at_least("primary_share", primary, rules.primary_share_min_percent, "percent"),
        _at_least("parcels_packed", packed, rules.packed_min, "parcels"),
        _at_least("parcels_delivered", delivered, rules.delivered_min, "parcels"),
        _at_least("active_days", totals.active_days, rules.active_days_min, "days"),
        _compliant(totals.packaging.non_compliant_parcels, packed, rules.non_compliant_max_percent),
    )


def _at_least(rule: str, value: Decimal | int, threshold: int, unit: str) -> RuleResult:
    passed = value >= threshold
    return RuleResult(rule, passed, value, threshold, 0 if passed else threshold - value, unit)


def _compliant(non_compliant: int, parcels: int, most: int) -> RuleResult:
    """The share is judged exactly and shown with two decimals, never shown as allowed when it is not."""
    if not non_compliant:
        return RuleResult("non_compliant_share", True, _NONE_OF_THEM, most, 0, "percent")
    share = Fraction(100 * non_compliant, parcels or 1)
    shown = (Decimal(share.numerator) / share.denominator).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    passed = share <= most
    distance = 0 if passed else max(shown - most, Decimal("0.01"))
    return RuleResult("non_compliant_share", passed, shown, most, distance, "percent")
