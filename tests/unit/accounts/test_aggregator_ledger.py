"""Arrivals, closings and forgetting, rule by rule."""

from datetime import date
from typing import Any, NamedTuple

import pytest

from greenlane.accounts.aggregator.closing import ClosedAccount, Decision, close_days, windows
from greenlane.accounts.aggregator.entries import PackedEntries
from greenlane.accounts.aggregator.ledger import Arrival, Ledger
from greenlane.accounts.aggregator.seller_days import RANKS
from greenlane.methodology.seller.eligibility import LevelRules, Policy
from greenlane.methodology.sums import DeliverySums, PackagingSums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Dimension

MARKET, SELLER = "demo-vn", "seller-1"
TODAY = date(2026, 7, 1).toordinal()
PACKAGING, DELIVERY = RANKS[Dimension.PACKAGING], RANKS[Dimension.DELIVERY]
EASY = LevelRules(BadgeLevel.BRONZE, 10, 10, 0, 1, 0, 1, 100)
POLICY = Policy(version="test", levels=(EASY,), window_days=5, lateness_days=3, enter_days=2, leave_days=2)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(PackedEntries(), POLICY.window_days, POLICY.lateness_days)


def arrival(
    day: int = TODAY, parcel: str = "p1", revision: int = 0, seller: str = SELLER, event: str = "e1"
) -> Arrival:
    occurred_at = f"{date.fromordinal(day)}T12:00:00.000000Z"
    return Arrival(MARKET, seller, parcel, (revision, occurred_at, event), day)


def packed(mass: int = 1000) -> tuple[int, ...]:
    return tuple(PackagingSums(parcels=1, packaging_mass_mg=mass))


def totals(ledger: Ledger, seller: str = SELLER) -> Totals:
    return ledger.market(MARKET).accounts[seller].totals()


class Closing(NamedTuple):
    decisions: list[Decision]
    accounts: list[ClosedAccount]


def close(ledger: Ledger, marketplace: str, first: int, last: int, policy: Policy) -> Closing:
    steps = [step for step in close_days(ledger, marketplace, first, last, policy) if step is not None]
    return Closing([item for step in steps for item in step.decisions], [step.account for step in steps])


def test_what_arrives_enters_its_day_and_the_window(ledger: Ledger) -> None:
    assert ledger.assess(arrival(), PACKAGING, packed(700)) == "assessed"
    assert ledger.assess(arrival(TODAY + 1, "p2"), PACKAGING, packed(300)) == "assessed"
    assert totals(ledger).packaging == PackagingSums(parcels=2, packaging_mass_mg=1000)
    assert totals(ledger).active_days == 2
    assert ledger.market(MARKET).accounts[SELLER].sequence == 2


def test_the_same_version_again_is_a_duplicate_and_changes_nothing(ledger: Ledger) -> None:
    ledger.assess(arrival(), PACKAGING, packed(700))
    assert ledger.assess(arrival(), PACKAGING, packed(999)) == "duplicate"
    assert totals(ledger).packaging.packaging_mass_mg == 700
    assert ledger.market(MARKET).accounts[SELLER].sequence == 1


def test_the_same_version_in_another_dimension_is_another_entry(ledger: Ledger) -> None:
    ledger.assess(arrival(), PACKAGING, packed())
    assert ledger.assess(arrival(), DELIVERY, tuple(DeliverySums(parcels=1))) == "assessed"


@pytest.mark.parametrize(
    "greater", [{"revision": 1}, {"day": TODAY + 1}, {"event": "e2"}], ids=["revision", "occurred_at", "event_id"]
)
def test_the_greater_version_stands_in_either_order_of_arrival(ledger: Ledger, greater: dict[str, Any]) -> None:
    other = Ledger(PackedEntries(), 5, 3)
    assert ledger.assess(arrival(), PACKAGING, packed(700)) == "assessed"
    assert ledger.assess(arrival(**greater), PACKAGING, packed(300)) == "assessed"
    assert other.assess(arrival(**greater), PACKAGING, packed(300)) == "assessed"
    assert other.assess(arrival(), PACKAGING, packed(700)) == "superseded"
    assert totals(ledger) == totals(other)
    assert totals(ledger).packaging == PackagingSums(parcels=1, packaging_mass_mg=300)


def test_a_correction_may_move_the_parcel_to_another_day(ledger: Ledger) -> None:
    ledger.assess(arrival(TODAY), PACKAGING, packed(700))
    ledger.assess(arrival(TODAY - 1, revision=1), PACKAGING, packed(300))
    assert list(ledger.market(MARKET).accounts[SELLER].days) == [TODAY - 1]
    assert totals(ledger).active_days == 1


