"""One closed day of a badge, in the words of the rule: promoted, warned, dropped, or as it was."""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from greenlane.contracts.statements import BadgeState
from greenlane.methodology.seller.eligibility import Policy, level_held
from greenlane.methodology.seller.score import Scores
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import BadgeLevel, DecisionKind

LADDER = tuple(BadgeLevel)
"""Every level from the lowest to the highest, `none` first."""


@dataclass(frozen=True, slots=True)
class Step:
    """The state after the day, and the decision it brought, if any."""

    badge: BadgeState
    kind: DecisionKind | None = None
    reason: str = ""


class ClosedDay(NamedTuple):
    """A closed day: its window's sums and scores, and the highest level whose rules they meet."""

    day: date
    totals: Totals
    scores: Scores
    met: BadgeLevel


def badge_step(closed: ClosedDay, badge: BadgeState, policy: Policy) -> Step:
    """The badge after a closed day."""
    streaks = _streaks(badge, closed.met, policy)
    badge = replace(badge, streaks=streaks)
    earned = [level for level, days in zip(LADDER[1:], streaks, strict=True) if days >= policy.enter_days]
    highest = earned[-1] if earned else BadgeLevel.NONE
    if LADDER.index(highest) > LADDER.index(badge.level):
        kind: DecisionKind = "badge.granted" if badge.level is BadgeLevel.NONE else "badge.level_changed"
        return Step(replace(badge, level=highest, days_below=0, warned_on=None), kind, "rules_met_in_a_row")
    if badge.level is BadgeLevel.NONE or level_held(badge.level, closed.totals, closed.scores, policy):
        return Step(replace(badge, days_below=0, warned_on=None))
    return _below(closed, replace(badge, days_below=badge.days_below + 1), policy)


def _streaks(badge: BadgeState, met: BadgeLevel, policy: Policy) -> tuple[int, int, int]:
    bronze, silver, gold = (
        min(days + 1, policy.enter_days) if LADDER.index(met) >= LADDER.index(level) else 0
        for level, days in zip(LADDER[1:], badge.streaks, strict=True)
    )
    return bronze, silver, gold


def _below(closed: ClosedDay, badge: BadgeState, policy: Policy) -> Step:
    if badge.days_below >= policy.leave_days:
        lower = LADDER[1 : LADDER.index(badge.level)]
        held = [level for level in lower if level_held(level, closed.totals, closed.scores, policy)]
        level = held[-1] if held else BadgeLevel.NONE
        kind: DecisionKind = "badge.level_changed" if held else "badge.revoked"
        return Step(replace(badge, level=level, days_below=0, warned_on=None), kind, "days_below_used_up")
    if badge.days_below == 1:
        return Step(replace(badge, warned_on=closed.day), "badge.warned", "below_level")
    return Step(badge)
