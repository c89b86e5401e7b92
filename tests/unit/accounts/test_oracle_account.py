"""The oracle's account, rule by rule, on small cases worked out by hand."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from greenlane.accounts.oracle.partition_accounts import PartitionAccounts
from greenlane.contracts.assessments import Assessment, DayClosed, Retraction, SourcePosition
from greenlane.contracts.scores import SellerScore, statement_id
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.sums import PackagingSums
from greenlane.methodology.vocabulary import BadgeLevel, DataCategory, Dimension

ORIGIN = SourcePosition(topic="greenlane.fulfilment.shop.v1", partition=0, offset=0, appended_ms=0)


def rules(level: BadgeLevel, packed: int) -> LevelRules:
    """A level that asks for parcels packed in the window and nothing else."""
    return LevelRules(level, 0, 0, 0, packed, 0, 0, 100)


def policy(**changes: int) -> Policy:
    levels = (rules(BadgeLevel.BRONZE, 2), rules(BadgeLevel.SILVER, 4), rules(BadgeLevel.GOLD, 6))
    settings: dict[str, Any] = {"window_days": 5, "lateness_days": 3, "enter_days": 2, "leave_days": 3} | changes
    return Policy("test", levels, **settings)


def at(day: int) -> date:
    """The tests' calendar: day 1 is the 1st of June; days may run over the end of the month."""
    return date(2026, 6, 1) + timedelta(days=day - 1)


def packed(parcel: str, day: int, **changes: Any) -> Assessment:
    fields: dict[str, Any] = {
        "marketplace": "shop",
        "seller_id": "ann",
        "parcel_id": parcel,
        "revision": 0,
        "occurred_at": f"{at(day)}T12:00:00.000000Z",
        "event_id": f"{parcel}-packed",
        "origin": ORIGIN,
        "dimension": Dimension.PACKAGING,
        "contribution": {"parcels": 1, "packaging_mass_mg": 100},
        "data_category": DataCategory.PRIMARY,
        "factor_ids": (),
        "method_version": "1.0.0",
    }
    return Assessment(**(fields | changes))


def delivered(parcel: str, day: int, **changes: Any) -> Assessment:
    standard = {"dimension": Dimension.DELIVERY, "contribution": {"parcels": 1}, "event_id": f"{parcel}-delivered"}
    return packed(parcel, day, **(standard | changes))


def cancelled(parcel: str, day: int, **changes: Any) -> Retraction:
    fields: dict[str, Any] = {
        "marketplace": "shop",
        "seller_id": "ann",
        "parcel_id": parcel,
        "occurred_at": f"{at(day)}T18:00:00.000000Z",
        "event_id": f"{parcel}-cancelled",
        "origin": ORIGIN,
    }
    return Retraction(**(fields | changes))


def closing(first: int, last: int, marketplace: str = "shop") -> DayClosed:
    return DayClosed(marketplace=marketplace, first_day=at(first), last_day=at(last))


def accounts_of(*records: Assessment | Retraction | DayClosed, **changes: int) -> PartitionAccounts:
    accounts = PartitionAccounts(policy(**changes))
    for record in records:
        accounts.take(record)
    return accounts


def current(accounts: PartitionAccounts, seller: str = "ann") -> SellerScore:
    return next(item for item in accounts.statements() if item.subject == seller)


def sums_of(accounts: PartitionAccounts) -> dict[str, int]:
    return {name: value for name, value in current(accounts).data.sums.packaging.items() if value}


def decided(accounts: PartitionAccounts) -> list[tuple[str, int, str, str]]:
    """Type, number of the day, level before and after of every decision."""
    return [
        (item.type, (item.data.day - at(1)).days + 1, item.data.previous_level.value, item.data.level.value)
        for item in accounts.decisions
    ]


# what enters the account


def test_contributions_of_a_window_add_up() -> None:
    accounts = accounts_of(closing(1, 1), packed("a", 2), packed("b", 2), packed("c", 3), delivered("a", 4))
    assert sums_of(accounts) == {"parcels": 3, "packaging_mass_mg": 300}
    assert current(accounts).data.sums.delivery["parcels"] == 1
    assert current(accounts).data.sums.active_days == 3


def test_the_same_version_again_is_a_duplicate_and_changes_nothing() -> None:
    accounts = accounts_of(closing(1, 1), packed("a", 2))
    before = current(accounts)
    assert accounts.take(packed("a", 2, contribution={"parcels": 7})) == "duplicate"
    assert current(accounts) == before


