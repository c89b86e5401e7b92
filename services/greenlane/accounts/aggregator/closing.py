"""Closing days: each day's window of each seller is scored and the badge takes one step."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from greenlane.accounts.aggregator.badge import Badge, BadgeChange, step
from greenlane.accounts.aggregator.ledger import Ledger
from greenlane.accounts.aggregator.seller_days import Account, Contribution, Day, minus, plus, totals_of
from greenlane.methodology.seller.eligibility import Policy, level_held, level_met
from greenlane.methodology.seller.score import Scores, score
from greenlane.methodology.sums import Totals
from greenlane.methodology.vocabulary import BadgeLevel


class Judgement(NamedTuple):
    """A window's sums, their scores and the highest level they meet."""

    totals: Totals
    scores: Scores
    met: BadgeLevel

    def held(self, policy: Policy) -> Callable[[BadgeLevel], bool]:
        """Whether a level, once reached, still stands on these figures."""
        return partial(level_held, totals=self.totals, scores=self.scores, policy=policy)


class Decision(NamedTuple):
    """A badge changed at a closed day; `badge` is the new one."""

    seller: str
    day: int
    sequence: int
    judgement: Judgement
    badge: Badge
    change: BadgeChange


class ClosedAccount(NamedTuple):
    """An account at the last day of the run."""

    seller: str
    sequence: int
    judgement: Judgement
    badge: Badge


class Closed(NamedTuple):
    """What a run of closed days led to for one seller: the account at its end, and the decisions by day."""

    account: ClosedAccount
    decisions: list[Decision]


def close_days(ledger: Ledger, marketplace: str, first: int, last: int, policy: Policy) -> Iterator[Closed | None]:
    """Close the days after the last closed one (from `first` when there is none) up to `last`; none if all are.

    One step is one seller, in the order of their names, or None where only entries are forgotten. The days are closed
    when the steps are used up; until then no other record of the marketplace may be taken in.
    """
    market = ledger.market(marketplace)
    first = first if market.closed is None else market.closed + 1
    if first > last:
        return
    for seller in sorted(market.accounts):
        account = market.accounts[seller]
        closed, decided = _close_account(seller, account, first, last, policy)
        if closed.badge != account.badge:
            ledger.decide(marketplace, seller, closed.badge)
        ledger.begin_anew(marketplace, seller, last)
        yield Closed(closed, decided)
    yield from ledger.advance(marketplace, last)


def judge(totals: Totals, policy: Policy) -> Judgement:
    """Score a window and find the level it meets."""
    scores = score(totals, policy.prior_parcels)
    return Judgement(totals, scores, level_met(totals, scores, policy))


def windows(account: Account, first: int, last: int, window_days: int) -> Iterator[tuple[int, Totals]]:
    """The window of `first`, and of each later day up to `last` on which it differs from the day before.

    The window of day D is D - window_days + 1 … D. It slides: each day enters once and leaves once.
    """
    window, active = account.window, account.active_days
    moves: defaultdict[int, list[tuple[Day, int]]] = defaultdict(list)
    for day, bucket in account.days.items():
        leaves = day + window_days
        if not day <= first < leaves:
            window, active = minus(window, bucket), active - bucket.active
        if first < day <= last:
            moves[day].append((bucket, 1))
        if first < leaves <= last:
            moves[leaves].append((bucket, -1))
    yield first, totals_of(window, active)
    for day in sorted(moves):
        for bucket, sign in moves[day]:
            window, active = _move(window, bucket, sign), active + sign * bucket.active
        yield day, totals_of(window, active)


def _move(window: list[Contribution], bucket: Day, sign: int) -> list[Contribution]:
    return plus(window, bucket) if sign > 0 else minus(window, bucket)


def _close_account(
    seller: str, account: Account, first: int, last: int, policy: Policy
) -> tuple[ClosedAccount, list[Decision]]:
    """Step through the days; while the window stays the same, only until a step changes nothing any more."""
    decided: list[Decision] = []
    badge = account.badge
    spans = [*windows(account, first, last, policy.window_days), (last + 1, Totals())]
    for (start, totals), (end, _) in pairwise(spans):
        judgement = judge(totals, policy)
        for day in range(start, end):
            before = badge
            badge, change = step(before, day, judgement.met, judgement.held(policy), policy)
            if badge == before:
                break
            if change is not None:
                sequence = account.sequence + 1 if day == first else 1
                decided.append(Decision(seller, day, sequence, judgement, badge, change))
    return ClosedAccount(seller, account.sequence + 1 if first == last else 1, judgement, badge), decided
