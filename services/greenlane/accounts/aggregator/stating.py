"""Turns accounts and decisions into the records that state them, on their topics and under the seller's key."""

from dataclasses import dataclass
from datetime import date

from greenlane.accounts.aggregator.badge import Badge
from greenlane.accounts.aggregator.closing import ClosedAccount, Decision
from greenlane.accounts.aggregator.seller_days import Account
from greenlane.contracts import statements
from greenlane.contracts.assessments import account_key
from greenlane.contracts.quick.statements import score_bytes
from greenlane.contracts.topics import BADGE_DECISIONS, SELLER_SCORES
from greenlane.methodology.seller.eligibility import Policy
from greenlane.methodology.seller.score import Scores, score
from greenlane.methodology.sums import Totals
from greenlane.streaming import Output


@dataclass(frozen=True, slots=True)
class Moment:
    """When in a seller's history something is stated: (day, sequence) orders all of it. The day is an ordinal."""

    seller: str
    day: int
    sequence: int
    closed: bool


class StatementWriter:
    """States what happened to the accounts of one marketplace."""

    def __init__(self, marketplace: str, policy: Policy) -> None:
        self._marketplace = marketplace
        self._policy = policy

    def open_score(self, seller: str, account: Account, day: int, time: str) -> Output:
        """The score of the open day, after an event that happened at `time`."""
        totals = account.totals()
        moment = Moment(seller, day, account.sequence, closed=False)
        stated = self._stated(moment, totals, score(totals, self._policy.prior_parcels), account.badge)
        return self._score(seller, stated, time)

    def closed_score(self, closed: ClosedAccount, day: int) -> Output:
        """The score of a closed day."""
        totals, scores, _ = closed.judgement
        stated = self._stated(Moment(closed.seller, day, closed.sequence, closed=True), totals, scores, closed.badge)
        return self._score(closed.seller, stated, statements.end_of_day(stated.day))

    def decision(self, decision: Decision, day_closed_id: str) -> Output:
        """A badge decision."""
        moment = Moment(decision.seller, decision.day, decision.sequence, closed=True)
        totals, scores, _ = decision.judgement
        kind, reason, previous = decision.change
        stated = statements.decision_statement(
            self._stated(moment, totals, scores, decision.badge), kind, previous, reason, day_closed_id
        )
        return Output(BADGE_DECISIONS, self._key(decision.seller), stated.model_dump_json().encode())

    def erased(self, seller: str) -> Output:
        """Nothing stands of this seller any more."""
        return Output(SELLER_SCORES, self._key(seller), None)

    def _score(self, seller: str, stated: statements.StatedAccount, time: str) -> Output:
        return Output(SELLER_SCORES, self._key(seller), score_bytes(stated, time))

    def _key(self, seller: str) -> bytes:
        return account_key(self._marketplace, seller)

    def _stated(self, moment: Moment, totals: Totals, scores: Scores, badge: Badge) -> statements.StatedAccount:
        day = date.fromordinal(moment.day)
        return statements.StatedAccount(
            marketplace=self._marketplace,
            seller_id=moment.seller,
            day=day,
            sequence=moment.sequence,
            first_day=date.fromordinal(moment.day + 1 - self._policy.window_days),
            last_day=day if moment.closed else None,
            totals=totals,
            scores=scores,
            badge=statements.BadgeState(
                level=badge.level,
                streaks=badge.streaks,
                days_below=badge.days_below,
                warned_on=None if badge.warned_on is None else date.fromordinal(badge.warned_on),
            ),
            policy=self._policy,
        )