@pytest.mark.parametrize(
    ("standing", "arriving"),
    [
        ({"revision": 2}, {"revision": 1, "occurred_at": f"{at(3)}T12:00:00.000000Z"}),
        ({"revision": 1, "occurred_at": f"{at(2)}T12:00:00.000001Z"}, {"revision": 1, "event_id": "z"}),
        ({"event_id": "b"}, {"event_id": "a"}),
    ],
)
def test_a_smaller_version_is_superseded(standing: Mapping[str, Any], arriving: Mapping[str, Any]) -> None:
    accounts = accounts_of(closing(1, 1), packed("a", 2, **standing))
    before = current(accounts)
    assert accounts.take(packed("a", 2, **arriving)) == "superseded"
    assert current(accounts) == before


def test_a_greater_version_replaces_the_contribution_even_on_another_day() -> None:
    correction = packed("a", 1, revision=1, contribution={"parcels": 1, "packaging_mass_mg": 40})
    accounts = accounts_of(closing(1, 1), packed("a", 3), packed("b", 3), correction)
    assert sums_of(accounts) == {"parcels": 2, "packaging_mass_mg": 140}
    assert current(accounts).data.sums.active_days == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_of_versions_does_not_matter(order: tuple[int, ...]) -> None:
    versions = [packed("a", 2, revision=number, contribution={"parcels": 1 + number}) for number in range(3)]
    accounts = accounts_of(closing(1, 1), *(versions[number] for number in order))
    assert sums_of(accounts) == {"parcels": 3}


def test_dimensions_of_a_parcel_have_their_own_versions() -> None:
    accounts = accounts_of(closing(1, 1), packed("a", 2, revision=5), delivered("a", 3))
    assert (sums_of(accounts)["parcels"], current(accounts).data.sums.delivery["parcels"]) == (1, 1)


def test_a_retraction_takes_every_dimension_out_for_good() -> None:
    accounts = accounts_of(closing(1, 1), packed("a", 2), delivered("a", 3), packed("b", 3), cancelled("a", 3))
    assert sums_of(accounts) == {"parcels": 1, "packaging_mass_mg": 100}
    assert current(accounts).data.sums.delivery["parcels"] == 0
    assert accounts.take(packed("a", 4, revision=9)) == "superseded"


def test_a_retraction_that_comes_first_leaves_nothing_to_come() -> None:
    accounts = accounts_of(closing(1, 1), cancelled("a", 2))
    assert accounts.take(packed("a", 2)) == "superseded"
    assert sums_of(accounts) == {}


def test_retractions_are_duplicates_when_equal_and_superseded_when_smaller() -> None:
    accounts = accounts_of(closing(1, 1), cancelled("a", 3))
    assert accounts.take(cancelled("a", 3)) == "duplicate"
    assert accounts.take(cancelled("a", 2)) == "superseded"
    assert accounts.take(cancelled("a", 4)) == "assessed"


# lateness and forgetting


def test_nothing_is_late_before_the_first_closing() -> None:
    assert accounts_of().take(packed("a", -4000)) == "assessed"


@pytest.mark.parametrize(("day", "outcome"), [(7, "late"), (8, "assessed")])
def test_a_day_is_late_from_the_lateness_bound_on(day: int, outcome: str) -> None:
    assert accounts_of(closing(1, 10)).take(packed("a", day)) == outcome
    assert accounts_of(closing(1, 10)).take(cancelled("a", day)) == outcome


def test_the_lateness_bound_never_reaches_behind_the_window() -> None:
    accounts = accounts_of(closing(1, 10), lateness_days=90)
    assert accounts.take(packed("a", 6)) == "late"
    assert accounts.take(packed("a", 7)) == "assessed"


def test_late_records_and_closings_of_one_marketplace_leave_the_others_alone() -> None:
    accounts = accounts_of(closing(1, 10))
    assert accounts.take(packed("a", 1, marketplace="mall")) == "assessed"
    assert list(accounts.statements()) == []


def test_closing_a_day_of_one_marketplace_states_nothing_of_another() -> None:
    accounts = accounts_of(closing(1, 1), closing(1, 1, "mall"), packed("a", 2, marketplace="mall"), closing(2, 2))
    assert (current(accounts).data.as_of, current(accounts).data.day) == ("open_day", at(2))


def test_a_version_that_left_every_window_is_forgotten() -> None:
    accounts = accounts_of(packed("a", 1), packed("b", 2), closing(1, 5))
    # the open window of day 6 begins on day 2
    assert accounts.take(packed("b", 6)) == "assessed"
    assert sums_of(accounts) == {"parcels": 1, "packaging_mass_mg": 100}
    assert current(accounts).data.window.first_day == at(2)
    assert accounts.take(packed("a", 6, event_id="0")) == "assessed", "the greater version of day 1 is gone"


