"""Every account of one partition, rebuilt naively: record after record, all parcels kept, all sums taken anew."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from greenlane.contracts.assessments import Assessment, DayClosed, Retraction
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.statements import Account, decision_statement, end_of_day, score_statement
from greenlane.methodology.eligibility import Policy, level_met
from greenlane.methodology.score import Scores, score
from greenlane.methodology.sums import Sums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Dimension
from greenlane.oracle.badge_step import ClosedDay, badge_step
from greenlane.oracle.seller import Part, Seller, Version

Outcome = Literal["assessed", "duplicate", "superseded", "late"]
Key = tuple[str, str]
"""Marketplace and seller."""

ONE_DAY = timedelta(days=1)


class PartitionAccounts:
    """The accounts of one partition of the assessments topic, fed with its records in order.

    `decisions` holds every badge decision made so far.
    """

    def __init__(self, policy: Policy) -> None:
        self.decisions: list[BadgeDecision] = []
        self._policy = policy
        self._closed: dict[str, date] = {}
        self._sellers: dict[Key, Seller] = {}
        self._closed_statements: dict[Key, tuple[Account, str]] = {}
        self._judged = lru_cache(maxsize=1024)(self._judge)

    def take(self, record: Assessment | Retraction | DayClosed) -> Outcome | None:
        """Handle the next record and say what became of it; None for a closing, which is no seller's record."""
        if isinstance(record, DayClosed):
            self._close(record)
            return None
        if isinstance(record, Retraction):
            return self._enter(record, dict.fromkeys(Dimension))
        return self._enter(record, {record.dimension: record.sums()})

    def statements(self) -> Iterator[SellerScore]:
        """What has to stand as each seller's current score after the last record."""
        for key in sorted(self._closed_statements.keys() | self._sellers.keys()):
            seller = self._sellers.get(key)
            closed = self._closed.get(key[0])
            if seller is not None and seller.accepted > 0 and closed is not None:
                account = self._account(key, seller, closed + ONE_DAY, None, seller.accepted)
                yield score_statement(account, seller.last_accepted_at)
            elif key in self._closed_statements:
                yield score_statement(*self._closed_statements[key])

    def counted(self, key: Key, first: date | None, last: date | None) -> dict[Part, Version]:
        """The version that counts of each of a seller's parts from `first` to `last`; a retracted part does not."""
        seller = self._sellers.get(key, Seller())
        return {
            part: version
            for part, (version, day) in seller.versions.items()
            if (first is None or first <= day)
            and (last is None or day <= last)
            and seller.days[day].contributions[part] is not None
        }

    def _enter(self, record: Assessment | Retraction, contributions: dict[Dimension, Sums | None]) -> Outcome:
        if self._late(record):
            return "late"
        key = (record.marketplace, record.seller_id)
        seller = self._sellers.get(key, Seller())
        standing = [seller.version_of((record.parcel_id, dimension)) for dimension in contributions]
        accepted = [version is None or version < record.version for version in standing]
        if not any(accepted):
            return "duplicate" if all(version == record.version for version in standing) else "superseded"
        for (dimension, sums), newer in zip(contributions.items(), accepted, strict=True):
            if newer:
                seller.put((record.parcel_id, dimension), record.version, record.day, sums)
        seller.accepted += 1
        seller.last_accepted_at = record.occurred_at
        self._sellers[key] = seller
        return "assessed"

    def _late(self, record: Assessment | Retraction) -> bool:
        closed = self._closed.get(record.marketplace)
        bound = min(self._policy.lateness_days, self._policy.window_days - 1)
        return closed is not None and record.day <= closed - timedelta(days=bound)

    def _close(self, record: DayClosed) -> None:
        closed = self._closed.get(record.marketplace)
        first = record.first_day if closed is None else closed + ONE_DAY
        days = [first + number * ONE_DAY for number in range((record.last_day - first).days + 1)]
        if not days:
            return
        for key in sorted(key for key in self._sellers if key[0] == record.marketplace):
            self._close_account(key, self._sellers[key], days, record.id)
        self._closed[record.marketplace] = record.last_day

    def _close_account(self, key: Key, seller: Seller, days: list[date], day_closed_id: str) -> None:
        last_day = days[-1]
        sequence = 1
        idle_before = days[0]
        for day in days:
            sequence = seller.accepted + 1
            if day >= idle_before:
                idle_before = self._close_day(key, seller, day, sequence, day_closed_id)
            seller.accepted = 0
        account = self._account(key, seller, last_day, last_day, sequence)
        self._closed_statements[key] = (account, end_of_day(last_day))
        seller.forget_before(self._window_start(last_day + ONE_DAY))
        if seller.empty:
            del self._sellers[key]

    def _close_day(self, key: Key, seller: Seller, day: date, sequence: int, day_closed_id: str) -> date:
        """Close one day; the next one that can change anything: in an idle account that is the next with a parcel."""
        if seller.idle(self._window_start(day), day):
            return min((at for at in seller.days if at > day), default=date.max)
        totals = seller.window(self._window_start(day), day)
        scores, met = self._judged(totals)
        previous_level = seller.badge.level
        step = badge_step(ClosedDay(day, totals, scores, met), seller.badge, self._policy)
        seller.badge = step.badge
        if step.kind is not None:
            account = self._account(key, seller, day, day, sequence)
            decision = decision_statement(account, step.kind, previous_level, step.reason, day_closed_id)
            self.decisions.append(decision)
        return day + ONE_DAY

    def _account(self, key: Key, seller: Seller, day: date, last_day: date | None, sequence: int) -> Account:
        first_day = self._window_start(day)
        totals = seller.window(first_day, last_day)
        scores, _ = self._judged(totals)
        return Account(
            marketplace=key[0],
            seller_id=key[1],
            day=day,
            sequence=sequence,
            first_day=first_day,
            last_day=last_day,
            totals=totals,
            scores=scores,
            badge=seller.badge,
            policy=self._policy,
        )

    def _window_start(self, day: date) -> date:
        return day - timedelta(days=self._policy.window_days - 1)

    def _judge(self, totals: Totals) -> tuple[Scores, BadgeLevel]:
        scores = score(totals, self._policy.prior_parcels)
        return scores, level_met(totals, scores, self._policy)
