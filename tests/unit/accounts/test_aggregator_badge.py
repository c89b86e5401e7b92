"""The badge's step at a closed day."""

from collections.abc import Sequence

import pytest

from greenlane.accounts.aggregator.badge import Badge, BadgeChange, step
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.vocabulary import BadgeLevel

NONE, BRONZE, SILVER, GOLD = BadgeLevel
POLICY = Policy(version="test", levels=(), enter_days=3, leave_days=14)


def after(
    badge: Badge, days: Sequence[tuple[BadgeLevel, set[BadgeLevel]]], policy: Policy = POLICY, first: int = 100
) -> tuple[Badge, list[tuple[int, BadgeChange]]]:
    """The badge after a number of days, each given by the level met and the levels that hold."""
    changes = []
    for day, (met, holding) in enumerate(days, first):
        badge, change = step(badge, day, met, holding.__contains__, policy)
        if change is not None:
            changes.append((day, change))
    return badge, changes


def meeting(level: BadgeLevel, days: int = 1) -> list[tuple[BadgeLevel, set[BadgeLevel]]]:
    """Days that meet a level, and so hold it and every lower one."""
    holding = {lower for lower in BadgeLevel if list(BadgeLevel).index(lower) <= list(BadgeLevel).index(level)}
    return [(level, holding)] * days


def test_a_badge_is_granted_on_the_third_day_in_a_row_that_meets_its_rules() -> None:
    badge, changes = after(Badge(), meeting(BRONZE, 3))
    assert badge == Badge(BRONZE, (3, 0, 0))
    assert changes == [(102, BadgeChange("badge.granted", "rules_met_in_a_row", NONE))]


def test_a_day_that_fails_begins_the_count_anew() -> None:
    badge, changes = after(Badge(), [*meeting(BRONZE, 2), *meeting(NONE), *meeting(BRONZE, 2)])
    assert badge == Badge(NONE, (2, 0, 0))
    assert changes == []


@pytest.mark.parametrize(
    ("days", "granted"),
    [
        ([GOLD, GOLD, GOLD], GOLD),
        ([GOLD, SILVER, GOLD], SILVER),
        ([GOLD, BRONZE, SILVER], BRONZE),
        ([SILVER, GOLD, GOLD], SILVER),
    ],
)
def test_the_level_granted_is_the_highest_met_on_every_one_of_the_days(
    days: list[BadgeLevel], granted: BadgeLevel
) -> None:
    badge, changes = after(Badge(), [day for level in days for day in meeting(level)])
    assert badge.level is granted
    assert [change.kind for _, change in changes] == ["badge.granted"]


def test_a_holder_rises_after_days_in_a_row_at_a_higher_level() -> None:
    badge, changes = after(Badge(), [*meeting(BRONZE, 3), *meeting(GOLD, 3)])
    assert badge == Badge(GOLD, (3, 3, 3))
    assert changes[1:] == [(105, BadgeChange("badge.level_changed", "rules_met_in_a_row", BRONZE))]


def test_streaks_stop_counting_at_the_days_needed() -> None:
    badge, _ = after(Badge(), meeting(SILVER, 50))
    assert badge == Badge(SILVER, (3, 3, 0))


def test_a_level_within_the_margin_is_held_without_a_warning() -> None:
    badge, changes = after(Badge(SILVER), [(BRONZE, {BRONZE, SILVER})] * 20)
    assert badge == Badge(SILVER, (3, 0, 0))
    assert changes == []


def test_the_first_day_below_warns_once() -> None:
    badge, changes = after(Badge(BRONZE), [(NONE, set())] * 13)
    assert badge == Badge(BRONZE, (0, 0, 0), days_below=13, warned_on=100)
    assert changes == [(100, BadgeChange("badge.warned", "below_level", BRONZE))]


def test_the_fourteenth_day_below_revokes() -> None:
    badge, changes = after(Badge(BRONZE), [(NONE, set())] * 14)
    assert badge == Badge()
    assert changes[1:] == [(113, BadgeChange("badge.revoked", "days_below_used_up", BRONZE))]


def test_one_day_back_within_the_margin_forgives_the_days_below() -> None:
    badge, changes = after(Badge(BRONZE), [*[(NONE, set())] * 13, (NONE, {BRONZE}), (NONE, set())])
    assert badge == Badge(BRONZE, (0, 0, 0), days_below=1, warned_on=114)
    assert [(day, change.kind) for day, change in changes] == [(100, "badge.warned"), (114, "badge.warned")]


@pytest.mark.parametrize(
    ("holding", "left", "kind"),
    [
        ({BRONZE, SILVER}, SILVER, "badge.level_changed"),
        ({BRONZE}, BRONZE, "badge.level_changed"),
        (set(), NONE, "badge.revoked"),
    ],
)
def test_days_below_used_up_leave_the_highest_lower_level_that_holds(
    holding: set[BadgeLevel], left: BadgeLevel, kind: str
) -> None:
    badge, changes = after(Badge(GOLD), [(NONE, holding)] * 14)
    assert badge == Badge(left)
    assert changes[-1] == (113, BadgeChange(kind, "days_below_used_up", GOLD))  # type: ignore[arg-type]  # a table's text


def test_when_a_single_day_below_is_allowed_the_drop_replaces_the_warning() -> None:
    strict = Policy(version="test", levels=(), enter_days=3, leave_days=1)
    badge, changes = after(Badge(SILVER), [(NONE, {BRONZE})], strict)
    assert badge == Badge(BRONZE)
    assert changes == [(100, BadgeChange("badge.level_changed", "days_below_used_up", SILVER))]


def test_with_a_single_day_to_enter_the_first_day_grants() -> None:
    generous = Policy(version="test", levels=(), enter_days=1, leave_days=14)
    badge, changes = after(Badge(), meeting(SILVER), generous)
    assert badge == Badge(SILVER, (1, 1, 0))
    assert changes == [(100, BadgeChange("badge.granted", "rules_met_in_a_row", NONE))]


def test_a_promotion_clears_a_warning() -> None:
    warned = Badge(BRONZE, (2, 2, 0), days_below=5, warned_on=90)
    badge, _ = after(warned, meeting(SILVER))
    assert badge == Badge(SILVER, (3, 3, 0))


def test_without_a_badge_nothing_can_be_below() -> None:
    badge, changes = after(Badge(), [(NONE, set())] * 30)
    assert badge == Badge()
    assert changes == []
