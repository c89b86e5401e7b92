"""The badge of one seller, one closed day at a time: promoted by days in a row, warned, and lowered by days below."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.vocabulary import BadgeLevel, DecisionKind

LEVELS = tuple(BadgeLevel)
"""Every level, `none` first, each above the one before."""

Reason = Literal["rules_met_in_a_row", "below_level", "days_below_used_up"]


class Badge(NamedTuple):
    """Where a badge stands after a closed day. Days are proleptic Gregorian ordinals.

    `streaks` counts the closed days in a row, up to those needed to enter, that met bronze, silver and gold.
    """

    level: BadgeLevel = BadgeLevel.NONE
    streaks: tuple[int, int, int] = (0, 0, 0)
    days_below: int = 0
    warned_on: int | None = None


class BadgeChange(NamedTuple):
    """What a closed day changed, why, and the level before it."""

    kind: DecisionKind
    reason: Reason
    previous_level: BadgeLevel


def step(
    badge: Badge, day: int, met: BadgeLevel, held: Callable[[BadgeLevel], bool], policy: Policy
) -> tuple[Badge, BadgeChange | None]:
    """The badge after closed day `day`, and the day's one change if it has any.

    `met` is the highest level whose every rule passed; `held` tells whether a level still stands, margin allowed.
    """
    streaks = _streaks(badge.streaks, met, policy.enter_days)
    promoted = _promoted(badge.level, streaks, policy.enter_days)
    if promoted is not None:
        kind: DecisionKind = "badge.granted" if badge.level is BadgeLevel.NONE else "badge.level_changed"
        return Badge(promoted, streaks), BadgeChange(kind, "rules_met_in_a_row", badge.level)
    if badge.level is BadgeLevel.NONE or held(badge.level):
        return Badge(badge.level, streaks), None
    below = badge.days_below + 1
    if below >= policy.leave_days:
        return _lowered(badge.level, streaks, held)
    if below == 1:
        return Badge(badge.level, streaks, 1, day), BadgeChange("badge.warned", "below_level", badge.level)
    return Badge(badge.level, streaks, below, badge.warned_on), None


def _streaks(streaks: tuple[int, int, int], met: BadgeLevel, most: int) -> tuple[int, int, int]:
    reached = LEVELS.index(met)
    bronze, silver, gold = (min(days + 1, most) if reached > rank else 0 for rank, days in enumerate(streaks))
    return bronze, silver, gold


def _promoted(level: BadgeLevel, streaks: tuple[int, int, int], enter_days: int) -> BadgeLevel | None:
    for rank in range(len(LEVELS) - 1, LEVELS.index(level), -1):
        if streaks[rank - 1] >= enter_days:
            return LEVELS[rank]
    return None


def _lowered(
    level: BadgeLevel, streaks: tuple[int, int, int], held: Callable[[BadgeLevel], bool]
) -> tuple[Badge, BadgeChange]:
    lower = reversed(LEVELS[1 : LEVELS.index(level)])
    left = next((candidate for candidate in lower if held(candidate)), BadgeLevel.NONE)
    kind: DecisionKind = "badge.revoked" if left is BadgeLevel.NONE else "badge.level_changed"
    return Badge(left, streaks), BadgeChange(kind, "days_below_used_up", level)