def test_a_retraction_takes_the_parcel_out_of_every_dimension(ledger: Ledger) -> None:
    ledger.assess(arrival(), PACKAGING, packed())
    ledger.assess(arrival(), DELIVERY, tuple(DeliverySums(parcels=1)))
    assert ledger.retract(arrival(TODAY + 1, revision=9)) == "assessed"
    assert totals(ledger) == Totals()
    assert ledger.market(MARKET).accounts[SELLER].sequence == 3


def test_a_retraction_before_its_parcel_keeps_the_parcel_out(ledger: Ledger) -> None:
    assert ledger.retract(arrival(revision=9)) == "assessed"
    assert ledger.assess(arrival(), PACKAGING, packed()) == "superseded"
    assert totals(ledger) == Totals()


def test_a_retraction_again_is_a_duplicate_and_a_lesser_one_superseded(ledger: Ledger) -> None:
    ledger.retract(arrival(revision=9, event="e2"))
    assert ledger.retract(arrival(revision=9, event="e2")) == "duplicate"
    assert ledger.retract(arrival(revision=9, event="e1")) == "superseded"


def test_a_retraction_that_one_dimension_accepts_is_assessed(ledger: Ledger) -> None:
    ledger.assess(arrival(revision=10), PACKAGING, packed())
    assert ledger.retract(arrival(revision=9)) == "assessed"
    assert totals(ledger).packaging.parcels == 1


def test_before_the_first_closed_day_nothing_is_late(ledger: Ledger) -> None:
    assert ledger.assess(arrival(TODAY - 10_000), PACKAGING, packed()) == "assessed"


@pytest.mark.parametrize(("days_ago", "outcome"), [(2, "assessed"), (3, "late"), (4, "late")])
def test_lateness_counts_from_the_last_closed_day(ledger: Ledger, days_ago: int, outcome: str) -> None:
    close(ledger, MARKET, TODAY, TODAY, POLICY)
    assert ledger.assess(arrival(TODAY - days_ago), PACKAGING, packed()) == outcome
    assert ledger.retract(arrival(TODAY - days_ago, "p2")) == outcome


def test_what_is_late_opens_no_account(ledger: Ledger) -> None:
    close(ledger, MARKET, TODAY, TODAY, POLICY)
    ledger.assess(arrival(TODAY - 3), PACKAGING, packed())
    assert not ledger.market(MARKET).accounts


def test_lateness_never_reaches_beyond_the_window() -> None:
    ledger = Ledger(PackedEntries(), window_days=5, lateness_days=90)
    close(ledger, MARKET, TODAY, TODAY, POLICY)
    assert ledger.assess(arrival(TODAY - 4), PACKAGING, packed()) == "late"
    assert ledger.assess(arrival(TODAY - 3), PACKAGING, packed()) == "assessed"


def test_another_marketplace_closes_its_own_days(ledger: Ledger) -> None:
    close(ledger, "olist-br", TODAY, TODAY, POLICY)
    assert ledger.assess(arrival(TODAY - 100), PACKAGING, packed()) == "assessed"


def test_a_closed_window_holds_its_days_and_no_later_one(ledger: Ledger) -> None:
    for days_ago in range(-1, 6):
        ledger.assess(arrival(TODAY - days_ago, f"p{days_ago}"), PACKAGING, packed(10 ** (days_ago + 1)))
    (closed,) = close(ledger, MARKET, TODAY, TODAY, POLICY).accounts
    assert closed.judgement.totals.packaging == PackagingSums(parcels=5, packaging_mass_mg=111_110)
    assert closed.judgement.totals.active_days == 5


def test_after_closing_the_open_window_is_one_day_on(ledger: Ledger) -> None:
    for days_ago in range(-1, 6):
        ledger.assess(arrival(TODAY - days_ago, f"p{days_ago}"), PACKAGING, packed(10 ** (days_ago + 1)))
    close(ledger, MARKET, TODAY, TODAY, POLICY)
    assert totals(ledger).packaging == PackagingSums(parcels=5, packaging_mass_mg=11_111)


def test_a_run_of_days_decides_as_closing_them_one_by_one_does() -> None:
    one_by_one, at_once = (Ledger(PackedEntries(), 5, 3) for _ in range(2))
    for ledger in (one_by_one, at_once):
        ledger.assess(arrival(TODAY), PACKAGING, packed())
    decisions = [
        (decision.day, decision.change)
        for day in range(TODAY, TODAY + 20)
        for decision in close(one_by_one, MARKET, day, day, POLICY).decisions
    ]
    run = close(at_once, MARKET, TODAY, TODAY + 19, POLICY)
    assert [(decision.day, decision.change) for decision in run.decisions] == decisions
    assert [verdict.kind for _, verdict in decisions] == ["badge.granted", "badge.warned", "badge.revoked"]