def test_an_empty_account_is_forgotten_after_its_last_score() -> None:
    accounts = accounts_of(packed("a", 1), closing(1, 5))
    last = current(accounts)
    assert (last.data.day, last.data.sums.packaging["parcels"]) == (at(5), 1)
    accounts.take(closing(6, 6))
    assert current(accounts) == last


def test_an_empty_account_with_a_badge_is_kept() -> None:
    accounts = accounts_of(packed("a", 1), packed("b", 1), closing(1, 2), closing(3, 7))
    assert decided(accounts) == [("badge.granted", 2, "none", "bronze"), ("badge.warned", 6, "bronze", "bronze")]
    accounts.take(closing(8, 8))
    assert decided(accounts)[2:] == [("badge.revoked", 8, "bronze", "none")]
    assert current(accounts).data.day == at(8)


# statements


def test_before_the_first_closing_nothing_is_stated() -> None:
    assert list(accounts_of(packed("a", 1)).statements()) == []


def test_an_open_statement_is_about_the_day_after_the_last_closed_one() -> None:
    statement = current(accounts_of(closing(1, 10), packed("a", 8), packed("b", 14)))
    assert (statement.data.day, statement.data.sequence, statement.data.as_of) == (at(11), 2, "open_day")
    assert (statement.data.window.first_day, statement.data.window.last_day) == (at(7), None)
    assert statement.time == f"{at(14)}T12:00:00.000000Z"
    assert statement.id == statement_id("score", "shop", "ann", at(11), 2)
    assert statement.data.sums.packaging["parcels"] == 2, "what lies ahead counts in the open window"


def test_only_accepted_records_count_in_the_sequence() -> None:
    records = (packed("a", 11), packed("a", 11), packed("a", 11, event_id="0"), packed("b", 1), delivered("a", 12))
    statement = current(accounts_of(closing(1, 10), *records))
    assert statement.data.sequence == 2
    assert statement.time == f"{at(12)}T12:00:00.000000Z"


def test_a_closed_statement_follows_the_open_ones_of_its_day() -> None:
    statement = current(accounts_of(closing(1, 1), packed("a", 2), packed("b", 2), closing(2, 2)))
    assert (statement.data.day, statement.data.sequence, statement.data.as_of) == (at(2), 3, "closed_day")
    assert (statement.data.window.first_day, statement.data.window.last_day) == (at(-2), at(2))
    assert statement.time == f"{at(3)}T00:00:00Z"


def test_the_closed_statement_of_a_run_of_days_is_the_first_of_its_last_day() -> None:
    statement = current(accounts_of(closing(1, 1), packed("a", 2), packed("b", 2), closing(2, 4)))
    assert (statement.data.day, statement.data.sequence) == (at(4), 1)


def test_a_closed_window_leaves_out_what_lies_after_it() -> None:
    accounts = accounts_of(packed("a", 1), packed("b", 2), packed("c", 6), packed("d", 7), closing(1, 6))
    assert sums_of(accounts)["parcels"] == 2, "days 2 to 6"


def test_a_closing_that_closes_nothing_changes_nothing() -> None:
    accounts = accounts_of(closing(1, 3), packed("a", 4))
    before = current(accounts)
    assert accounts.take(closing(1, 3)) is None
    assert current(accounts) == before


def test_a_closing_begins_after_the_last_closed_day_whatever_it_says() -> None:
    records = (packed("a", 1), packed("b", 1), closing(1, 1))
    # two days in a row meet bronze: days 1 and 2; closing day 1 once more would count it twice
    assert decided(accounts_of(*records, closing(1, 1))) == []
    assert decided(accounts_of(*records, closing(1, 2))) == [("badge.granted", 2, "none", "bronze")]


# the badge


def many(count: int, day: int, name: str = "p") -> list[Assessment]:
    return [packed(f"{name}{number}", day) for number in range(count)]


def test_a_level_is_granted_after_enough_closed_days_in_a_row() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 1))
    assert decided(accounts) == []
    accounts.take(closing(2, 2))
    decision = accounts.decisions[0]
    assert decided(accounts) == [("badge.granted", 2, "none", "bronze")]
    assert decision.data.reason == "rules_met_in_a_row"
    assert decision.data.day_closed_id == closing(2, 2).id
    assert (decision.data.window.first_day, decision.data.window.last_day) == (at(-2), at(2))
    assert decision.id == statement_id("badge", "shop", "ann", at(2), 1)


