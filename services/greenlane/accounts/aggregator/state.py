"""The state of one partition: takes records in, keeps the accounts, answers with scores, decisions and rows."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from greenlane.accounts.aggregator.closing import Closed, close_days
from greenlane.accounts.aggregator.intake import ReadAssessment, read
from greenlane.accounts.aggregator.ledger import Arrival, Arrived, Entries, Ledger
from greenlane.accounts.aggregator.rows import (
    CLOSED,
    DAY,
    ENTRY,
    RULES,
    Key,
    RowError,
    closed_key,
    closed_value,
    day_key,
    day_value,
    read_closed,
    read_day,
    read_key,
    read_rules,
    read_seller,
    rules_key,
    rules_value,
    seller_key,
    seller_value,
)
from greenlane.accounts.aggregator.rules_book import RulesBook
from greenlane.accounts.aggregator.stating import StatementWriter
from greenlane.accounts.aggregator.telemetry import Gauges
from greenlane.contracts.assessments import DayClosed, SellerErased
from greenlane.contracts.dead_letters import DeadLetterCode, Refusal
from greenlane.contracts.records import KafkaRecord
from greenlane.contracts.rules import RULES_KEY, RulesAdopted, refuse_unreadable_rules
from greenlane.methodology.method import METHOD_VERSION
from greenlane.methodology.seller.eligibility import Policy
from greenlane.streaming import Outcome, Output, Rows, Stage, StreamingError

MOST_STATED = 1_000
"""Statements of closed days held in memory: a closing of more sellers than this is stated while it is written."""

CONTROL = "control"
"""Outcome of a record that closes days, adopts rules or has a seller forgotten."""

AssessmentsRecord = ReadAssessment | Arrival | DayClosed | SellerErased | RulesAdopted
"""What a record can say."""

REPLAYED = Outcome("replayed")
"""Outcome of a record that the rows already contain."""


class Last(NamedTuple):
    """The last accepted record of a seller in the batch: its place, and when it happened."""

    place: int
    occurred_at: str


class EntryRows(Entries, Protocol):
    """Entries that are rows of the store."""

    def __len__(self) -> int:
        """How many there are, before the first batch."""

    def restore(self, key: Key, value: bytes) -> None:
        """Take back one row. Raises RowError if it does not decode or contradicts another."""

    def take_changes(self) -> Rows:
        """Rows changed since the last call; None deletes a row."""


class Accounts:
    """The accounts of one partition behind its changelog; a `PartitionState` of the streaming engine.

    `handle` states the open score of each seller whose account changed once a batch, at its last accepted record.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is one thing that accounts need from outside
        self,
        partition: int,
        entries: EntryRows,
        policy: Policy,
        stage: Stage,
        gauges: Gauges,
        refused: Callable[[DeadLetterCode], None],
    ) -> None:
        self._partition, self._rules, self._stage = partition, RulesBook(policy), stage
        self._gauges, self._refused = gauges, refused
        self._entries = entries
        self._ledger = Ledger(self._entries, policy.window_days, policy.lateness_days)
        self._guard = -1
        self._entries_of_days = 0
        self._restored = False
        self._pending: defaultdict[str, dict[str, Last]] = defaultdict(dict)

    def restore(self, key: bytes, value: bytes) -> None:
        """Take back one row. Raises RowError if it does not decode or contradicts another."""
        named = read_key(key)
        guard = -1
        if named.kind == ENTRY:
            self._entries.restore(named, value)
        elif named.kind == DAY:
            guard, bucket = read_day(value)
            self._ledger.restore_day(named.marketplace, named.seller, named.day, bucket)
            self._entries_of_days += bucket.entries
        elif named.kind == RULES:
            guard, kept = read_rules(value)
            self._rules.restore(kept)
        elif named.kind == CLOSED:
            guard, self._ledger.market(named.marketplace).closed = read_closed(value)
        else:
            guard, sequence, badge = read_seller(value)
            self._ledger.restore_account(named.marketplace, named.seller, sequence, badge)
        self._guard = max(self._guard, guard)

    def handle(self, records: Sequence[KafkaRecord]) -> list[Outcome]:
        """One outcome per record, in order, up to a closing that made many statements, or a seller that is forgotten.

        A record at or below the guard changes nothing. Raises UnreadableRulesError for rules of a later release.
        """
        if not self._restored:
            self._begin()
        outcomes: list[Outcome] = []
        stated = 0
        for record in records:
            if record.offset <= self._guard:
                outcomes.append(REPLAYED)
                continue
            self._guard = record.offset
            if self._rules.foreign and record.key != RULES_KEY:
                raise StreamingError(self._other_method(f"holds, from offset {record.offset} on, records"))
            try:
                said = self._admitted(read(record))
            except Refusal as refusal:
                refuse_unreadable_rules(record)
                self._refused(refusal.code)
                outcomes.append(self._stage.refuse(record, refusal))
                continue
            if said is None:
                outcomes.append(Outcome(CONTROL))
            elif isinstance(said, DayClosed | SellerErased):
                outcomes.append(self._control(said, outcomes))
                stated += len(outcomes[-1].outputs)
                if outcomes[-1].streamed is not None or stated >= MOST_STATED:
                    break
            else:
                outcomes.append(self._enter(said, len(outcomes)))
        for marketplace in list(self._pending):
            self._state_open_scores(marketplace, outcomes)
        return outcomes

    def changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Rows changed since the last call: derived ones first, the entries last; None deletes a row."""
        ledger, guard = self._ledger, self._guard
        markets, sellers, days = ledger.take_touched()
        if self._rules.touched:
            self._rules.touched = False
            yield rules_key(), rules_value(guard, self._rules.kept())
        for marketplace in markets:
            closed = ledger.market(marketplace).closed
            assert closed is not None, "a marketplace is touched by closing a day of it"
            yield closed_key(marketplace), closed_value(guard, closed)
        for marketplace, seller in sellers:
            account = ledger.market(marketplace).accounts.get(seller)
            value = None if account is None else seller_value(guard, account.sequence, account.badge)
            yield seller_key(marketplace, seller), value
        for marketplace, seller, day in days:
            account = ledger.market(marketplace).accounts.get(seller)
            bucket = None if account is None else account.days.get(day)
            yield day_key(marketplace, seller, day), None if bucket is None else day_value(guard, bucket)
        yield from self._entries.take_changes().items()

    def _begin(self) -> None:
        """Everything is restored: check that it belongs together."""
        if self._entries_of_days != len(self._entries):
            raise RowError(
                f"the days of partition {self._partition} were made of {self._entries_of_days} entries, there are "
                f"{len(self._entries)}: rows were lost; make the state anew with `greenlane rebuild`"
            )
        if self._rules.foreign and self._entries_of_days:
            raise RowError(self._other_method("has accounts"))
        self._restored = True
        self._apply_spans()
        for marketplace, market in self._ledger.markets.items():
            self._gauges.report(self._partition, marketplace, market)

    def _other_method(self, what: str) -> str:
        return (
            f"partition {self._partition} {what} of method {self._rules.method_version}, this release computes "
            f"{METHOD_VERSION}: sums of two methods never mix. `greenlane restate` assesses the entries again, and "
            "`greenlane rebuild --checkpoint` begins with them"
        )

    def _admitted(self, said: AssessmentsRecord) -> ReadAssessment | Arrival | DayClosed | SellerErased | None:
        """What the rules of the log let pass; rules themselves are taken, and None is left of them. Raises Refusal."""
        if isinstance(said, RulesAdopted):
            closed = [name for name, market in self._ledger.markets.items() if market.closed is not None]
            self._rules.adopt(said, closed)
            self._apply_spans()
            return None
        if isinstance(said, ReadAssessment):
            self._rules.admit(said.arrival.marketplace)
            self._rules.admit_method(said.method_version, said.factors)
        else:
            self._rules.admit(said.marketplace)
        return said

    def _apply_spans(self) -> None:
        """Let every marketplace have the window of its policy, and those met later that of the last rules."""
        ledger = self._ledger
        ledger.spans = _spans(self._rules.latest)
        for marketplace, market in ledger.markets.items():
            market.span(*_spans(self._rules.policy_of(marketplace)))

    def _control(self, said: DayClosed | SellerErased, outcomes: list[Outcome]) -> Outcome:
        """Forget a seller or close days; what has many steps is streamed."""
        if isinstance(said, SellerErased):
            return Outcome(CONTROL, streamed=self._erase(said))
        self._state_open_scores(said.marketplace, outcomes)
        steps = self._close(said, self._close_under(said.marketplace, said.last_day.toordinal()))
        if len(self._ledger.market(said.marketplace).accounts) > MOST_STATED:
            return Outcome(CONTROL, streamed=steps)
        return Outcome(CONTROL, tuple(output for output in steps if output is not None))

    def _enter(self, said: ReadAssessment | Arrival, place: int) -> Outcome:
        if isinstance(said, ReadAssessment):
            arrival = said.arrival
            arrived = self._ledger.assess(arrival, said.rank, said.contribution)
        else:
            arrival = said
            arrived = self._ledger.retract(said)
        if arrived == "assessed":
            self._pending[arrival.marketplace][arrival.seller] = Last(place, arrival.version[1])
        return OUTCOMES[arrived]

    def _state_open_scores(self, marketplace: str, outcomes: list[Outcome]) -> None:
        """State what changed in this batch; before the first closed day there is no open day to speak of."""
        market, pending = self._ledger.market(marketplace), self._pending.pop(marketplace, {})
        if pending:
            self._gauges.report(self._partition, marketplace, market)
        if market.closed is None:
            return
        writer = StatementWriter(marketplace, self._rules.policy_of(marketplace))
        for seller, (place, occurred_at) in pending.items():
            stated = writer.open_score(seller, market.accounts[seller], market.closed + 1, occurred_at)
            outcomes[place] = Outcome(outcomes[place].name, (stated,))

    def _close_under(self, marketplace: str, last: int) -> Policy:
        """The policy that decides the next closed days; one that was adopted begins to hold with them."""
        market = self._ledger.market(marketplace)
        if market.closed is not None and last <= market.closed:
            return self._rules.policy_of(marketplace)
        policy = self._rules.close(marketplace)
        market.span(*_spans(policy))
        return policy

    def _close(self, said: DayClosed, policy: Policy) -> Iterator[Output | None]:
        """Close the days seller by seller: each one's decisions and score. Nothing is closed until it is used up."""
        marketplace, last = said.marketplace, said.last_day.toordinal()
        writer = StatementWriter(marketplace, policy)
        for closed in close_days(self._ledger, marketplace, said.first_day.toordinal(), last, policy):
            if closed is None:
                yield None
                continue
            for decision in closed.decisions:
                yield writer.decision(decision, said.id)
            yield writer.closed_score(closed.account, last)
            self._measure(marketplace, closed)
        self._gauges.report(self._partition, marketplace, self._ledger.market(marketplace))

    def _erase(self, said: SellerErased) -> Iterator[Output | None]:
        """Forget a seller; the tombstone has the topic of scores forget it too, also one without an account."""
        yield from self._ledger.erase(said.marketplace, said.seller_id)
        yield StatementWriter(said.marketplace, self._rules.policy_of(said.marketplace)).erased(said.seller_id)
        self._gauges.report(self._partition, said.marketplace, self._ledger.market(said.marketplace))

    def _measure(self, marketplace: str, closed: Closed) -> None:
        metrics = self._gauges.metrics
        for decision in closed.decisions:
            if decision.badge.level is not decision.change.previous_level:
                metrics.transition(marketplace, decision.change.previous_level, decision.badge.level)
        scores = closed.account.judgement.scores
        metrics.closed_day_score("green", float(scores.green))
        metrics.closed_day_score("packaging", float(scores.packaging))
        metrics.closed_day_score("delivery", float(scores.delivery))


def _spans(policy: Policy) -> tuple[int, int]:
    return policy.window_days, policy.lateness_days


OUTCOMES: dict[Arrived, Outcome] = {name: Outcome(name) for name in ("assessed", "duplicate", "superseded", "late")}