def test_the_first_day_of_a_run_goes_on_counting_and_later_days_begin_at_one(ledger: Ledger) -> None:
    ledger.assess(arrival(TODAY), PACKAGING, packed())
    ledger.assess(arrival(TODAY, "p2"), PACKAGING, packed())
    eager = Policy(version="test", levels=(EASY,), window_days=5, lateness_days=3, enter_days=1, leave_days=2)
    closing = close(ledger, MARKET, TODAY, TODAY + 5, eager)
    assert [(decision.day - TODAY, decision.sequence) for decision in closing.decisions] == [(0, 3), (5, 1)]
    assert [account.sequence for account in closing.accounts] == [1]
    assert ledger.market(MARKET).accounts[SELLER].sequence == 0


def test_a_single_closed_day_is_numbered_after_what_was_said_of_it_open(ledger: Ledger) -> None:
    ledger.assess(arrival(TODAY), PACKAGING, packed())
    assert [account.sequence for account in close(ledger, MARKET, TODAY, TODAY, POLICY).accounts] == [2]
    assert [account.sequence for account in close(ledger, MARKET, TODAY, TODAY + 1, POLICY).accounts] == [1]


def test_closing_what_is_closed_has_no_effect(ledger: Ledger) -> None:
    close(ledger, MARKET, TODAY, TODAY, POLICY)
    ledger.assess(arrival(TODAY), PACKAGING, packed())
    assert close(ledger, MARKET, TODAY - 3, TODAY, POLICY) == ([], [])
    assert ledger.market(MARKET).accounts[SELLER].sequence == 1


def test_closing_continues_after_the_last_closed_day_whatever_the_record_calls_first(ledger: Ledger) -> None:
    close(ledger, MARKET, TODAY, TODAY, POLICY)
    ledger.assess(arrival(TODAY + 1), PACKAGING, packed())
    closing = close(ledger, MARKET, TODAY + 3, TODAY + 3, POLICY)
    assert [decision.day - TODAY for decision in closing.decisions] == [2]


def test_decisions_stand_by_seller_and_then_by_day(ledger: Ledger) -> None:
    for seller in ("b", "a"):
        ledger.assess(arrival(TODAY, seller=seller), PACKAGING, packed())
    closing = close(ledger, MARKET, TODAY, TODAY + 10, POLICY)
    assert [(item.day - TODAY, item.seller) for item in closing.decisions] == [
        (1, "a"), (5, "a"), (6, "a"), (1, "b"), (5, "b"), (6, "b"),
    ]  # fmt: skip
    assert [account.seller for account in closing.accounts] == ["a", "b"]


def test_an_account_that_left_every_window_is_stated_once_more_and_forgotten() -> None:
    entries = PackedEntries()
    ledger = Ledger(entries, 5, 3)
    ledger.assess(arrival(TODAY), PACKAGING, packed())
    assert len(close(ledger, MARKET, TODAY, TODAY, POLICY).accounts) == 1
    assert len(close(ledger, MARKET, TODAY, TODAY + 30, POLICY).accounts) == 1
    assert close(ledger, MARKET, TODAY, TODAY + 31, POLICY).accounts == []
    assert len(entries) == 0


def test_a_badge_keeps_an_account_without_entries(ledger: Ledger) -> None:
    ledger.assess(arrival(TODAY), PACKAGING, packed())
    patient = Policy(version="test", levels=(EASY,), window_days=5, lateness_days=3, enter_days=1, leave_days=50)
    close(ledger, MARKET, TODAY, TODAY + 30, patient)
    assert ledger.market(MARKET).accounts[SELLER].days == {}
    assert ledger.market(MARKET).accounts[SELLER].badge.days_below == 26


def test_a_long_run_visits_only_the_days_on_which_the_window_changes(ledger: Ledger) -> None:
    ledger.assess(arrival(TODAY), PACKAGING, packed())
    ledger.assess(arrival(TODAY + 400, "p2"), PACKAGING, packed())
    account = ledger.market(MARKET).accounts[SELLER]
    visited = [day - TODAY for day, _ in windows(account, TODAY, TODAY + 1000, POLICY.window_days)]
    assert visited == [0, 5, 400, 405]
