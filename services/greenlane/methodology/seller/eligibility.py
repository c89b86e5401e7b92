"""Badge eligibility from sums and scores under a policy: every rule with pass, value, threshold and distance."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import NamedTuple

from greenlane.methodology.seller.score import PRIOR_PARCELS, Points, Scores
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import BadgeLevel


@dataclass(frozen=True, slots=True)
class LevelRules:
    """What a level asks for: points of 100, whole percent, parcels and days.

    `proven`: the scores are those in which a parcel that only the seller states counts as undeclared, and parcels
    count towards `packed_min` and `delivered_min` only when they are measured.
    """

    level: BadgeLevel
    green_min: int
    dimension_min: int
    measured_share_min_percent: int
    packed_min: int
    delivered_min: int
    active_days_min: int
    thin_bags_max_percent: int
    complete_share_min_percent: int = 0
    proven: bool = False


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
    packaging, delivery = totals.packaging, totals.delivery
    packed, delivered = packaging.parcels, delivery.parcels
    points: Points | Scores = scores
    if rules.proven:
        packed, delivered, points = packaging.measured_parcels, delivery.measured_parcels, scores.proven
    complete = Decimal(scores.complete_share_permille).scaleb(-1)
    measured = Decimal(scores.measured_share_permille).scaleb(-1)
    names = _PROVEN if rules.proven else _ALL
    return (
        _at_least(names[0], points.green, rules.green_min - margin, "points"),
        _at_least(names[1], points.packaging, rules.dimension_min - margin, "points"),
        _at_least(names[2], points.delivery, rules.dimension_min - margin, "points"),
        _at_least("complete_share", complete, rules.complete_share_min_percent, "percent"),
        _at_least("measured_share", measured, rules.measured_share_min_percent, "percent"),
        _at_least(names[3], packed, rules.packed_min, "parcels"),
        _at_least(names[4], delivered, rules.delivered_min, "parcels"),
        _at_least("active_days", totals.active_days, rules.active_days_min, "days"),
        _without_thin_bags(packaging.thin_bag_parcels, packaging.parcels, rules.thin_bags_max_percent),
    )


_ALL = ("green_score", "packaging_score", "delivery_score", "parcels_packed", "parcels_delivered")
_PROVEN = (
    "proven_green_score", "proven_packaging_score", "proven_delivery_score", "measured_packed", "measured_delivered"
)  # fmt: skip


def _at_least(rule: str, value: Decimal | int, threshold: int, unit: str) -> RuleResult:
    passed = value >= threshold
    return RuleResult(rule, passed, value, threshold, 0 if passed else threshold - value, unit)


def _without_thin_bags(thin: int, parcels: int, most: int) -> RuleResult:
    """The share is judged exactly and shown with two decimals, never shown as allowed when it is not."""
    if not thin:
        return RuleResult("thin_bags", True, _NONE_OF_THEM, most, 0, "percent")
    share = Fraction(100 * thin, parcels or 1)
    shown = (Decimal(share.numerator) / share.denominator).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    passed = share <= most
    distance = 0 if passed else max(shown - most, Decimal("0.01"))
    return RuleResult("thin_bags", passed, shown, most, distance, "percent")
