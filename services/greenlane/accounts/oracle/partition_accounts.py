"""Every account of one partition, rebuilt naively: record after record, all parcels kept, all sums taken anew."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from greenlane.accounts.oracle.badge_step import ClosedDay, badge_step
from greenlane.accounts.oracle.refusals import refusal_of
from greenlane.accounts.oracle.rules import LogRules
from greenlane.accounts.oracle.seller import Part, Seller, Version
from greenlane.contracts.assessments import Assessment, DayClosed, Retraction, SellerErased
from greenlane.contracts.dead_letters import DeadLetterCode
from greenlane.contracts.reading.fulfilment import KafkaRecord
from greenlane.contracts.rules import RulesAdopted
from greenlane.contracts.scores import BadgeDecision, SellerScore
from greenlane.contracts.statements import StatedAccount, decision_statement, end_of_day, score_statement
from greenlane.methodology.seller.eligibility import Policy, level_met
from greenlane.methodology.seller.score import Scores, score
from greenlane.methodology.sums import Sums, Totals
from greenlane.methodology.vocabulary import BadgeLevel, Dimension

Message = Assessment | Retraction | DayClosed | SellerErased | RulesAdopted
Outcome = Literal["assessed", "duplicate", "superseded", "late"]
Key = tuple[str, str]
"""Marketplace and seller."""

ONE_DAY = timedelta(days=1)


class EarlierScore(NamedTuple):
    """A score that an earlier method stated: the record's value too, since this release would write it otherwise."""

    score: SellerScore
    text: str


class PartitionAccounts:
    """The accounts of one partition of the assessments topic, fed with its records in order.

    `decisions` holds every badge decision made so far, `held` the policy of each marketplace's last closed day, and
    `earlier` each score that an earlier method stated: it stands until the account moves.
    """

    def __init__(self, policy: Policy) -> None:
        self.decisions: list[BadgeDecision] = []
        self.rules = LogRules(policy)
        self.held: dict[str, Policy] = {}
        self.earlier: dict[Key, EarlierScore] = {}
        self._closed: dict[str, date] = {}
        self._sellers: dict[Key, Seller] = {}
        self._closed_statements: dict[Key, tuple[StatedAccount, str] | SellerScore] = {}
        self._judged = lru_cache(maxsize=1024)(_judge)

    def refusal_of(self, record: KafkaRecord, message: Message) -> DeadLetterCode | None:
        """Why the account may not take the message; None if it may. Rules are taken over here, in their order."""
        if isinstance(message, RulesAdopted):
            return self.rules.adopt(message)
        return refusal_of(record, message) or self.rules.refusal_of(message)

    def take(self, record: Assessment | Retraction | DayClosed | SellerErased) -> Outcome | None:
        """Handle the next record and say what became of it; None for a closing and for a seller who is forgotten."""
        if isinstance(record, DayClosed):
            self._close(record)
            return None
        if isinstance(record, SellerErased):
            key = (record.marketplace, record.seller_id)
            self._sellers.pop(key, None)
            self._closed_statements.pop(key, None)
            self.earlier.pop(key, None)
            return None
        if isinstance(record, Retraction):
            return self._enter(record, dict.fromkeys(Dimension))
        return self._enter(record, {record.dimension: record.sums()})

    def statements(self) -> Iterator[SellerScore]:
        """What has to stand as each seller's current score after the last record, unless it is an `earlier` one."""
        for key in sorted((self._closed_statements.keys() | self._sellers.keys()) - self.earlier.keys()):
            seller = self._sellers.get(key)
            closed = self._closed.get(key[0])
            if seller is not None and seller.accepted > 0 and closed is not None:
                account = self._account(key, seller, closed + ONE_DAY, None, seller.accepted)
                yield score_statement(account, seller.last_accepted_at)
            elif key in self._closed_statements:
                stated = self._closed_statements[key]
                yield stated if isinstance(stated, SellerScore) else score_statement(*stated)

    def standing(self) -> tuple[dict[str, date], dict[Key, Seller], dict[Key, tuple[StatedAccount, str] | SellerScore]]:
        """All that the next record meets: last closed days, sellers, and what was stated at the last closed day.

        They are the accounts' own, so that a checkpoint can be taken of them and put into them.
        """
        return self._closed, self._sellers, self._closed_statements

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
        self.earlier.pop(key, None)
        return "assessed"

    def _late(self, record: Assessment | Retraction) -> bool:
        closed = self._closed.get(record.marketplace)
        policy = self._policy_of(record.marketplace)
        bound = min(policy.lateness_days, policy.window_days - 1)
        return closed is not None and record.day <= closed - timedelta(days=bound)

    def _close(self, record: DayClosed) -> None:
        closed = self._closed.get(record.marketplace)
        first = record.first_day if closed is None else closed + ONE_DAY
        days = [first + number * ONE_DAY for number in range((record.last_day - first).days + 1)]
        if not days:
            return
        self.held[record.marketplace] = self.rules.policy
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
        self.earlier.pop(key, None)
        seller.forget_before(self._window_start(key, last_day + ONE_DAY))
        if seller.empty:
            del self._sellers[key]

    def _close_day(self, key: Key, seller: Seller, day: date, sequence: int, day_closed_id: str) -> date:
        """Close one day; the next one that can change anything: in an idle account that is the next with a parcel."""
        if seller.idle(self._window_start(key, day), day):
            return min((at for at in seller.days if at > day), default=date.max)
        totals = seller.window(self._window_start(key, day), day)
        scores, met = self._judged(totals, self._policy_of(key[0]))
        previous_level = seller.badge.level
        step = badge_step(ClosedDay(day, totals, scores, met), seller.badge, self._policy_of(key[0]))
        seller.badge = step.badge
        if step.kind is not None:
            account = self._account(key, seller, day, day, sequence)
            decision = decision_statement(account, step.kind, previous_level, step.reason, day_closed_id)
            self.decisions.append(decision)
        return day + ONE_DAY

    def _account(self, key: Key, seller: Seller, day: date, last_day: date | None, sequence: int) -> StatedAccount:
        first_day = self._window_start(key, day)
        totals = seller.window(first_day, last_day)
        scores, _ = self._judged(totals, self._policy_of(key[0]))
        return StatedAccount(
            marketplace=key[0],
            seller_id=key[1],
            day=day,
            sequence=sequence,
            first_day=first_day,
            last_day=last_day,
            totals=totals,
            scores=scores,
            badge=seller.badge,
            policy=self._policy_of(key[0]),
        )

    def _policy_of(self, marketplace: str) -> Policy:
        """The policy of the last closed day; of the rules adopted last while no day is closed."""
        return self.held.get(marketplace, self.rules.policy)

    def _window_start(self, key: Key, day: date) -> date:
        return day - timedelta(days=self._policy_of(key[0]).window_days - 1)


def _judge(totals: Totals, policy: Policy) -> tuple[Scores, BadgeLevel]:
    scores = score(totals, policy.prior_parcels)
    return scores, level_met(totals, scores, policy)