def test_a_decision_of_the_first_day_of_a_run_follows_what_was_accepted() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 1), packed("x", 2), packed("y", 2), closing(2, 3))
    assert [(item.data.day, item.data.sequence) for item in accounts.decisions] == [(at(2), 3), (at(3), 1)]


def test_a_day_below_breaks_the_streak() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 1), cancelled("p0", 2), closing(2, 2), *many(1, 3, "q"))
    accounts.take(closing(3, 3))
    assert decided(accounts) == []
    accounts.take(closing(4, 4))
    assert decided(accounts) == [("badge.granted", 4, "none", "bronze")]


def test_the_highest_level_earned_is_granted_at_once() -> None:
    assert decided(accounts_of(*many(6, 1), closing(1, 2))) == [("badge.granted", 2, "none", "gold")]


def test_a_higher_level_needs_its_own_days_in_a_row() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 1), *many(2, 2, "q"), closing(2, 3))
    assert decided(accounts) == [
        ("badge.granted", 2, "none", "bronze"),
        ("badge.level_changed", 3, "bronze", "silver"),
    ]
    assert accounts.decisions[1].data.reason == "rules_met_in_a_row"


def test_streaks_do_not_grow_beyond_what_is_needed() -> None:
    accounts = accounts_of(*many(4, 1), closing(1, 4), leave_days=1)
    assert current(accounts).data.standing.days_above == 0
    accounts = accounts_of(*many(2, 1), closing(1, 1), enter_days=3)
    assert current(accounts).data.standing.days_above == 1


def test_the_first_day_below_warns_and_the_last_takes_the_level() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 9))
    # day 1 leaves the window at day 6: days below are 6, 7, 8
    assert decided(accounts) == [
        ("badge.granted", 2, "none", "bronze"),
        ("badge.warned", 6, "bronze", "bronze"),
        ("badge.revoked", 8, "bronze", "none"),
    ]
    warning, revocation = accounts.decisions[1:]
    assert (warning.data.reason, warning.data.standing.warned_on) == ("below_level", at(6))
    assert warning.data.standing.days_below == 1
    assert (revocation.data.reason, revocation.data.standing.warned_on) == ("days_below_used_up", None)
    assert revocation.data.standing.days_below == 0


def test_a_lost_level_falls_to_the_highest_that_is_held() -> None:
    accounts = accounts_of(*many(4, 1), *many(2, 4, "q"), closing(1, 8))
    assert decided(accounts) == [
        ("badge.granted", 2, "none", "silver"),
        ("badge.level_changed", 5, "silver", "gold"),
        ("badge.warned", 6, "gold", "gold"),
        ("badge.level_changed", 8, "gold", "bronze"),
    ]
    assert accounts.decisions[-1].data.reason == "days_below_used_up"


def test_a_lost_level_falls_no_further_than_it_must() -> None:
    accounts = accounts_of(*many(2, 1), *many(4, 4, "q"), closing(1, 8))
    assert decided(accounts)[-2:] == [
        ("badge.warned", 6, "gold", "gold"),
        ("badge.level_changed", 8, "gold", "silver"),
    ]


def test_with_one_day_to_leave_the_drop_replaces_the_warning() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 6), leave_days=1)
    assert decided(accounts) == [("badge.granted", 2, "none", "bronze"), ("badge.revoked", 6, "bronze", "none")]


def test_recovering_ends_the_warning() -> None:
    accounts = accounts_of(*many(2, 1), closing(1, 6), *many(2, 7, "q"), closing(7, 7))
    assert decided(accounts)[-1] == ("badge.warned", 6, "bronze", "bronze")
    standing = current(accounts).data.standing
    assert (standing.level, standing.warned_on, standing.days_below) == (BadgeLevel.BRONZE, None, 0)


def test_a_run_of_days_decides_as_the_days_one_by_one() -> None:
    records = [*many(6, 1), *many(2, 5, "q")]
    run = accounts_of(*records, closing(1, 20))
    singly = accounts_of(*records, *(closing(day, day) for day in range(1, 21)))
    assert decided(run) == decided(singly)
    assert len(decided(run)) == 5


def test_sellers_are_judged_apart() -> None:
    accounts = accounts_of(*many(2, 1), packed("z", 1, seller_id="bob"), closing(1, 2))
    assert [item.subject for item in accounts.decisions] == ["ann"]
    assert [item.subject for item in accounts.statements()] == ["ann", "bob"]


def test_a_contribution_with_an_unknown_sum_is_refused() -> None:
    with pytest.raises(TypeError, match="flowers"):
        accounts_of(packed("a", 1, contribution={"flowers": 1}))
    assert "flowers" not in PackagingSums._fields
